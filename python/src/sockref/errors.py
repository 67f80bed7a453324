"""The one class of errors."""

from __future__ import annotations

import json
from typing import Any

from ._protocol.constants import MAX_QUOTED_LENGTH
from ._printable import printable
from .error_codes import ERROR_FIELDS, ErrorCode

__all__ = ["ErrorCode", "SocketReferenceError", "quote"]


class SocketReferenceError(Exception):
    """The only class of errors that sockref raises. Distinguish them by `code`.

    Codes and fields are those of docs/errors.md; a field that does not belong to the code, or is not known, is None.
    Times are in seconds. An error of the system is kept as `__cause__`.

        try:
            sockref.acquire("db.sock")
        except sockref.SocketReferenceError as error:
            if error.code != "ERR_SOCKREF_NOT_SERVED":
                raise
    """

    code: ErrorCode
    path: str | None = None
    reason: str | None = None
    option: str | None = None
    expected: str | None = None
    received: str | None = None
    limit: str | None = None
    max: int | None = None
    length: int | None = None
    directory: str | None = None
    uid: int | None = None
    mode: int | None = None
    found: str | None = None
    pid: int | None = None
    timeout: float | None = None
    waiting_for: str | None = None
    errno: str | None = None
    syscall: str | None = None
    exit_code: int | None = None
    stderr: str | None = None
    ours: int | None = None
    theirs: int | None = None

    def __init__(self, code: ErrorCode, message: str, **fields: Any) -> None:
        # A path or label in the message must not add a line, or anything that a terminal obeys.
        super().__init__(printable(message))
        self.code = code
        for name, value in fields.items():
            if name not in ERROR_FIELDS[code]:
                raise TypeError(f"{code} has no field {name}")
            setattr(self, name, value)

    @property
    def message(self) -> str:
        """What was wrong and what to do. It is for people, and may change."""
        return str(self.args[0])

    def fields(self) -> dict[str, Any]:
        """The fields that it carries, with their values."""
        names = ERROR_FIELDS[self.code]
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def again(self) -> SocketReferenceError:
        """The same error as a new object, for another thread to raise: two threads must not share a traceback."""
        copy = SocketReferenceError(self.code, self.message, **self.fields())
        copy.__cause__ = self.__cause__
        return copy

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (self.code, self.message, self.fields()))


def _rebuild(code: ErrorCode, message: str, fields: dict[str, Any]) -> SocketReferenceError:
    return SocketReferenceError(code, message, **fields)


def quote(value: object) -> str:
    """Shows any value in a message: escaped, shortened, on one line."""
    if isinstance(value, str):
        text = printable(json.dumps(value, ensure_ascii=False))
        # The ellipsis inside the quotes shows that the value was cut.
        return text if len(text) <= MAX_QUOTED_LENGTH else f'{text[:MAX_QUOTED_LENGTH]}…"'
    if value is None or isinstance(value, (bool, int, float)):
        text = repr(value)
    elif callable(value):
        text = "a function"
    else:
        name = type(value).__name__
        text = f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
    return text if len(text) <= MAX_QUOTED_LENGTH else f"{text[:MAX_QUOTED_LENGTH]}…"
