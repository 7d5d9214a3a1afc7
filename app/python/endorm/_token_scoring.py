"""Scoring of token ids, as trainers hold them."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from typing_extensions import Unpack

from ._errors import InvalidInput
from ._extension import Engine, Scored
from ._progress import Progress
from ._scoring import DEFAULT_MODEL, score
from ._token_lists import TokenList, as_array

if TYPE_CHECKING:
    from ._options import ScoreOptions


def score_ids(
    prompts: Iterable[Any],
    responses: Iterable[TokenList],
    masks: Iterable[TokenList | None] | None = None,
    *,
    prompt_masks: Iterable[TokenList] | None = None,
    engine: Engine | str = DEFAULT_MODEL,
    tokens: bool = False,
    progress: Progress = None,
    **options: "Unpack[ScoreOptions]",
) -> list[Scored]:
    """One Scored [n] a response, which is given as the tokens [T] that the policy drew, in its own vocabulary.

    prompts [n]: token ids, or a text or messages, behind whose generation prompt the response was drawn. masks [n][T]: 0
    for tokens that are context (a tool's answer, padding), 1 for the model's own. prompt_masks [n][P]: 0 for padding of
    prompts that are token ids. Any of them may be a matrix, as trainers pad them; lists, NumPy arrays and tensors are read
    where they lie. Prompts that are alike are computed once. options and errors are those of score: a response that is
    no list of tokens says so in its `error`, a prompt that is none raises ValueError.
    """
    asked, drawn = list(prompts), list(responses)
    own = [None] * len(drawn) if masks is None else list(masks)
    kept = [None] * len(asked) if prompt_masks is None else list(prompt_masks)
    if not len(asked) == len(drawn) == len(own) == len(kept):
        raise InvalidInput(
            f"[score_ids] there are {len(asked)} prompts, {len(drawn)} responses, {len(own)} masks and {len(kept)} prompt "
            "masks. Give one of each for every response."
        )
    records = [
        {**_prompt(prompt, prompt_mask, place), "response_ids": ids, "response_mask": mask}
        for place, (prompt, ids, mask, prompt_mask) in enumerate(zip(asked, drawn, own, kept, strict=True))
    ]
    return score(records, engine=engine, tokens=tokens, progress=progress, **options)


def _prompt(prompt: Any, mask: TokenList | None, place: int) -> dict[str, Any]:
    if isinstance(prompt, str) or (isinstance(prompt, (list, tuple)) and prompt and isinstance(prompt[0], Mapping)):
        return {"prompt": prompt}
    if mask is None:
        return {"prompt_ids": prompt}
    ids, kept = as_array(prompt), as_array(mask)
    if ids.shape != kept.shape:
        raise InvalidInput(
            f"[score_ids] prompt {place} has {ids.size} tokens and its mask {kept.size} entries. Give one for each."
        )
    return {"prompt_ids": ids[kept != 0]}
