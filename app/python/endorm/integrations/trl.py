"""TRL: GRPOTrainer(reward_funcs=[EndoReward("smollm2-135m")], ...)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .._core import Engine
from ._completions import Completion, CompletionScorer, message_text


class EndoReward:
    """A reward function of TRL (GRPO, RLOO): the endogenous reward of each completion behind its prompt.

    A prompt that is a string is a user's question under the model's chat template; take engine_options
    {"template": "raw"} where prompts are templated already, {"template": "plain"} for a base model. Of a conversational
    completion with several turns the last is scored, the others are part of its prompt.

    end_token_ids: the policy's tokens that end a turn. A completion that closes with one has the end of its turn
    scored, another counts as cut off. Without them no end is scored at all: whether there was one is not known.
    unscored: the reward of a completion that has none (an empty one, or one longer than the context). None lets TRL
    leave it out of its group. options: as endorm.score takes, e.g. aggregation="mean".
    """

    def __init__(
        self,
        model: str = "smollm2-135m",
        *,
        engine: Engine | None = None,
        engine_options: Mapping[str, Any] | None = None,
        end_token_ids: Sequence[int] | None = None,
        unscored: float | None = None,
        name: str = "endorm",
        **options: Any,
    ) -> None:
        self.__name__ = name  # what TRL calls it in its logs
        self._end_token_ids = None if end_token_ids is None else frozenset(end_token_ids)
        self._scorer = CompletionScorer(
            model, engine=engine, engine_options=engine_options, unscored=unscored, **options
        )

    def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        completion_ids: Sequence[Sequence[int]] | None = None,
        log_metric: Callable[[str, float], None] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """[n] rewards, as TRL asks for them; other columns of the data are not used."""
        if self._end_token_ids is not None and completion_ids is None:
            raise ValueError("[EndoReward] end_token_ids are given, but TRL passed no completion_ids to compare with")
        asked = []
        for place, (prompt, completion) in enumerate(zip(prompts, completions, strict=True)):
            ids = () if completion_ids is None else completion_ids[place]
            ended = self._end_token_ids is not None and len(ids) > 0 and int(ids[-1]) in self._end_token_ids
            asked.append(_completion(prompt, completion, ended))
        rewards = self._scorer.rewards(asked)
        if log_metric is not None:
            known = [reward for reward in rewards if reward is not None]
            log_metric(f"{self.__name__}/unscored", 1.0 - len(known) / len(rewards) if rewards else 0.0)
        return rewards


def _completion(prompt: Any, completion: Any, ended: bool) -> Completion:
    if isinstance(completion, str):
        return Completion(prompt, completion, ended)
    if not completion:
        return Completion(prompt, "", ended)
    *turns, last = completion
    if turns and isinstance(prompt, str):
        prompt = [{"role": "user", "content": prompt}]
    return Completion([*prompt, *turns] if turns else prompt, message_text(last.get("content")), ended)
