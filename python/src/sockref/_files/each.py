"""Steps that belong together."""

from __future__ import annotations

from collections.abc import Callable


def take_each(*steps: Callable[[], object]) -> list[Exception]:
    """Takes each step, whatever those before it raised, and returns what they raised.

    A change of state that was begun is carried through, and what failed in it is told afterwards.
    """
    errors: list[Exception] = []
    for step in steps:
        try:
            step()
        except Exception as error:
            errors.append(error)
    return errors
