"""Ray: ds.map_batches(EndoScorer, ...) scores a data set by actors; reward_deployment serves rewards with Ray Serve."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from .._errors import InvalidInput
from .._extension import Engine, Request
from .._record_fields import FIELDS
from .._records import read_record
from .._scoring import scored_windows
from .._token_lists import is_list, is_nested
from ._reward_service import reward_deployment
from ._worker_threads import worker_threads

__all__ = ["EndoScorer", "reward_deployment"]

_TOKEN_FIELDS = ("prompt_ids", "response_ids", "response_mask")
_SINGLE = ("response", "steps", "messages", "response_ids")
_SEVERAL = ("responses", "chosen")


class EndoScorer:
    """An actor of Ray Data that holds one engine:

        ds.map_batches(EndoScorer, fn_constructor_kwargs={"model": "smollm2-135m"}, concurrency=4, num_cpus=2, batch_size=256)

    Columns in are the fields of a record (docs/records.md): "prompt" with "response" or "responses", "chosen" with
    "rejected", ...; columns maps a field to the column that has it, e.g. {"prompt": "text"}. Columns out are the same and
    `reward` (float64, NaN where there is none) and `reward`_error (text: why there is none, else empty). Where rows
    have "responses", or "chosen" and "rejected" (in this order), or "response_ids" that are lists of lists, both are
    lists, and the first is called `reward`s. Columns of tokens are read as the arrays that they are.

    A row that cannot be read, or scored, says so in its error: the job goes on. Columns that make no record at all
    raise ValueError. threads: those of the model; None takes the CPUs that Ray has given to the actor (num_cpus), so that
    the actors of a machine do not compete for its cores. engine_options: what Engine takes. options: as endorm.score.
    """

    def __init__(
        self,
        model: str,
        *,
        threads: int | None = None,
        engine_options: Mapping[str, Any] | None = None,
        columns: Mapping[str, str] | None = None,
        reward: str = "reward",
        **options: Any,
    ) -> None:
        self._columns = {field: field for field in FIELDS} | dict(columns or {})
        unknown = sorted(set(self._columns) - set(FIELDS))
        if unknown:
            raise InvalidInput(f"[EndoScorer] columns names no field of a record: {', '.join(unknown)}")
        self._reward = reward
        self._options = options
        #: Of the model; 0: all cores.
        self.threads = worker_threads() if threads is None else threads
        self._engine = Engine(model, **{"threads": self.threads, **(engine_options or {})})

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """batch: columns [n]. The same and the columns of rewards [n]."""
        present = {field: batch[column] for field, column in self._columns.items() if column in batch}
        several = any(field in present for field in _SEVERAL) or any(map(is_nested, present.get("response_ids", ())))
        if not several and not any(field in present for field in _SINGLE):
            raise InvalidInput(
                f"[EndoScorer] no column has responses: there are {', '.join(batch)}. Name it, e.g. "
                'columns={"response": "answer"}.'
            )
        if not any(field in present for field in ("prompt", "question", "messages", "chosen", "prompt_ids")):
            raise InvalidInput(
                f"[EndoScorer] no column has prompts: there are {', '.join(batch)}. Name it, e.g. "
                'columns={"prompt": "text"}.'
            )
        rows = len(next(iter(present.values())))
        rewards, errors = self._scored([_record(present, row) for row in range(rows)])
        if several:
            return {**batch, f"{self._reward}s": _column(rewards), f"{self._reward}_errors": _column(errors)}
        return {
            **batch,
            self._reward: np.array([one[0] for one in rewards], dtype=np.float64),
            f"{self._reward}_error": np.array([one[0] for one in errors], dtype=object),
        }

    def _scored(self, records: list[dict[str, Any]]) -> tuple[list[list[float]], list[list[str]]]:
        """[n][responses] rewards and errors; a record that cannot be read has one NaN and one error."""
        rewards: list[list[float]] = [[math.nan] for _ in records]
        errors: list[list[str]] = [[""] for _ in records]
        readable: list[int] = []
        requests: list[Request] = []
        sizes: list[int] = []
        for row, record in enumerate(records):
            try:
                request, _, size = read_record(record, row + 1, self._options.get("step_separator", "\n\n"))
            except InvalidInput as error:
                errors[row] = [str(error)]
                continue
            readable.append(row)
            requests.append(request)
            sizes.append(size)
        scored = scored_windows(requests, sizes, engine=self._engine, **self._options)
        for row, one in zip(readable, scored, strict=True):
            rewards[row] = one.rewards.tolist()
            errors[row] = [response.error or "" for response in one.responses]
        return rewards, errors


def _record(columns: Mapping[str, Any], row: int) -> dict[str, Any]:
    """The record of a row; an empty cell (None, or NaN in a column of numbers) is no field."""
    record = {
        field: column[row] if field in _TOKEN_FIELDS and is_list(column[row]) else _plain(column[row])
        for field, column in columns.items()
    }
    return {field: value for field, value in record.items() if value is not None}


def _plain(value: Any) -> Any:
    """Arrow's and NumPy's cells as Python's own; None for NaN, and of a struct only what is there."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float):
        return None if math.isnan(value) else int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


def _column(lists: list[Any]) -> Any:
    """[n] lists of any lengths, as a column of lists."""
    column = np.empty(len(lists), dtype=object)
    for row, one in enumerate(lists):
        column[row] = np.array(one, dtype=np.float64 if one and isinstance(one[0], float) else object)
    return column
