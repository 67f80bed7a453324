"""How many members and references an owner allows (I7)."""

from __future__ import annotations

import os
from typing import Any

from .._protocol.json_text import MAX_SAFE_INTEGER
from .settings import OwnerSettings


def limit_met(settings: OwnerSettings, members: int, total: int) -> dict[str, Any] | None:
    """The limit that one more member would exceed; None if it may attach.

    `members`: how many there are. `total`: how many references there would be.
    """
    if members >= settings.max_members:
        return _full("maxMembersPerSocket", settings.max_members)
    if total > settings.max_references:
        return _full("maxReferencesPerSocket", settings.max_references)
    return None


def is_possible(settings: OwnerSettings, references: int, total: int) -> bool:
    """A correct member never exceeds the limit alone, and the total must stay a number that JavaScript holds exactly."""
    return references <= settings.max_references and total <= MAX_SAFE_INTEGER


def _full(limit: str, maximum: int) -> dict[str, Any]:
    return {
        "code": "ERR_SOCKREF_LIMIT_EXCEEDED",
        "message": f"The owner (pid {os.getpid()}) allows no more: its {limit} of {maximum} is reached",
        "detail": {"limit": limit, "max": maximum},
    }
