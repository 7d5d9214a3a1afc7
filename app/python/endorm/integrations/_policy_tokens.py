"""Whether the tokens that a policy drew are tokens of the judging model's vocabulary, too."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .._errors import InvalidInput

if TYPE_CHECKING:
    from .._core import Engine
    from ..pool import ServerPool


def are_ours(judge: "Engine | ServerPool", drawn: Sequence[Sequence[int]], texts: Sequence[str]) -> bool | None:
    """Whether the ids [n][T] spell the texts [n] that they were decoded to; None where all texts are blank.

    Decoding may have left out special tokens, white space at both ends, and what a parser took apart (reasoning).
    """
    told = [(ids, text) for ids, text in zip(drawn, texts, strict=True) if text.strip()]
    if not told:
        return None
    return all(_spells(judge, ids, text.strip()) for ids, text in told)


def _spells(judge: "Engine | ServerPool", ids: Sequence[int], text: str) -> bool:
    try:
        pieces = judge.token_bytes([int(one) for one in ids])
    except InvalidInput:  # beyond the vocabulary
        return False
    return _holds(b"".join(pieces), text) or _holds(b"".join(one for one in pieces if not _looks_special(one)), text)


def _holds(spelled: bytes, text: str) -> bool:
    """Whether all of a text is there in order, but for characters that decoding could not make out."""
    at = 0
    for part in (piece.encode() for piece in text.split("\ufffd")):
        at = spelled.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return True


def _looks_special(piece: bytes) -> bool:
    return piece[:1] + piece[-1:] in (b"<>", b"[]") and len(piece) > 2
