"""The fields that records may have (docs/records.md), for those who hand records on: a server refuses others.

A test holds them to the reader of the core (score/record.cpp, score/message_reader.cpp).
"""

from collections.abc import Mapping, Sequence
from typing import Any

_PROMPTS = ("prompt", "question", "messages", "prompt_ids")
_RESPONSES = ("response", "responses", "response_ids", "chosen", "steps", "messages")
#: Of a record.
FIELDS = tuple(dict.fromkeys([
    "id", "system", *_PROMPTS, *_RESPONSES, "rejected", "tools", "truncated", "alternatives", "response_mask",
    "chat_template_kwargs", "score_turns",
]))  # fmt: skip
#: Of a message; chat templates read those behind the content.
MESSAGE_FIELDS = (
    "role", "content", "tool_calls", "reasoning_content", "reasoning", "thinking", "name", "tool_call_id", "tool_plan",
    "channel", "recipient",
)  # fmt: skip
#: Of a response that is an object and no message.
RESPONSE_FIELDS = ("text", "steps", "truncated", "ids", "mask")
_OF_MESSAGES_ALONE = frozenset({"role", "content", "tool_calls"})


def known_fields(record: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The record without the fields that are not used, and their names ("source", "prompt[].weight")."""
    unused: dict[str, None] = {}

    def kept(value: Any, prefix: str, known: Sequence[str] = MESSAGE_FIELDS) -> Any:
        if not isinstance(value, Mapping):
            return value
        unused.update(dict.fromkeys(prefix + name for name in value if name not in known))
        return {name: inner for name, inner in value.items() if name in known}

    def kept_response(value: Any) -> Any:
        is_message = isinstance(value, Mapping) and not _OF_MESSAGES_ALONE.isdisjoint(value)
        return kept(value, "responses[].", MESSAGE_FIELDS if is_message else RESPONSE_FIELDS)

    known: dict[str, Any] = kept(record, "", FIELDS)
    for field in ("prompt", "messages", "chosen", "rejected"):
        if isinstance(known.get(field), list):
            known[field] = [kept(message, f"{field}[].") for message in known[field]]
    if isinstance(known.get("responses"), list):
        known["responses"] = [kept_response(response) for response in known["responses"]]
    if "response" in known:
        known["response"] = kept_response(known["response"])
    return known, list(unused)


def missing_part(record: Mapping[str, Any]) -> str | None:
    """What a record must have and this one has not, in words."""
    given = {name for name, value in record.items() if value is not None}
    if given.isdisjoint(_RESPONSES):
        return f"no response: none of {', '.join(_RESPONSES)} is given"
    if given.isdisjoint(_PROMPTS) and not isinstance(record.get("chosen"), list):
        return f"no prompt: none of {', '.join(_PROMPTS)} is given"
    return None
