"""The connections to a control socket that are no member's."""

from __future__ import annotations

import asyncio
import math
import resource
from itertools import islice
from typing import Final, Generic, Protocol, TypeVar

from .._protocol.constants import (
    FEW_UNIDENTIFIED_PLACES,
    SPARE_UNIDENTIFIED_PLACES,
    UNIDENTIFIED_DESCRIPTOR_SHARE,
    UNIDENTIFIED_TIMEOUT_SECONDS,
)


class Connection(Protocol):
    """A connection, as far as it matters here."""

    def drop(self) -> None: ...


_Stranger = TypeVar("_Stranger", bound=Connection)


class Unidentified(Generic[_Stranger]):
    """They have places of their own, and the oldest gives its place up to a new one.

    So those who say nothing lock no member out, however many come, and however often (I7).
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, max_members: int) -> None:
        self._loop: Final = loop
        self._max: Final = max_members + SPARE_UNIDENTIFIED_PLACES
        self._places: Final[dict[_Stranger, asyncio.TimerHandle | None]] = {}
        """Oldest first, with what ends those that have no reason to stay."""

    def admit(self, stranger: _Stranger) -> None:
        """One that is to say what it wants, or to hang up, within a while. If it has that already, nothing is added."""
        if self._places.get(stranger) is None:
            self._take(stranger, self._loop.call_later(UNIDENTIFIED_TIMEOUT_SECONDS, stranger.drop))

    def admit_to_wait(self, stranger: _Stranger) -> None:
        """One that may wait as long as it likes, if no other one needs its place."""
        self._take(stranger, None)

    def release(self, stranger: _Stranger) -> None:
        """It is no stranger any more, or gone."""
        timer = self._places.pop(stranger, None)
        if timer is not None:
            timer.cancel()

    def make_room(self) -> bool:
        """Gives up the older half: there are no descriptors left, and those who come next are more than one. False if there
        are none to drop."""
        return self._drop_oldest(math.ceil(len(self._places) / 2))

    def _limit(self) -> float:
        soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft == resource.RLIM_INFINITY:
            return self._max
        return min(self._max, max(FEW_UNIDENTIFIED_PLACES, soft * UNIDENTIFIED_DESCRIPTOR_SHARE))

    def _drop_oldest(self, count: int) -> bool:
        oldest = list(islice(self._places, count))
        for stranger in oldest:
            self.release(stranger)
            stranger.drop()
        return len(oldest) > 0

    def _take(self, stranger: _Stranger, timer: asyncio.TimerHandle | None) -> None:
        self.release(stranger)
        self._places[stranger] = timer
        if len(self._places) > self._limit():
            self._drop_oldest(1)
