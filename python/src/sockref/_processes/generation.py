"""Counts the forks between the first process and this one."""

from __future__ import annotations

_generation = 0


def generation() -> int:
    """The number of this process. Objects with a lower number belong to a parent process."""
    return _generation


def next_generation() -> None:
    """Called in each forked child."""
    global _generation
    _generation += 1
