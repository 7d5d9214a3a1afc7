"""OpenRLHF: a file for --reward.remote_url that holds

from endorm.integrations.openrlhf import make_reward_func
reward_func = make_reward_func(server="http://HOST:8000", unscored=-100.0)  # or make_reward_func("policy.gguf", ...)
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ._completions import Completion, shared_scorer


def make_reward_func(
    model: str | None = None,
    *,
    server: str | Sequence[str] | None = None,
    engine_options: Mapping[str, Any] | None = None,
    server_options: Mapping[str, Any] | None = None,
    end_texts: Sequence[str] = (),
    unscored: float | None = None,
    **options: Any,
) -> Callable[[Sequence[str], Sequence[str], Sequence[Any]], dict[str, Any]]:
    """A reward_func(queries, prompts, labels) of OpenRLHF that gives the endogenous reward.

    model: what Engine takes, with engine_options; or server: addresses of `endorm serve`, with server_options, which
    ServerPool takes. ValueError is raised without either.

    OpenRLHF passes the prompt as it was templated, and as query the prompt with the response and all special tokens.
    They are scored as they stand (template "raw", of a server "text": "raw"), so the model must be of the policy's
    family: the same special tokens. end_texts: special tokens that are taken off the end of a response where it holds
    one, e.g. padding.
    unscored: the reward of a response that has none (an empty one); without it ValueError is raised, which OpenRLHF
    logs and goes on without that reward. options: as endorm.score takes.
    """
    if server is not None:
        options = {"text": "raw", **options}
    else:
        engine_options = {"template": "raw", **(engine_options or {})}
    scorer = shared_scorer(
        "make_reward_func", model=model, server=server, engine_options=engine_options, server_options=server_options,
        unscored=unscored, **options,
    )  # fmt: skip

    def reward_func(queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any]) -> dict[str, Any]:
        import torch  # OpenRLHF's own; rewards are tensors there

        asked = [
            Completion(prompt, _response(query, prompt, end_texts))
            for query, prompt in zip(queries, prompts, strict=True)
        ]
        rewards = scorer.rewards(asked)
        if any(reward is None for reward in rewards):
            raise ValueError("[reward_func] a response is empty or does not fit the context. Give unscored=NUMBER.")
        tensor = torch.tensor(rewards, dtype=torch.float32)
        return {"rewards": tensor, "scores": tensor, "extra_logs": {"endorm_reward": tensor}}

    return reward_func


def _response(query: str, prompt: str, end_texts: Sequence[str]) -> str:
    if not query.startswith(prompt):
        raise ValueError(
            f"[reward_func] the query does not begin with its prompt: {query[:80]!r} against {prompt[:80]!r}. Both must "
            "be templated alike."
        )
    response = query[len(prompt) :]
    for end in end_texts:
        while end and response.endswith(end):
            response = response[: -len(end)]
    return response
