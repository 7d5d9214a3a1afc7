"""Completions: what the model itself writes, e.g. candidates to be ranked."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from typing_extensions import Unpack

from . import _extension as _core
from ._records import read_record
from ._token_lists import TokenList

if TYPE_CHECKING:
    from ._options import GenerationOptions

_SEPARATOR = "\n\n"  # no record here has steps


def complete(
    prompts: Sequence[str | Sequence[Mapping[str, Any]] | TokenList],
    *,
    engine: _core.Engine,
    tools: Sequence[Mapping[str, Any]] | None = None,
    **options: "Unpack[GenerationOptions]",
) -> list[_core.Completion]:
    """One completion a prompt, in order; a prompt is text, messages with all that docs/records.md lets them hold, or
    token ids.

    All are drawn together, and what prompts share is computed once. The i-th draws from seed + i, so the same call
    gives the same texts. tools: what the chat template reads as such. options: max_tokens, temperature (0: the most likely
    token), top_p, stop, seed, chat_template_kwargs, template_date: _options.pyi has them with their defaults. Raises
    ValueError where a prompt cannot be read, or it and max_tokens do not fit the context.
    """
    if tools:
        options["chat_template_kwargs"] = {**(options.get("chat_template_kwargs") or {}), "tools": list(tools)}
    requests = [read_record(_record(prompt), place, _SEPARATOR)[0] for place, prompt in enumerate(prompts, 1)]
    return _core.complete(engine, requests, **options)


def _record(prompt: Any) -> dict[str, Any]:
    is_messages = isinstance(prompt, (list, tuple)) and prompt and isinstance(prompt[0], Mapping)
    return {"prompt" if isinstance(prompt, str) or is_messages else "prompt_ids": prompt, "response": ""}
