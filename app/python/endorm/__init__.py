"""EndoRM: any language model as a reward model, read from its logits (arXiv:2506.23235).

    import endorm

    engine = endorm.Engine("smollm2-135m")
    scored = endorm.score({"prompt": "Capital of France?", "responses": ["Paris.", "Rome."]}, engine=engine)
    scored[0].rewards

Quantities are in nats, higher is better. A mistake of the caller is a ValueError, a failure of model, disk or network a
RuntimeError. The extension is loaded with the first name that computes: endorm.pool does without it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from ._errors import EngineError, InternalError, InvalidInput

if TYPE_CHECKING:
    from ._bench import bench
    from ._core import (
        Aggregates,
        Completion,
        Engine,
        Grade,
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

_HOMES = {
    "bench": "_bench",
    "complete": "_generation",
    **dict.fromkeys(["RankedResponse", "Ranking", "rank", "rank_async"], "_ranking"),
    **dict.fromkeys(["iter_scored", "score", "score_async"], "_scoring"),
    "score_ids": "_token_scoring",
}  # of what is in __all__ and not in the extension

if not TYPE_CHECKING:

    def __getattr__(name):
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = import_module("." + _HOMES.get(name, "_extension"), __name__)
        globals()[name] = found = getattr(home, "version" if name == "__version__" else name)
        return found

    def __dir__():
        return sorted({*globals(), *__all__})
