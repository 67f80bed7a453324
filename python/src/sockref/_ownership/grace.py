"""The time in which a successor does not end when it has no reference: members that depended on its predecessor are on their
way."""

from __future__ import annotations

import asyncio
from typing import Final

from .._protocol.constants import SUCCESSOR_GRACE_SECONDS


class Grace:
    """`awaited`: members that cannot serve and had references when the last owner was lost."""

    def __init__(self, loop: asyncio.AbstractEventLoop, awaited: int) -> None:
        self._loop: Final = loop
        self._awaited: Final = awaited
        self._until: Final = loop.time() + SUCCESSOR_GRACE_SECONDS

    def left(self, dependents_seen: int) -> float:
        """The seconds that are left; 0 once all of them are back.

        `dependents_seen`: how many members that cannot serve have attached.
        """
        return 0 if dependents_seen >= self._awaited else max(0.0, self._until - self._loop.time())
