"""Scoring: records in, rewards out."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from typing_extensions import Unpack

from ._extension import Engine, RecordScorer, Request, Scored, window_ends
from ._progress import Progress, teller
from ._records import Records, read_records

if TYPE_CHECKING:
    from ._options import ScoreOptions

DEFAULT_MODEL = "smollm2-135m"


def score(
    records: Records,
    *,
    engine: Engine | str = DEFAULT_MODEL,
    tokens: bool = False,
    progress: Progress = None,
    **options: "Unpack[ScoreOptions]",
) -> list[Scored]:
    """One Scored a record, in order.

    records: a dict, an iterable of dicts (a datasets.Dataset is one), a DataFrame, an Arrow table, or the path of a file
    that `endorm score` reads (JSON lines or arrays, CSV, Parquet, packed or not); docs/records.md has the fields, and
    lists of tokens may be arrays. engine: an Engine, or what Engine takes, loaded for this call alone. tokens: keep every
    token's quantities. progress: True, or a callable of (done, total) records. options: the flags of `endorm score` about
    rewards, by their names (gamma=0.9, score_turns="all", chat_template_kwargs={"enable_thinking": False}, ...):
    _options.pyi has each with its default.

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
    **options: "Unpack[ScoreOptions]",
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
    **options: "Unpack[ScoreOptions]",
) -> Iterator[Scored]:
    """iter_scored of records that were read already. sizes: bytes of each."""
    tell = teller(progress, "records")
    loaded = Engine(engine) if isinstance(engine, str) else engine
    scorer = RecordScorer(loaded, tokens=tokens, **options)

    def windows() -> Iterator[Scored]:
        begin = 0
        for end in window_ends(list(sizes)):
            yield from scorer.score(list(requests[begin:end]))
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
    **options: "Unpack[ScoreOptions]",
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

