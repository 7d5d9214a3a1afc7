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
    from ._options import BenchOptions


def bench(
    benchmark: str,
    data: Records,
    *,
    engine: _core.Engine | str = "smollm2-135m",
    judges: Sequence[str] = ("endorm",),
    reference: _core.Engine | None = None,
    progress: Progress = None,
    **options: "Unpack[BenchOptions]",
) -> dict[str, Any]:
    """Compares judges on a benchmark and returns the report, a dict with the fields of docs/bench-json.md.

    benchmark: one of benchmark_names(), "pairs" for pairs of your own. data: the path of the published files, or records
    in any form that score takes. judges: of judge_names(); the others are compared with the first. reference: the model
    whose reward the judge "log-ratio" takes away. options: as endorm.score has them, and limit, sample_seed, order_seed,
    system_messages, resamples (0: no intervals), bootstrap_seed, fit_split and threshold of `endorm bench`: _options.pyi
    has each with its default.

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
