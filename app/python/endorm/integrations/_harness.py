"""What evaluation harnesses ask of a model: log-likelihoods of continuations, and whether greedy decoding writes them."""

import json
from collections.abc import Sequence
from typing import Any

from .._core import Completion, Engine, ScoredResponse
from .._generation import complete
from .._scoring import score

Context = str | list[dict[str, Any]]  # text, or messages {"role", "content"}


def at_word(context: str, continuation: str) -> tuple[str, str]:
    """White space at the end of a context belongs to the continuation: words are tokenized with it."""
    bare = context.rstrip()
    return bare, context[len(bare) :] + continuation


def score_continuations(
    pairs: Sequence[tuple[Context, str]], engine: Engine, progress: bool | None = None
) -> list[ScoredResponse]:
    """[n] of (context, continuation). No end of a turn is added to a continuation; equal contexts are computed once."""
    records: dict[str, dict[str, Any]] = {}
    places = []
    for context, continuation in pairs:
        name = json.dumps(context)
        record = records.setdefault(name, {"id": name, "prompt": context, "responses": []})
        places.append((name, len(record["responses"])))
        record["responses"].append({"text": continuation, "truncated": True})
    scored = {one.id: one for one in score(records.values(), engine=engine, progress=progress)}
    return [scored[name][place] for name, place in places]


def are_greedy(contexts: Sequence[Context], scored: Sequence[ScoredResponse], engine: Engine) -> list[bool]:
    """[n] whether a scored continuation is what greedy decoding writes behind its context, token by token."""
    need: dict[str, int] = {}  # context -> tokens to draw
    for context, one in zip(contexts, scored, strict=True):
        name = json.dumps(context)
        need[name] = max(need.get(name, 0), len(one))
    alike: dict[int, list[str]] = {}
    for name, tokens in need.items():
        alike.setdefault(tokens, []).append(name)
    drawn: dict[str, Completion] = {}
    for tokens, names in alike.items():
        completions = complete([json.loads(name) for name in names], engine=engine, max_tokens=tokens, temperature=0.0)
        drawn.update(zip(names, completions, strict=True))
    return [
        one.token_ids.tolist() == list(drawn[json.dumps(context)].token_ids[: len(one)])
        for context, one in zip(contexts, scored, strict=True)
    ]


def log_prob_of(one: ScoredResponse) -> float:
    """Nats, over the tokens of a continuation."""
    log_prob = one.log_prob
    assert log_prob is not None  # the endogenous scorer reads every token
    return log_prob
