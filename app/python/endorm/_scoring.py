"""Scoring: records in, rewards out."""

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypedDict

from typing_extensions import Unpack

from ._extension import Engine, RecordScorer, Request, Scored, window_ends
from ._progress import Progress, teller
from ._records import Records, json_text, read_records

DEFAULT_MODEL = "smollm2-135m"


class ScoreOptions(TypedDict, total=False):
    """What changes the numbers; defaults are those of `endorm score`.

    aggregation is what becomes `reward`: "discounted" (gamma 0.93, floor 0), "sum", "mean", "chunked_mean" (chunk 16),
    "step_mean", "min_step", "last_k" (16). alpha is the temperature of the soft value, initial_value adds V(s_1).
    steps: split responses that came without steps at step_separator. end_of_turn: score the token that ends the turn.
    on_overflow: what becomes of a sequence longer than the context, "error", "truncate-left" or "skip".

    response_is: what a text is, "drawn" behind the generation prompt, an "answer" alone, or "auto" (docs/turns.md).
    chat_template_kwargs: what the chat template reads beside the messages ({"enable_thinking": False, "tools": [...]});
    a record's own go before. template_date: today for templates that ask, "YYYY-MM-DD". score_turns: "last", or "all"
    turns of the assistant, each behind what precedes it.
    """

    aggregation: str
    alpha: float
    gamma: float
    floor: float
    chunk: int
    last_k: int
    initial_value: bool
    steps: bool
    step_separator: str
    end_of_turn: bool
    template_newline: bool
    response_is: str
    chat_template_kwargs: Mapping[str, Any] | None
    template_date: str
    score_turns: str
    on_overflow: str
    share_prefixes: bool


def score(
    records: Records,
    *,
    engine: Engine | str = DEFAULT_MODEL,
    tokens: bool = False,
    progress: Progress = None,
    **options: Unpack[ScoreOptions],
) -> list[Scored]:
    """One Scored a record, in order.

    records: a dict, an iterable of dicts (a datasets.Dataset is one), a DataFrame, an Arrow table, or the path of a JSON
    lines or Parquet file; docs/records.md has the fields, and lists of tokens may be arrays. engine: an Engine, or what
    Engine takes, loaded for this call alone. tokens: keep every token's quantities. progress: True, or a callable of
    (done, total) records.

    Raises ValueError where a record cannot be read, before anything is computed. A response that cannot be scored (it
    is empty, or longer than the context) says why in `error`, and its numbers raise ValueError.
    """
    return list(iter_scored(records, engine=engine, tokens=tokens, progress=progress, **options))


def iter_scored(
    records: Records,
    *,
    engine: Engine | str = DEFAULT_MODEL,
    tokens: bool = False,
    progress: Progress = None,
    **options: Unpack[ScoreOptions],
) -> Iterator[Scored]:
    """As score, but each Scored as soon as its window of records is done: the records are held, the results are not."""
    requests, sizes = read_records(records, options.get("step_separator", "\n\n"))
    return scored_windows(requests, sizes, engine=engine, tokens=tokens, progress=progress, **options)


def scored_windows(
    requests: Sequence[Request],
    sizes: Sequence[int],
    *,
    engine: Engine | str,
    tokens: bool = False,
    progress: Progress = None,
    **options: Unpack[ScoreOptions],
) -> Iterator[Scored]:
    """iter_scored of records that were read already. sizes: bytes of each."""
    tell = teller(progress, "records")
    loaded = Engine(engine) if isinstance(engine, str) else engine
    scorer = RecordScorer(loaded, tokens=tokens, **_as_the_core_takes_them(options))

    def windows() -> Iterator[Scored]:
        begin = 0
        for end in window_ends(list(sizes)):
            yield from scorer.score(list(requests[begin:end]))
            begin = end
            if tell is not None:
                tell(end, len(requests))

    return windows()


def template_arguments(arguments: Mapping[str, Any] | None) -> str:
    """chat_template_kwargs as the core takes them. Raises ValueError where they are no JSON."""
    return json_text(dict(arguments), "[score] chat_template_kwargs") if arguments else ""


def _as_the_core_takes_them(options: ScoreOptions) -> dict[str, Any]:
    if "chat_template_kwargs" not in options:
        return {**options}
    return {**options, "chat_template_kwargs": template_arguments(options["chat_template_kwargs"])}


async def score_async(
    records: Records,
    *,
    engine: Engine | str = DEFAULT_MODEL,
    tokens: bool = False,
    progress: Progress = None,
    **options: Unpack[ScoreOptions],
) -> list[Scored]:
    """As score, in a thread of its own: the event loop goes on. Cancelled, it stops after the window in hand."""
    stop = threading.Event()

    def work() -> list[Scored]:
        scored: list[Scored] = []
        for one in iter_scored(records, engine=engine, tokens=tokens, progress=progress, **options):
            if stop.is_set():
                break
            scored.append(one)
        return scored

    try:
        return await asyncio.to_thread(work)
    except asyncio.CancelledError:
        stop.set()
        raise

