"""Which server a prompt goes to: the same in Python and in C++, so that clients of one job agree.

The key of a record is its messages in order, a system message first and the response left out, each as role, newline,
content, newline (judge/server_judge.cpp, prompt_of); of a prompt that is tokens, their ids with spaces between. Of key
and address, engine/remote/server_pool.cpp (hash_of) has the hash.
"""

from collections.abc import Iterable, Mapping
from typing import Any

_MASK = 2**64 - 1
_FNV_BASIS = 1469598103934665603
_FNV_PRIME = 1099511628211


def prompt_key(record: Mapping[str, Any]) -> bytes:
    """The key of a record, UTF-8; empty where its prompt is none: any server says what is wrong with it."""
    try:
        return _prompt(record).encode()
    except (AttributeError, KeyError, TypeError):
        return b""


def _prompt(record: Mapping[str, Any]) -> str:
    given = {name: value for name, value in record.items() if value is not None}
    if "prompt_ids" in given:
        return " ".join(map(str, given["prompt_ids"]))
    if "messages" in given:
        messages = _turns(given["messages"][:-1])
    elif "prompt" in given or "question" in given:
        prompt = given["prompt"] if "prompt" in given else given["question"]
        messages = [("user", prompt)] if isinstance(prompt, str) else _turns(prompt)
    else:
        messages = _turns(given["chosen"][:-1])  # conversations carry their prompt
    if "system" in given:
        messages.insert(0, ("system", given["system"]))
    return "".join(f"{role}\n{content}\n" for role, content in messages)


def _turns(messages: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(message["role"], _text(message.get("content") or "")) for message in messages]


def _text(content: str | Iterable[Mapping[str, Any]]) -> str:
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def server_hashes(key: bytes, urls: Iterable[str]) -> list[int]:
    """[servers] 64-bit hashes of key, a zero byte and each address as it was given: the highest names the server.

    FNV-1a, then the last mixing of MurmurHash3: addresses that differ in their last digit alone share evenly.
    """
    of_key = _fnv(_FNV_BASIS, key + b"\0")
    return [_mixed(_fnv(of_key, url.encode())) for url in urls]


def _fnv(hashed: int, data: bytes) -> int:
    for byte in data:
        hashed = ((hashed ^ byte) * _FNV_PRIME) & _MASK
    return hashed


def _mixed(hashed: int) -> int:
    hashed = ((hashed ^ (hashed >> 33)) * 0xFF51AFD7ED558CCD) & _MASK
    hashed = ((hashed ^ (hashed >> 33)) * 0xC4CEB9FE1A85EC53) & _MASK
    return hashed ^ (hashed >> 33)
