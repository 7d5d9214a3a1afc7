"""verl: reward.custom_reward_function.path=pkg://endorm.integrations.verl (or this file's own path), name=compute_score (or
compute_score_batch with a reward manager that works in batches), reward_kwargs={server: "http://HOST:8000", ...}."""

from collections.abc import Mapping, Sequence
from typing import Any

# By the package's name, for verl may load this file by its path, as a module without a package.
from endorm.integrations._completions import Completion, Prompt, shared_scorer


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: Mapping[str, Any] | None = None,
    *,
    model: str | None = None,
    server: str | Sequence[str] | None = None,
    **settings: Any,
) -> float:
    """The endogenous reward of one solution.

    verl passes no prompt: the data must carry it in extra_info, as "prompt" (text or messages) or "question". verl
    passes the solution's text and not its tokens, without special tokens, so whether it ended is not known: it is read
    as drawn behind the generation prompt, and no end of the turn is scored.

    model: what Engine takes, or server: addresses of `endorm serve`, which are asked then; ValueError is raised without
    either. settings: engine_options, which Engine takes, or server_options, which ServerPool takes; unscored, the reward
    of a solution that has none (an empty one), without which ValueError is raised; and what endorm.score takes, of which
    chat_template_kwargs are what the rollout's own prompts were rendered with. One engine is loaded a process and
    settings; verl's threads take turns.
    """
    settings = {"model": model, "server": server, **settings}
    return compute_score_batch([data_source], [solution_str], [ground_truth], [extra_info], **settings)[0]


def compute_score_batch(
    data_sources: Sequence[str],
    solution_strs: Sequence[str],
    ground_truths: Sequence[Any],
    extra_infos: Sequence[Mapping[str, Any] | None],
    *,
    model: str | None = None,
    server: str | Sequence[str] | None = None,
    **settings: Any,
) -> list[float]:
    """The same of many [n], for verl's batch reward manager: solutions of one prompt share its computation."""
    settings.pop("reward_router_address", None)  # verl's own reward model, which is not used here
    settings.pop("reward_model_tokenizer", None)
    scorer = shared_scorer("compute_score", model=model, server=server, **settings)
    asked = [Completion(_prompt(info), text) for text, info in zip(solution_strs, extra_infos, strict=True)]
    rewards = []
    for reward, text in zip(scorer.rewards(asked), solution_strs, strict=True):
        if reward is None:
            raise ValueError(
                f"[compute_score] the solution {text[:80]!r} has no reward: it is empty or does not fit the "
                "context. Give unscored=NUMBER in reward_kwargs, the reward of such solutions."
            )
        rewards.append(reward)
    return rewards


def _prompt(extra_info: Mapping[str, Any] | None) -> Prompt:
    for field in ("prompt", "question"):
        prompt = None if extra_info is None else extra_info.get(field)
        if prompt is not None:
            return prompt if isinstance(prompt, str) else [dict(message) for message in prompt]
    raise ValueError(
        '[compute_score] verl passes no prompt, and extra_info has neither "prompt" nor "question". Add one of them to '
        "extra_info when the data is made: the text of the question, or its messages."
    )
