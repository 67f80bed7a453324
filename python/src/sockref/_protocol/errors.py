"""Every error code, with the fields that it carries.

Made from protocol.json by scripts/protocol.mjs; change that, and run `npm run protocol`.
"""

from __future__ import annotations

from typing import Final, Literal

ErrorCode = Literal[
    "ERR_SOCKREF_INVALID_PATH",
    "ERR_SOCKREF_PATH_TOO_LONG",
    "ERR_SOCKREF_INVALID_OPTION",
    "ERR_SOCKREF_DIRECTORY_NOT_FOUND",
    "ERR_SOCKREF_UNSAFE_DIRECTORY",
    "ERR_SOCKREF_ADDRESS_IN_USE",
    "ERR_SOCKREF_PERMISSION_DENIED",
    "ERR_SOCKREF_LIMIT_EXCEEDED",
    "ERR_SOCKREF_NOT_SERVED",
    "ERR_SOCKREF_SERVER_FAILED",
    "ERR_SOCKREF_TIMEOUT",
    "ERR_SOCKREF_OWNER_UNRESPONSIVE",
    "ERR_SOCKREF_OWNER_LOST",
    "ERR_SOCKREF_CLOSED",
    "ERR_SOCKREF_PROTOCOL",
    "ERR_SOCKREF_UNSUPPORTED",
    "ERR_SOCKREF_SYSTEM",
]

ERROR_FIELDS: Final[dict[ErrorCode, tuple[str, ...]]] = {
    "ERR_SOCKREF_INVALID_PATH": ("path", "reason"),
    "ERR_SOCKREF_PATH_TOO_LONG": ("path", "length", "max"),
    "ERR_SOCKREF_INVALID_OPTION": ("option", "expected", "received"),
    "ERR_SOCKREF_DIRECTORY_NOT_FOUND": ("path", "directory"),
    "ERR_SOCKREF_UNSAFE_DIRECTORY": ("path", "directory", "uid", "mode", "reason"),
    "ERR_SOCKREF_ADDRESS_IN_USE": ("path", "found", "uid"),
    "ERR_SOCKREF_PERMISSION_DENIED": ("path", "errno", "syscall"),
    "ERR_SOCKREF_LIMIT_EXCEEDED": ("path", "limit", "max", "errno", "syscall"),
    "ERR_SOCKREF_NOT_SERVED": ("path",),
    "ERR_SOCKREF_SERVER_FAILED": ("path", "reason", "exit_code", "stderr"),
    "ERR_SOCKREF_TIMEOUT": ("path", "timeout", "waiting_for", "stderr"),
    "ERR_SOCKREF_OWNER_UNRESPONSIVE": ("path", "pid", "timeout"),
    "ERR_SOCKREF_OWNER_LOST": ("path", "timeout"),
    "ERR_SOCKREF_CLOSED": ("path", "reason"),
    "ERR_SOCKREF_PROTOCOL": ("path", "ours", "theirs"),
    "ERR_SOCKREF_UNSUPPORTED": ("path", "errno", "syscall"),
    "ERR_SOCKREF_SYSTEM": ("path", "errno", "syscall"),
}
"""The fields that an error of each code can carry, in the names of this package."""

WIRE_FIELDS: Final[dict[str, str]] = {
    "exitCode": "exit_code",
    "timeoutMs": "timeout",
    "waitingFor": "waiting_for",
}
"""Fields that are called otherwise in messages; those that end in `Ms` are in milliseconds there."""
