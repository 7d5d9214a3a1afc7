"""What evaluation harnesses ask of a model: log-likelihoods of continuations, and whether greedy decoding writes them."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._extension import Completion, Engine, ScoredResponse
from .._generation import complete
from .._scoring import score

if TYPE_CHECKING:
    from .._options import GenerationOptions

Context = str | list[dict[str, Any]]  # text, or messages {"role", "content", ...}


def at_word(context: str, continuation: str, prefix: str | None) -> tuple[str, str]:
    """White space at the end of a context belongs to the continuation: words are tokenized with it. prefix: as
    or_prefix."""
    bare = context.rstrip()
    return or_prefix(bare, prefix), context[len(bare) :] + continuation


def or_prefix(context: str, prefix: str | None) -> str:
    """The context, or where it is empty what stands for it. Raises ValueError where nothing does."""
    if context:
        return context
    if prefix is None:
        raise ValueError('[endorm] a request has an empty context. Give prefix="...", e.g. the BOS token\'s text.')
    return prefix


def score_continuations(
    pairs: Sequence[tuple[Context, str]],
    engine: Engine,
    progress: bool | None = None,
    template_kwargs: Mapping[str, Any] | None = None,
) -> list[ScoredResponse]:
    """[n] of (context, continuation). No end of a turn is added to a continuation; equal contexts are computed once."""
    records: dict[str, dict[str, Any]] = {}
    places = []
    for context, continuation in pairs:
        name = json.dumps(context)
        record = records.setdefault(name, {"id": name, "prompt": context, "responses": []})
        places.append((name, len(record["responses"])))
        record["responses"].append({"text": continuation, "truncated": True})
    found = score(records.values(), engine=engine, progress=progress, chat_template_kwargs=template_kwargs)
    scored = {one.id: one for one in found}
    return [scored[name][place] for name, place in places]


def are_greedy(
    contexts: Sequence[Context],
    scored: Sequence[ScoredResponse],
    engine: Engine,
    template_kwargs: Mapping[str, Any] | None = None,
) -> list[bool]:
    """[n] whether a scored continuation is what greedy decoding writes behind its context, token by token."""
    names = [json.dumps(context) for context in contexts]
    context_of = dict(zip(names, contexts, strict=True))
    need = dict.fromkeys(names, 0)  # tokens to draw
    for name, one in zip(names, scored, strict=True):
        need[name] = max(need[name], len(one))
    settings: "list[GenerationOptions]" = [{"max_tokens": tokens, "temperature": 0.0} for tokens in need.values()]
    written = draw(list(context_of.values()), settings, engine, template_kwargs)
    drawn = dict(zip(need, written, strict=True))
    return [
        one.token_ids.tolist() == list(drawn[name].token_ids[: len(one)])
        for name, one in zip(names, scored, strict=True)
    ]


def draw(
    contexts: Sequence[Context],
    settings: "Sequence[GenerationOptions]",
    engine: Engine,
    template_kwargs: Mapping[str, Any] | None = None,
) -> list[Completion]:
    """[n] completions, each drawn as its own settings say; those of equal settings are drawn together."""
    alike: dict[str, list[int]] = {}
    for place, one in enumerate(settings):
        alike.setdefault(json.dumps(one), []).append(place)
    drawn: dict[int, Completion] = {}
    for places in alike.values():
        options: "GenerationOptions" = {**settings[places[0]], "chat_template_kwargs": template_kwargs}
        written = complete([contexts[place] for place in places], engine=engine, **options)
        drawn.update(zip(places, written, strict=True))
    return [drawn[place] for place in range(len(contexts))]


def log_prob_of(one: ScoredResponse) -> float:
    """Nats, over the tokens of a continuation."""
    log_prob = one.log_prob
    assert log_prob is not None  # the endogenous scorer reads every token
    return log_prob
