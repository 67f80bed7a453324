"""Every error code, with the fields that it carries; docs/errors.md of the project describes them."""

from __future__ import annotations

from ._protocol.errors import ERROR_FIELDS, WIRE_FIELDS, ErrorCode

__all__ = ["ERROR_FIELDS", "WIRE_FIELDS", "ErrorCode", "is_code"]


def is_code(code: str) -> bool:
    """Whether this is a code of this version."""
    return code in ERROR_FIELDS
