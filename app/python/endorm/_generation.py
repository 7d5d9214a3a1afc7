"""Completions: what the model itself writes, e.g. candidates to be ranked."""

from collections.abc import Mapping, Sequence
from typing import Any

from . import _extension as _core
from ._records import read_record
from ._scoring import template_arguments
from ._token_lists import TokenList

_SEPARATOR = "\n\n"  # no record here has steps


def complete(
    prompts: Sequence[str | Sequence[Mapping[str, Any]] | TokenList],
    *,
    engine: _core.Engine,
    max_tokens: int = 512,
    temperature: float = 1.0,
    top_p: float = 1.0,
    stop: Sequence[str] = (),
    seed: int = 0,
    tools: Sequence[Mapping[str, Any]] | None = None,
    chat_template_kwargs: Mapping[str, Any] | None = None,
    template_date: str | None = None,
) -> list[_core.Completion]:
    """One completion a prompt, in order; a prompt is text, messages with all that docs/records.md lets them hold, or
    token ids.

    All are drawn together, and what prompts share is computed once. The i-th draws from seed + i, so the same call
    gives the same texts. tools, chat_template_kwargs, template_date: what the chat template reads beside the messages.
    Raises ValueError where a prompt cannot be read, or it and max_tokens do not fit the context.
    """
    arguments = {**(chat_template_kwargs or {})} | ({"tools": list(tools)} if tools else {})
    requests = [read_record(_record(prompt), place, _SEPARATOR)[0] for place, prompt in enumerate(prompts, 1)]
    dated = {} if template_date is None else {"template_date": template_date}
    return _core.complete(
        engine,
        requests,
        max_tokens=max_tokens,
        temperature=temperature,
        top_p=top_p,
        stop=list(stop),
        seed=seed,
        chat_template_kwargs=template_arguments(arguments),
        **dated,
    )


def _record(prompt: Any) -> dict[str, Any]:
    is_messages = isinstance(prompt, (list, tuple)) and prompt and isinstance(prompt[0], Mapping)
    return {"prompt" if isinstance(prompt, str) or is_messages else "prompt_ids": prompt, "response": ""}
