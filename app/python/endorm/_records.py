"""Records as users have them, to the lines of JSON that the core reads, and the token lists beside them."""

import base64
import io
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from ._errors import InvalidInput
from ._token_lists import lift_lists

if TYPE_CHECKING:
    from ._core import Request

#: One record, many, rows of a datasets.Dataset, a DataFrame, an Arrow table, or the path of a file of records.
Records: TypeAlias = "Mapping[str, Any] | Iterable[Mapping[str, Any]] | str | os.PathLike[str] | Any"

_Lift: TypeAlias = "Callable[[Mapping[str, Any]], tuple[dict[str, Any], list[Any]]]"


def read_records(records: Records, step_separator: str) -> "tuple[list[Request], list[int]]":
    """All records, checked, and the bytes of each. Raises ValueError naming the first that cannot be read.

    Fields that are not used are told of once, as a warning.
    """
    from ._extension import parse_record

    requests: list[Request] = []
    sizes: list[int] = []
    unknown: dict[str, None] = {}
    for number, line, given in _lines(records, lift_lists):
        request, fields, size = parse_record(line, number, step_separator, given)
        requests.append(request)
        sizes.append(size)
        unknown.update(dict.fromkeys(fields))
    if unknown:
        warnings.warn(f"fields that are not used: {', '.join(unknown)}", stacklevel=4)
    return requests, sizes


def read_record(row: Mapping[str, Any], number: int, step_separator: str) -> "tuple[Request, list[str], int]":
    """One record with the names of fields that are not used and its bytes. Raises ValueError where it cannot be read."""
    from ._extension import parse_record

    line, given = _line(row, number, lift_lists)
    return parse_record(line, number, step_separator, given)


def record_lines(records: Records) -> Iterator[tuple[int, str]]:
    """(number from 1, JSON) of each record. Raises ValueError where one is no JSON object."""
    for number, line, _ in _lines(records, lambda row: (dict(row), [])):
        yield number, line


def _lines(records: Records, lift: _Lift) -> Iterator[tuple[int, str, list[Any]]]:
    """(number from 1, JSON, the lists that lift takes out of it) of each record."""
    if isinstance(records, (str, os.PathLike)):
        for number, line in _file_lines(os.fspath(records)):
            yield number, line, []
        return
    for number, row in enumerate(_rows(records), 1):
        yield number, *_line(row, number, lift)


def _file_lines(path: str) -> Iterable[tuple[int, str]]:
    """(number from 1, line) of each record of a file; without the extension, of JSON lines alone."""
    try:
        from ._extension import RecordFile
    except ImportError:
        return _json_lines(path)
    return RecordFile(path, sys.executable or "python3")


def _json_lines(path: str) -> Iterator[tuple[int, str]]:
    try:
        with open(path, encoding="utf-8-sig", newline="\n") as file:
            for number, line in enumerate(file, 1):
                if line.strip() and not line.lstrip().startswith("{"):
                    raise InvalidInput(f"[score] {path}, line {number}: without the extension JSON lines alone are read.")
                if line.strip():
                    yield number, line.removesuffix("\n").removesuffix("\r")
    except (FileNotFoundError, IsADirectoryError, PermissionError, UnicodeDecodeError) as error:
        raise InvalidInput(f"[score] {path} cannot be read as JSON lines: {error}") from error


def _line(row: Any, number: int, lift: _Lift) -> tuple[str, list[Any]]:
    if not isinstance(row, Mapping):
        raise InvalidInput(f"[score] record {number} is of type {type(row).__name__}, expected a dict")
    rest, given = lift({name: _with_media(value) for name, value in row.items()})
    return json_text(rest, f"[score] record {number}"), given


def _with_media(value: Any) -> Any:
    """Messages whose parts hold pictures of Pillow, bytes or paths, with those as strings."""
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return [_with_media(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    if isinstance(value.get("type"), str) and value["type"] != "text":
        return {name: _source(inner) for name, inner in value.items()}
    if isinstance(value.get("content"), list):
        return {**value, "content": _with_media(value["content"])}
    return value


def _source(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, (bytes, bytearray)):
        return "data:;base64," + base64.b64encode(value).decode()
    if hasattr(value, "save") and hasattr(value, "convert"):  # a picture of Pillow
        packed = io.BytesIO()
        value.convert("RGB").save(packed, format="PNG")
        return _source(packed.getvalue())
    return value


def _rows(records: Any) -> Iterable[Any]:
    if isinstance(records, Mapping):
        return [records]
    rows = records
    if hasattr(records, "to_pylist"):  # an Arrow table or record batch
        rows = map(_without_nulls, records.to_pylist())
    elif hasattr(records, "features"):  # datasets.Dataset is an iterable of dicts
        rows = map(_without_nulls, records)
    elif hasattr(records, "columns") and hasattr(records, "to_dict"):  # a DataFrame
        rows = records.to_dict("records")
    if isinstance(rows, Iterable):
        return rows
    raise InvalidInput(
        f"[score] records are of type {type(records).__name__}. Give a dict, an iterable of dicts, a datasets.Dataset, a "
        "DataFrame, an Arrow table, or the path of a file of records."
    )


def _without_nulls(value: Any) -> Any:
    """A row of a table without its empty cells: a struct there has the fields of all rows' structs."""
    if isinstance(value, Mapping):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list) and value and isinstance(value[0], (Mapping, list)):
        return [_without_nulls(inner) for inner in value]
    return value


def json_text(value: Any, name: str) -> str:
    """JSON of what Python, NumPy and configurations hold. Raises ValueError, which says that `name` is none."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
        text.encode()
    except (TypeError, ValueError) as error:  # a lone surrogate is a ValueError, too
        raise InvalidInput(f"{name} is no JSON: {error}") from error
    return text


def _plain(value: Any) -> Any:
    """NumPy's scalars and arrays, and other mappings and sequences, as Python's own."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return list(value)
    raise TypeError(f"a value of type {type(value).__name__} stands in it")
