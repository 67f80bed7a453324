"""Threads that run handlers: as many as there is work for, up to a limit. The exit does not wait for them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

_IDLE_SECONDS = 5.0
"""How long a thread waits for more work before it ends."""


class HandlerPool:
    """A bounded pool of daemon threads. With `concurrent.futures` the exit would wait for handlers that wait for clients."""

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._condition = threading.Condition()
        self._work: deque[Callable[[], None]] = deque()
        self._threads = 0
        self._idle = 0
        self._closed = False

    def run(self, work: Callable[[], None]) -> None:
        """Runs a function on a thread, as soon as one is free."""
        with self._condition:
            self._work.append(work)
            if self._idle >= len(self._work):
                self._condition.notify()
                return
            if self._threads >= self._maximum:
                return
            self._threads += 1
        try:
            threading.Thread(target=self._serve, name="sockref handler", daemon=True).start()
        except RuntimeError:
            with self._condition:
                self._threads -= 1
                # The other threads will run it, if there are any.
                if self._threads > 0:
                    return
                self._work.remove(work)
            raise

    def close(self) -> None:
        """Ends the threads that have nothing to do."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def _serve(self) -> None:
        while (work := self._next()) is not None:
            work()
            # Do not keep it until the next one comes: it has a connection.
            del work

    def _next(self) -> Callable[[], None] | None:
        with self._condition:
            if not self._work and not self._closed:
                self._idle += 1
                self._condition.wait_for(lambda: self._work or self._closed, _IDLE_SECONDS)
                self._idle -= 1
            if self._work:
                return self._work.popleft()
            self._threads -= 1
            return None
