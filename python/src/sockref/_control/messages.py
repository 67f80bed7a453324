"""Reads control messages. Everything that is received goes through here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from .._protocol.constants import PROTOCOL_VERSION
from .._protocol.json_text import is_object, read_json, whole_number
from .._protocol.messages import TO_MEMBER_SHAPES, TO_OWNER_SHAPES, ToMember, ToOwner
from .._protocol.shapes import Shape, Wrong, fields_of


class MalformedMessage(Exception):
    """A message that cannot be understood; `theirs` is set when it is of another version."""

    def __init__(self, message: str, theirs: int | None = None) -> None:
        super().__init__(message)
        self.theirs = theirs


def parse_to_owner(line: str) -> ToOwner:
    """Reads a message that a member sent."""
    return cast(ToOwner, _parse(TO_OWNER_SHAPES, line))


def parse_to_member(line: str) -> ToMember:
    """Reads a message that an owner sent."""
    return cast(ToMember, _parse(TO_MEMBER_SHAPES, line))


def _parse(shapes: Mapping[str, Shape], line: str) -> dict[str, Any]:
    try:
        value = read_json(line)
    except ValueError as error:
        raise MalformedMessage("a message that is not JSON") from error
    try:
        if not is_object(value):
            raise Wrong("the message must be an object")
        kind = value.get("type")
        if not isinstance(kind, str) or kind not in shapes:
            raise Wrong("type: a type that is not known")
        return {"type": kind, **fields_of(value, shapes[kind])}
    except Wrong as wrong:
        theirs = whole_number(value.get("v")) if is_object(value) else None
        if theirs is not None and theirs != PROTOCOL_VERSION:
            raise MalformedMessage(f"a message of protocol version {theirs}", theirs) from wrong
        raise MalformedMessage(f"a malformed message: {wrong}") from wrong
