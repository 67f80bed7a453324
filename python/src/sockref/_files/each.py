"""Runs steps that belong together."""

from __future__ import annotations

from collections.abc import Callable


def take_each(*steps: Callable[[], object]) -> list[Exception]:
    """Runs every step, even if earlier ones raised, and returns what they raised.

    A change of state is thus completed before its failures are reported.
    """
    errors: list[Exception] = []
    for step in steps:
        try:
            step()
        except Exception as error:
            errors.append(error)
    return errors
