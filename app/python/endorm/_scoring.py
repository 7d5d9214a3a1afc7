"""Scoring: records in, rewards out."""

import asyncio
import threading
from collections.abc import Iterator
from typing import TypedDict

from typing_extensions import Unpack

from ._core import Engine, RecordScorer, Scored, window_ends
from ._progress import Progress, teller
from ._records import Records, read_records

DEFAULT_MODEL = "smollm2-135m"


class ScoreOptions(TypedDict, total=False):
    """What changes the numbers; defaults are those of `endorm score`.

    aggregation is what becomes `reward`: "discounted" (gamma 0.93, floor 0), "sum", "mean", "chunked_mean" (chunk 16),
    "step_mean", "min_step", "last_k" (16). alpha is the temperature of the soft value, initial_value adds V(s_1).
    steps: split responses that came without steps at step_separator. end_of_turn: score the token that ends the turn.
    on_overflow: what becomes of a sequence longer than the context, "error", "truncate-left" or "skip".
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
    lines or Parquet file; docs/records.md has the fields. engine: an Engine, or what Engine takes, loaded for this call
    alone. tokens: keep every token's quantities. progress: True, or a callable of (done, total) records.

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
    tell = teller(progress, "records")
    loaded = Engine(engine) if isinstance(engine, str) else engine
    scorer = RecordScorer(loaded, tokens=tokens, **options)

    def windows() -> Iterator[Scored]:
        begin = 0
        for end in window_ends(sizes):
            yield from scorer.score(requests[begin:end])
            begin = end
            if tell is not None:
                tell(end, len(requests))

    return windows()


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

