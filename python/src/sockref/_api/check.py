"""Checks of options. An unknown or invalid option is refused, never ignored."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeGuard, cast

from .._protocol.constants import DEFAULT_SOCKET_MODE, MAX_LABEL_LENGTH, MAX_TIMER_SECONDS
from .._protocol.json_text import MAX_SAFE_INTEGER
from .._protocol.shapes import text_length
from .._serving.server_spec import StreamServe
from ..errors import SocketReferenceError, quote

Check = Callable[[object], str | None]
"""A check of one value. It returns None if the value is valid, else what was expected."""


def is_duration(value: object) -> str | None:
    fine = _is_number(value) and 0 <= value <= MAX_TIMER_SECONDS
    return None if fine else f"a number of seconds from 0 to {MAX_TIMER_SECONDS}"


def is_timeout(value: object) -> str | None:
    fine = _is_number(value) and 0 < value <= MAX_TIMER_SECONDS
    return None if fine else f"a number of seconds above 0, up to {MAX_TIMER_SECONDS}"


def is_limit(value: object) -> str | None:
    fine = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_SAFE_INTEGER
    return None if fine else f"a whole number from 1 to {MAX_SAFE_INTEGER}"


def is_mode(value: object) -> str | None:
    """Without read and write permission for the owner, even members could not connect."""
    fine = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 0o777 and value & 0o600 == 0o600
    return None if fine else "permission bits from 0o600 to 0o777 that let the owner read and write"


def is_default_mode(value: object) -> str | None:
    return None if value == DEFAULT_SOCKET_MODE else f"{DEFAULT_SOCKET_MODE:#o} with `server`"


def is_flag(value: object) -> str | None:
    return None if isinstance(value, bool) else "True or False"


def is_serve(value: object) -> str | None:
    if value is None or callable(value) or isinstance(value, StreamServe):
        return None
    return "a function that takes a connected socket"


def is_reclaim(value: object) -> str | None:
    return None if value in ("recorded", "stale") else "'recorded' or 'stale'"


def is_recorded(value: object) -> str | None:
    return None if value == "recorded" else "'recorded' with `server`"


def is_command(value: object) -> str | None:
    if isinstance(value, (list, tuple)) and value:
        words = cast("list[object] | tuple[object, ...]", value)
        if all(isinstance(word, str) and "\0" not in word for word in words) and words[0] != "":
            return None
    return "a list of strings, with at least the name of a program"


def is_label(value: object) -> str | None:
    fine = value is None or (isinstance(value, str) and text_length(value) <= MAX_LABEL_LENGTH)
    return None if fine else f"a string of at most {MAX_LABEL_LENGTH} characters"


def is_path_list(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, tuple) and value and all(_is_absolute(each) for each in cast("tuple[object, ...]", value)):
        return None
    return "a list of absolute paths with at least one of them"


def check_option(name: str, value: object, check: Check) -> None:
    """Raises ERR_SOCKREF_INVALID_OPTION if a value is invalid."""
    expected = check(value)
    if expected is None:
        return
    received = quote(value)
    raise SocketReferenceError(
        "ERR_SOCKREF_INVALID_OPTION",
        f"The option {quote(name)} must be {expected}, and is {received}",
        option=name,
        expected=expected,
        received=received,
    )


def _is_absolute(value: object) -> bool:
    return isinstance(value, str) and value.startswith("/")


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
