"""Tells the newest count to all members in rounds: soon, a few members at a time, and with a pause between two rounds."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Collection
from itertools import islice
from typing import Final, Generic, TypeVar

from .._protocol.constants import MEMBERS_TOLD_PER_TURN, ROUND_PAUSE_PER_MEMBER_SECONDS

_Member = TypeVar("_Member")


class Rounds(Generic[_Member]):
    """`members`: all that must be told. `tell` tells one of them the newest numbers."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, members: Collection[_Member], tell: Callable[[_Member], None]
    ) -> None:
        self._loop: Final = loop
        self._members: Final = members
        self._tell: Final = tell
        self._due: asyncio.TimerHandle | None = None
        self._next_part: asyncio.Handle | None = None
        self._untold: dict[_Member, None] = {}
        self._last_round = -math.inf

    def announce(self) -> None:
        """Schedules a round; it includes all changes until it begins."""
        if self._due is not None or not self._members:
            return
        earliest = self._last_round + len(self._members) * ROUND_PAUSE_PER_MEMBER_SECONDS
        self._due = self._loop.call_later(max(0.0, earliest - self._loop.time()), self._begin)

    def finish(self) -> None:
        """Tells the members that do not know the newest count at once, because no further round will come."""
        untold = list(self._members if self._due is not None else self._untold)
        self.cancel()
        for member in untold:
            self._tell_one(member)

    def cancel(self) -> None:
        """Stops all rounds."""
        for handle in (self._due, self._next_part):
            if handle is not None:
                handle.cancel()
        self._due = self._next_part = None
        self._untold = {}

    def _begin(self) -> None:
        # First the members that the round before did not reach.
        untold = self._untold | dict.fromkeys(self._members)
        self.cancel()
        self._untold = untold
        self._last_round = self._loop.time()
        self._tell_some()

    def _tell_some(self) -> None:
        for member in list(islice(self._untold, MEMBERS_TOLD_PER_TURN)):
            del self._untold[member]
            self._tell_one(member)
        self._next_part = self._loop.call_soon(self._tell_some) if self._untold else None

    def _tell_one(self, member: _Member) -> None:
        # It may have left meanwhile.
        if member in self._members:
            self._tell(member)
