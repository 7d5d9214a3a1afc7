"""Completions: what the model itself writes, e.g. candidates to be ranked."""

from collections.abc import Mapping, Sequence
from typing import Any

from . import _core


def complete(
    prompts: Sequence[str | Sequence[Mapping[str, Any]]],
    *,
    engine: _core.Engine,
    max_tokens: int = 512,
    temperature: float = 1.0,
    top_p: float = 1.0,
    stop: Sequence[str] = (),
    seed: int = 0,
) -> list[_core.Completion]:
    """One completion a prompt, in order; a prompt is text or messages {"role", "content"}.

    All are drawn together, and what prompts share is computed once. The i-th draws from seed + i, so the same call
    gives the same texts. Raises ValueError where a prompt and max_tokens do not fit the context.
    """
    conversations = [
        [("user", prompt)] if isinstance(prompt, str) else [(turn["role"], turn["content"]) for turn in prompt]
        for prompt in prompts
    ]
    return _core.complete(
        engine,
        conversations,
        max_tokens=max_tokens,
        temperature=temperature,
        top_p=top_p,
        stop=list(stop),
        seed=seed,
    )
