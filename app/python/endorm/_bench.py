"""Judges compared on labelled data."""

import json
import os
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from typing_extensions import Unpack

from . import _extension as _core
from ._progress import Progress, teller
from ._records import Records, record_lines

if TYPE_CHECKING:
    from ._options import ScoreOptions


def bench(
    benchmark: str,
    data: Records,
    *,
    engine: _core.Engine | str = "smollm2-135m",
    judges: Sequence[str] = ("endorm",),
    reference: _core.Engine | None = None,
    limit: int | None = None,
    sample_seed: int | None = None,
    resamples: int = 2000,
    bootstrap_seed: int = 0,
    fit_split: str = "",
    threshold: float | None = None,
    progress: Progress = None,
    **options: "Unpack[ScoreOptions]",
) -> dict[str, Any]:
    """Compares judges on a benchmark and returns the report, a dict with the fields of docs/bench-json.md.

    benchmark: one of benchmark_names(), "pairs" for pairs of your own. data: the path of the published files, or records
    in any form that score takes. judges: of judge_names(); the others are compared with the first. reference: the model
    whose reward the judge "log-ratio" takes away. Figures carry bootstrap intervals of `resamples` (0: none).
    options: as endorm.score has them.

    Raises ValueError on an unknown name or data that cannot be read.
    """
    loaded = _core.Engine(engine) if isinstance(engine, str) else engine

    def run(path: str) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(
            _core.bench(
                loaded,
                benchmark,
                path,
                judges=list(judges),
                reference=reference,
                limit=limit,
                sample_seed=sample_seed,
                resamples=resamples,
                bootstrap_seed=bootstrap_seed,
                fit_split=fit_split,
                threshold=threshold,
                progress=teller(progress, "examples"),
                **options,
            )
        )
        return report

    if isinstance(data, (str, os.PathLike)) and not os.fspath(data).endswith(".parquet"):
        return run(os.fspath(data))
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, f"{benchmark}.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for _, line in record_lines(data))
        return run(path)
