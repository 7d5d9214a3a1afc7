"""Records as users have them, to the lines of JSON that the core reads."""

import json
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from ._core import InvalidInput, Request, parse_record, read_lines

#: One record, many, rows of a datasets.Dataset, a DataFrame, an Arrow table, or the path of a JSON lines or Parquet file.
Records: TypeAlias = "Mapping[str, Any] | Iterable[Mapping[str, Any]] | str | os.PathLike[str] | Any"


def read_records(records: Records, step_separator: str) -> tuple[list[Request], list[int]]:
    """All records, checked, and the bytes of each. Raises ValueError naming the first that cannot be read.

    Fields that are not used are told of once, as a warning.
    """
    requests: list[Request] = []
    sizes: list[int] = []
    unknown: dict[str, None] = {}
    for number, line in record_lines(records):
        request, fields = parse_record(line, number, step_separator)
        requests.append(request)
        sizes.append(len(line.encode()))
        unknown.update(dict.fromkeys(fields))
    if unknown:
        warnings.warn(f"fields that are not used: {', '.join(unknown)}", stacklevel=4)
    return requests, sizes


def record_lines(records: Records) -> Iterator[tuple[int, str]]:
    """(number from 1, JSON) of each record. Raises ValueError where one is no JSON object."""
    if isinstance(records, (str, os.PathLike)):
        path = os.fspath(records)
        if not path.endswith(".parquet"):
            yield from read_lines(path)
            return
        rows: Iterable[Any] = _parquet_rows(path)
    else:
        rows = _rows(records)
    for number, row in enumerate(rows, 1):
        yield number, _json(row, number)


def _rows(records: Any) -> Iterable[Any]:
    if isinstance(records, Mapping):
        return [records]
    rows = records  # datasets.Dataset is an iterable of dicts
    if hasattr(records, "to_pylist"):  # an Arrow table or record batch
        rows = records.to_pylist()
    elif hasattr(records, "columns") and hasattr(records, "to_dict"):  # a DataFrame
        rows = records.to_dict("records")
    if isinstance(rows, Iterable):
        return rows
    raise InvalidInput(
        f"[score] records are of type {type(records).__name__}. Give a dict, an iterable of dicts, a datasets.Dataset, a "
        "DataFrame, an Arrow table, or the path of a JSON lines or Parquet file."
    )


def _parquet_rows(path: str) -> Iterator[dict[str, Any]]:
    if not os.path.isfile(path):
        raise InvalidInput(f"[score] {path} cannot be read as Parquet: there is no such file")
    try:
        import pyarrow.parquet
    except ImportError as missing:
        raise ImportError(f"reading {path} needs pyarrow: pip install 'endorm[parquet]'") from missing
    try:
        file = pyarrow.parquet.ParquetFile(path)
    except (OSError, pyarrow.ArrowInvalid) as error:
        raise InvalidInput(f"[score] {path} cannot be read as Parquet: {error}") from error
    with file:
        for batch in file.iter_batches():
            yield from batch.to_pylist()


def _json(row: Any, number: int) -> str:
    if not isinstance(row, Mapping):
        raise InvalidInput(f"[score] record {number} is of type {type(row).__name__}, expected a dict")
    try:
        line = json.dumps(dict(row), ensure_ascii=False, allow_nan=False, default=_plain)
        line.encode()
    except (TypeError, ValueError) as error:  # a lone surrogate is a ValueError, too
        raise InvalidInput(f"[score] record {number} is no JSON: {error}") from error
    return line


def _plain(value: Any) -> Any:
    """NumPy's scalars and arrays, and other mappings and sequences, as Python's own."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a value of type {type(value).__name__} stands in it")
