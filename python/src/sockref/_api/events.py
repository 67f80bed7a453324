"""What happened to sockets, and who wants to know."""

from __future__ import annotations

import queue
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

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
"""How long the thread that calls listeners waits for more to tell."""

_MAX_WARNINGS = 100
"""Kinds of faults that are remembered as warned of: enough to see what is wrong, too few to flood anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a socket.

    `started`, `stopped`: it is served by this process, or not any more. `acquired`, `released`: a reference was.
    `failover`: the owner was lost, and the references go on with another one, or with this process (`role` says).
    `lost`: the references were, for the `error`. `healed`: `files` were missing, and are there again. `reclaimed`: `files`
    of the dead owner `pid` were removed. `leak`: a reference was dropped without `close()`; `trace` is where it was
    acquired, if leaks are traced. `fault`: something failed that no call was waiting for, with the `error`.
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
    """Calls listeners on a thread of their own, one event after the other, so that they may do what they like."""

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting: Final = threading.Lock()
        self._warned: set[tuple[str, str]] = set()

    @property
    def heard(self) -> bool:
        """Whether anybody wants to know: what nobody hears need not be put together."""
        return bool(self._listeners)

    def add(self, listener: Listener) -> Callable[[], None]:
        """Adds a listener; returns what removes it."""
        self._listeners = (*self._listeners, listener)

        def remove() -> None:
            self._listeners = tuple(each for each in self._listeners if each is not listener)

        return remove

    def renewed(self) -> Announcer:
        """Another one for a forked child, which has the listeners and not the thread."""
        fresh = Announcer()
        fresh._listeners = self._listeners
        return fresh

    def tell(self, event: Event) -> None:
        """Has it told soon."""
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
                # Asked for by `-W error`; nothing here catches it.
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
                    # An event that has come in this moment counts on this thread.
                    if self._events.empty():
                        self._thread = None
                        return None

    def _warn(self, event: Event) -> None:
        error = event.error
        code = error.code if isinstance(error, SocketReferenceError) else type(error).__name__
        if (code, event.path) in self._warned or len(self._warned) >= _MAX_WARNINGS:
            return
        self._warned.add((code, event.path))
        message = printable(f"{event.path}: {code}: {error}")
        warnings.warn(f"{message} (further ones of this kind are not shown)", RuntimeWarning, stacklevel=2)
