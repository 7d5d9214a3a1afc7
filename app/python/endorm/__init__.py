"""EndoRM: any language model as a reward model, read from its logits (arXiv:2506.23235).

    import endorm

    engine = endorm.Engine("smollm2-135m")
    scored = endorm.score({"prompt": "Capital of France?", "responses": ["Paris.", "Rome."]}, engine=engine)
    scored[0].rewards

Quantities are in nats, higher is better. A mistake of the caller is a ValueError, a failure of model, disk or network a
RuntimeError.
"""

from . import _threads

with _threads.short_waits():
    from ._core import (
        Aggregates,
        Completion,
        Engine,
        EngineError,
        Grade,
        InternalError,
        InvalidInput,
        Scored,
        ScoredResponse,
        StepReward,
        TokenRewards,
        TurnReward,
        aggregate,
        benchmark_names,
        extract_answer,
        grade,
        judge_names,
        preference_probability,
        soft_value,
        token_rewards,
    )
    from ._core import version as __version__
from ._bench import bench
from ._generation import complete
from ._ranking import RankedResponse, Ranking, rank, rank_async
from ._scoring import iter_scored, score, score_async
from ._token_scoring import score_ids

__all__ = [
    "Aggregates",
    "Completion",
    "Engine",
    "EngineError",
    "Grade",
    "InternalError",
    "InvalidInput",
    "RankedResponse",
    "Ranking",
    "Scored",
    "ScoredResponse",
    "StepReward",
    "TokenRewards",
    "TurnReward",
    "__version__",
    "aggregate",
    "bench",
    "benchmark_names",
    "complete",
    "extract_answer",
    "grade",
    "iter_scored",
    "judge_names",
    "preference_probability",
    "rank",
    "rank_async",
    "score",
    "score_async",
    "score_ids",
    "soft_value",
    "token_rewards",
]
