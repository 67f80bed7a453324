"""Runs clean-ups, a limited number of them per turn of the event loop (I7)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final


class CleanUps:
    """Thousands of sockets that end at once must not block other work. A clean-up below the limit runs at once."""

    def __init__(self, loop: asyncio.AbstractEventLoop, concurrency: int) -> None:
        self._loop: Final = loop
        self._concurrency: Final = concurrency
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.running = 0

    @property
    def queued(self) -> int:
        return len(self._waiting)

    async def run(self, work: Callable[[], None]) -> None:
        """Runs the work, and raises its error."""
        if self.running >= self._concurrency or self._waiting:
            turn: asyncio.Future[None] = self._loop.create_future()
            self._waiting.append(turn)
            await turn
        else:
            self.running += 1
        try:
            work()
        finally:
            # The place becomes free in the next turn, so that synchronous work does not block the others.
            self._loop.call_soon(self._free)

    def _free(self) -> None:
        if self._waiting:
            self._waiting.popleft().set_result(None)
        else:
            self.running -= 1
