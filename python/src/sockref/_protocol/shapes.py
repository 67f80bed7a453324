"""Shapes: which fields an object has to have, and what each of them has to be."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Mapping
from typing import Any

from .json_text import is_list, is_object, whole_number


class Wrong(Exception):
    """A value that is not of its kind; the words say what it has to be."""


Check = Callable[[Any], Any]
"""Returns the value as it is to be understood, or raises Wrong."""


class Optional:
    """A field that need not be there."""

    def __init__(self, check: Check) -> None:
        self.check = check


class Otherwise:
    """A field that counts as another value where it is missing or wrong."""

    def __init__(self, fine: Callable[[Any], bool], otherwise: object) -> None:
        self.fine = fine
        self.otherwise = otherwise


Shape = Mapping[str, Check | Optional | Otherwise]


def fields_of(value: dict[str, Any], shape: Shape) -> dict[str, Any]:
    """The fields of a shape; others are ignored."""
    found: dict[str, Any] = {}
    for name, rule in shape.items():
        if isinstance(rule, Otherwise):
            given = value.get(name)
            found[name] = given if rule.fine(given) else rule.otherwise
            continue
        if isinstance(rule, Optional):
            if name not in value:
                continue
            rule = rule.check
        elif name not in value:
            raise Wrong(f"{name} is missing")
        try:
            found[name] = rule(value[name])
        except Wrong as wrong:
            raise Wrong(f"{name}: expected {wrong}") from wrong
    return found


def fields_if(value: dict[str, Any], shape: Shape) -> dict[str, Any] | None:
    """The same; None if the value has not that shape."""
    # The first field tells most of them apart, and an exception is slow.
    if next(iter(shape)) not in value:
        return None
    try:
        return fields_of(value, shape)
    except Wrong:
        return None


def object_of(shape: Shape) -> Check:
    def check(value: Any) -> dict[str, Any]:
        if not is_object(value):
            raise Wrong("an object")
        return fields_of(value, shape)

    return check


def list_of(check: Check) -> Check:
    def check_all(value: Any) -> list[Any]:
        if not is_list(value):
            raise Wrong("a list")
        return [check(each) for each in value]

    return check_all


def scalars(value: Any) -> dict[str, Any]:
    if not is_object(value) or not all(isinstance(each, (str, bool, int, float)) for each in value.values()):
        raise Wrong("an object of strings, numbers and booleans")
    return value


def whole(value: Any) -> int:
    found = whole_number(value)
    if found is None:
        raise Wrong("a whole number")
    return found


def at_least(minimum: int) -> Check:
    def check(value: Any) -> int:
        found = whole_number(value)
        if found is None or found < minimum:
            raise Wrong(f"a whole number from {minimum}")
        return found

    return check


def equal_to(version: int) -> Check:
    def check(value: Any) -> int:
        if whole_number(value) != version:
            raise Wrong(f"version {version}")
        return version

    return check


def number(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Wrong("a number")
    return value


def between(least: float, most: float) -> Check:
    def check(value: Any) -> int | float:
        if not least <= number(value) <= most:
            raise Wrong(f"a number from {least} to {most}")
        return value

    return check


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise Wrong("a string")
    return value


def text_length(value: str) -> int:
    """The length of a text in UTF-16 code units, in which the protocol counts it."""
    return len(value.encode("utf-16-le", "surrogatepass")) // 2


def at_most(length: int) -> Check:
    def check(value: Any) -> str:
        if text_length(text(value)) > length:
            raise Wrong(f"at most {length} characters")
        return value

    return check


def matching(pattern: str) -> Check:
    compiled = re.compile(pattern)

    def check(value: Any) -> str:
        if not compiled.search(text(value)):
            raise Wrong(f"a string like {pattern}")
        return value

    return check


def signal_or(otherwise: str) -> Otherwise:
    """The name of a signal here; a record of another platform may have another one, and must count all the same."""
    return Otherwise(lambda value: isinstance(value, str) and value in signal.Signals.__members__, otherwise)


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Wrong("true or false")
    return value


def true(value: Any) -> bool:
    if value is not True:
        raise Wrong("true")
    return True


def one_of(*allowed: str) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise Wrong(" or ".join(allowed))
        return value

    return check
