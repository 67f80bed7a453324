"""JSON as the protocol defines it: numbers count by their value, and anything but JSON is refused."""

from __future__ import annotations

import json
import math
from typing import Any, Final, TypeGuard

MAX_SAFE_INTEGER: Final = 2**53 - 1
"""The greatest whole number that every implementation represents exactly."""

_MAX_DIGITS = 20
"""How many digits of a whole number are read exactly: longer numbers exceed every count, and are slow to convert."""


def read_json(text: str) -> Any:
    """Reads a text.

    Raises ValueError if it is not JSON, or is nested too deeply.
    """
    try:
        return json.loads(text, parse_constant=_refuse, parse_int=_whole)
    except RecursionError as error:
        raise ValueError("JSON that is nested too deeply") from error


def write_json(value: object) -> bytes:
    """Writes a value as UTF-8 on one line."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair has no encoding in UTF-8, but an escape.
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def whole_number(value: object) -> int | None:
    """The value as a whole number, in any notation, if every implementation represents it exactly; else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, float):
        if not math.isfinite(value) or not value.is_integer():
            return None
        value = int(value)
    return value if -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER else None


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a value that was read is an object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether a value that was read is a list."""
    return isinstance(value, list)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MAX_DIGITS else float(digits)
