"""Events of sockets, and their listeners."""

from __future__ import annotations

import queue
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from .._protocol.constants import MAX_FAULT_WARNINGS
from .._ownership.lease import Role
from .._printable import printable
from ..errors import SocketReferenceError

EventKind = Literal[
    "started",
    "stopped",
    "acquired",
    "released",
    "failover",
    "lost",
    "healed",
    "reclaimed",
    "leak",
    "fault",
]

_IDLE_SECONDS = 1.0
"""How long the thread that calls listeners waits for the next event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a socket.

    `started`, `stopped`: this process serves the socket now, or no longer. `acquired`, `released`: a reference was given out
    or released. `failover`: the owner was lost; the references continue with another owner, or with this process as the owner
    (`role` says which). `lost`: the references were lost; `error` says why. `healed`: `files` were missing, and are restored.
    `reclaimed`: `files` of the dead owner `pid` were removed. `leak`: a reference was dropped without `close()`; `trace` is
    where it was acquired, if leaks are traced. `fault`: something failed for which no call was waiting; `error` says what.
    """

    kind: EventKind
    path: str
    references: int = 0
    role: Role | None = None
    files: tuple[str, ...] = ()
    pid: int | None = None
    trace: str | None = None
    error: BaseException | None = None


Listener = Callable[[Event], object]


class Announcer:
    """Calls listeners on a separate thread, one event after the other, so that a listener may block."""

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting: Final = threading.Lock()
        self._warned: set[tuple[str, str]] = set()

    @property
    def heard(self) -> bool:
        """Whether there is a listener. Without one an event need not be built."""
        return bool(self._listeners)

    def add(self, listener: Listener) -> Callable[[], None]:
        """Adds a listener. Returns a function that removes it."""
        self._listeners = (*self._listeners, listener)

        def remove() -> None:
            self._listeners = tuple(each for each in self._listeners if each is not listener)

        return remove

    def renewed(self) -> Announcer:
        """A new one for a forked child, which has the listeners but not the thread."""
        fresh = Announcer()
        fresh._listeners = self._listeners
        return fresh

    def tell(self, event: Event) -> None:
        """Queues an event for the listeners."""
        if not self._listeners and event.kind != "fault":
            return
        self._events.put(event)
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="sockref events", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while (event := self._next()) is not None:
            listeners = self._listeners
            try:
                if event.kind == "fault" and not listeners:
                    self._warn(event)
            except Warning as warning:
                # `-W error` turns the warning into an exception, which nothing here catches.
                sys.stderr.write(f"sockref: {warning}\n")
            for listener in listeners:
                try:
                    listener(event)
                except Exception:
                    traceback.print_exc()

    def _next(self) -> Event | None:
        while True:
            try:
                return self._events.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                with self._starting:
                    # An event that was queued in this moment relies on this thread.
                    if self._events.empty():
                        self._thread = None
                        return None

    def _warn(self, event: Event) -> None:
        error = event.error
        code = error.code if isinstance(error, SocketReferenceError) else type(error).__name__
        if (code, event.path) in self._warned or len(self._warned) >= MAX_FAULT_WARNINGS:
            return
        self._warned.add((code, event.path))
        message = printable(f"{event.path}: {code}: {error}")
        warnings.warn(f"{message} (further ones of this kind are not shown)", RuntimeWarning, stacklevel=2)
