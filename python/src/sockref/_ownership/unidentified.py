"""The connections to a control socket that are not members'."""

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
    """What is needed of a connection here."""

    def drop(self) -> None: ...


_AnyConnection = TypeVar("_AnyConnection", bound=Connection)


class Unidentified(Generic[_AnyConnection]):
    """They have a limited number of places, and the oldest gives its place to a new one.

    So silent clients do not lock members out, even if they are many and connect again and again (I7).
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, max_members: int) -> None:
        self._loop: Final = loop
        self._max: Final = max_members + SPARE_UNIDENTIFIED_PLACES
        self._places: Final[dict[_AnyConnection, asyncio.TimerHandle | None]] = {}
        """Oldest first, each with the timer that ends it; without one if it has a reason to stay."""

    def admit(self, connection: _AnyConnection) -> None:
        """Admits a connection that must ask something, or close, within a while. Its time is set once."""
        if self._places.get(connection) is None:
            self._take(connection, self._loop.call_later(UNIDENTIFIED_TIMEOUT_SECONDS, connection.drop))

    def admit_to_wait(self, connection: _AnyConnection) -> None:
        """Admits a connection that may wait without a limit, unless its place is needed."""
        self._take(connection, None)

    def release(self, connection: _AnyConnection) -> None:
        """The connection has become a member's, or has ended."""
        timer = self._places.pop(connection, None)
        if timer is not None:
            timer.cancel()

    def make_room(self) -> bool:
        """Closes the older half: there are no descriptors left, and more than one client is about to connect. Returns False if
        there are none to close."""
        return self._drop_oldest(math.ceil(len(self._places) / 2))

    def _limit(self) -> float:
        soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft == resource.RLIM_INFINITY:
            return self._max
        return min(self._max, max(FEW_UNIDENTIFIED_PLACES, soft * UNIDENTIFIED_DESCRIPTOR_SHARE))

    def _drop_oldest(self, count: int) -> bool:
        oldest = list(islice(self._places, count))
        for connection in oldest:
            self.release(connection)
            connection.drop()
        return len(oldest) > 0

    def _take(self, connection: _AnyConnection, timer: asyncio.TimerHandle | None) -> None:
        self.release(connection)
        self._places[connection] = timer
        if len(self._places) > self._limit():
            self._drop_oldest(1)
