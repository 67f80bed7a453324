"""Errors in control messages."""

from __future__ import annotations

from typing import Any

from .._protocol.messages import Failed, Failure
from ..error_codes import ERROR_FIELDS, WIRE_FIELDS, ErrorCode
from ..errors import SocketReferenceError

_OF_WIRE = {own: wire for wire, own in WIRE_FIELDS.items()}


def failure_from(message: Failed | Failure, path: str) -> SocketReferenceError:
    """The error that an owner reported."""
    code: ErrorCode = message["code"] if message["code"] in ERROR_FIELDS else "ERR_SOCKREF_PROTOCOL"  # type: ignore[assignment]
    fields: dict[str, Any] = {}
    for name, value in message.get("detail", {}).items():
        own = WIRE_FIELDS.get(name, name)
        # Only the fields of this code: a peer must not set any other attribute of an error (I8).
        if own in ERROR_FIELDS[code]:
            fields[own] = value / 1000 if name == "timeoutMs" and isinstance(value, (int, float)) else value
    return SocketReferenceError(code, message["message"], **{**fields, "path": path})


def failure_of(error: SocketReferenceError) -> Failure:
    """The message about an error, for a member."""
    detail = {
        _OF_WIRE.get(name, name): round(value * 1000) if name == "timeout" else value
        for name, value in error.fields().items()
        if name != "path"
    }
    return {"code": error.code, "message": error.message, "detail": detail}
