"""Ranking: the responses of each record from best to worst."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from typing_extensions import Unpack

from ._extension import Engine, Scored, preference_probability
from ._progress import Progress
from ._records import Records
from ._scoring import DEFAULT_MODEL, score, score_async

if TYPE_CHECKING:
    from ._options import ScoreOptions


@dataclass(frozen=True)
class RankedResponse:
    """One response in its place."""

    index: int  #: its place in the record
    reward: float
    text: str
    probability_over_next: float | None  #: that it is preferred to the next one (Bradley-Terry); None at the last


@dataclass(frozen=True)
class Ranking:
    """The responses of one record, best first; those without a score are in errors, by their place."""

    id: str
    ranking: list[RankedResponse]
    errors: dict[int, str]

    @property
    def best(self) -> RankedResponse:
        """Raises ValueError where no response has a score."""
        if not self.ranking:
            raise ValueError(f"no response of record {self.id!r} has a score: {self.errors}")
        return self.ranking[0]


def rank(
    records: Records,
    *,
    engine: Engine | str = DEFAULT_MODEL,
    progress: Progress = None,
    **options: "Unpack[ScoreOptions]",
) -> list[Ranking]:
    """One Ranking a record, in order. Arguments and errors are those of score."""
    return [_ranking(one) for one in score(records, engine=engine, progress=progress, **options)]


async def rank_async(
    records: Records,
    *,
    engine: Engine | str = DEFAULT_MODEL,
    progress: Progress = None,
    **options: "Unpack[ScoreOptions]",
) -> list[Ranking]:
    """As rank, in a thread of its own: the event loop goes on."""
    return [_ranking(one) for one in await score_async(records, engine=engine, progress=progress, **options)]


def _ranking(scored: Scored) -> Ranking:
    order = [scored[place] for place in scored.ranking]
    following = [*(one.reward for one in order[1:]), None]
    return Ranking(
        id=scored.id,
        ranking=[
            RankedResponse(
                one.index, one.reward, one.text, None if after is None else preference_probability(one.reward, after)
            )
            for one, after in zip(order, following, strict=True)
        ],
        errors={one.index: one.error for one in scored.responses if one.error is not None},
    )
