"""Token ids and masks of a record, as arrays beside its line of JSON."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing

#: Token ids or a mask [T]: a list, a NumPy array of integers of any width, or what NumPy reads in place (a CPU tensor).
TokenList: TypeAlias = numpy.typing.ArrayLike

_FIELDS = ("prompt_ids", "response_ids", "response_mask")
_SEVERAL = ("response_ids", "response_mask")  # may be lists of lists
_ENTRY_FIELDS = ("ids", "mask")
_MASKS = frozenset({"response_mask", "mask"})


def lift_lists(record: Mapping[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    """The record with {"given": n} in the place of its n-th list of tokens, and the lists as parse_record takes them."""
    given: list[Any] = []
    lifted = dict(record)
    for field in _FIELDS:
        if field in lifted:
            lifted[field] = _lifted(lifted[field], field, given)
    responses = lifted.get("responses")
    if isinstance(responses, Sequence) and not isinstance(responses, str):
        lifted["responses"] = [_lifted_entry(response, given) for response in responses]
    return lifted, given


def as_array(value: Any) -> "np.ndarray[Any, Any]":
    """The numbers of a list or tensor, where they lie if NumPy can read them there. Raises ValueError on what is none."""
    device = getattr(getattr(value, "device", None), "type", "cpu")
    try:
        array = np.asarray(value if device == "cpu" else value.cpu())
        return np.asarray(array.tolist()) if array.dtype.kind == "O" else array
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"is no list of numbers: {error}") from error


def is_list(value: Any) -> bool:
    """Whether it is a list or an array, not a single number."""
    return isinstance(value, (list, tuple)) or (hasattr(value, "__array__") and getattr(value, "ndim", 0) > 0)


def is_nested(value: Any) -> bool:
    """Whether it is a list of lists, or a matrix."""
    if not _is_sequence(value):
        return getattr(value, "ndim", 1) > 1
    return any(type(one) is not int and is_list(one) for one in value)


def _is_sequence(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or getattr(getattr(value, "dtype", None), "kind", "") == "O"


def _lifted_entry(response: Any, given: list[Any]) -> Any:
    if not isinstance(response, Mapping) or "ids" not in response:
        return response
    lists = {field: _lifted(response[field], field, given) for field in _ENTRY_FIELDS if field in response}
    return {**response, **lists}


def _lifted(value: Any, field: str, given: list[Any]) -> Any:
    if not is_list(value):
        return value  # the core names what is wrong with it
    if field in _SEVERAL and is_nested(value):
        rows = value if _is_sequence(value) else as_array(value)
        return [_lifted(row, field, given) for row in rows]
    if len(value) == 0:
        return []
    given.append(_integers(value, "biu" if field in _MASKS else "iu"))
    return {"given": len(given) - 1}


def _integers(value: Any, kinds: str) -> Any:
    """An array of integers [T], or a text that says why there is none."""
    try:
        array = as_array(value)
    except ValueError as error:
        return str(error)
    if array.ndim != 1:
        return f"has the shape {list(array.shape)}, expected one list."
    if array.dtype.kind not in kinds:
        found = "something that is no number" if array.dtype.kind in "OUS" else f"numbers of type {array.dtype}"
        return f"holds {found}, expected whole numbers."
    return array
