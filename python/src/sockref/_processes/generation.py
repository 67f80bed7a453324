"""How many forks lie between the first process and this one."""

from __future__ import annotations

_generation = 0


def generation() -> int:
    """What has a lower number than this belongs to a parent process."""
    return _generation


def next_generation() -> None:
    """Called in each forked child."""
    global _generation
    _generation += 1
