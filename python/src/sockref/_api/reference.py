"""A counted reference to a socket."""

from __future__ import annotations

import socket
import traceback
import warnings
import weakref
from types import TracebackType
from typing import Final, Self

from .._endpoint.reference_state import ReferenceState
from .._files.close import close_object
from .._ownership.lease import Role
from .._printable import printable
from .._protocol.constants import DEFAULT_CONNECT_TIMEOUT_SECONDS
from ..errors import SocketReferenceError
from . import check
from .connect import connect_to
from .core import Core


class Handle:
    """What blocking references and those for asyncio share. One that is dropped without `close()` is released, with a warning."""

    __slots__ = ("__weakref__", "_core", "_finalizer", "_state", "path")

    def __init__(self, core: Core, state: ReferenceState) -> None:
        self.path: Final = state.endpoint.place.path
        self._core: Final = core
        self._state: Final = state
        self._finalizer: Final = weakref.finalize(self, _dropped, core, state)
        # The exit removes the files.
        self._finalizer.atexit = False

    @property
    def is_active(self) -> bool:
        """Whether it counts: False once it is closed, cleaned up, ended by force, or lost. True while a new owner is sought.
        In a forked child the references of the parent are not active."""
        return self._state.active

    @property
    def reference_count(self) -> int:
        """How many references to the socket all processes hold. The part of this process is always exact; that of the others
        is as new as their last message. 0 once this reference is inactive."""
        return self._state.endpoint.references if self._state.active else 0

    @property
    def role(self) -> Role:
        """`"owner"` if this process serves the socket, else `"member"`. Can change when an owner is lost."""
        return self._state.endpoint.role

    @property
    def reason(self) -> SocketReferenceError | None:
        """Why it is inactive; None while it is active."""
        return None if self._state.active else self._state.endpoint.closed_error(self._state.open)

    def __repr__(self) -> str:
        state = f"{self.role}, {self.reference_count} references" if self.is_active else "inactive"
        return f"<{type(self).__name__} {self.path!r}: {state}>"

    def _clone_slot(self) -> ReferenceState:
        state, core = self._state, self._core
        # In a forked child, and while the interpreter ends, there is no thread that could answer.
        if not state.active:
            raise state.endpoint.closed_error(state.open)
        trace = None if state.trace is None else trace_here()
        return core.background.call(
            lambda: core.clone(state, trace), lambda clone: core.background.soon(lambda: clone.endpoint.release(clone))
        )

    def _is_over(self) -> bool:
        """Whether there is nothing to release, or no thread that could release it."""
        self._finalizer.detach()
        if not self._state.endpoint.inherited and not self._core.process_ended:
            return False
        self._state.open = False
        return True


class SocketReference(Handle):
    """A counted reference to a socket. The socket is served as long as any process holds a reference. When the last reference
    is closed, the socket stops and all its files are removed.

    It never keeps the process alive. A reference that is dropped without `close()` is released once it is collected, with a
    `ResourceWarning`.

        with sockref.acquire("app.sock", serve=handler) as ref:
            with ref.connect() as connection:
                ...
    """

    __slots__ = ()

    def clone(self) -> SocketReference:
        """Returns another reference to the same socket, at once.

        Raises ERR_SOCKREF_CLOSED if this one is inactive (or the error that ended it), ERR_SOCKREF_LIMIT_EXCEEDED.
        """
        return SocketReference(self._core, self._clone_slot())

    def connect(self, timeout: float = DEFAULT_CONNECT_TIMEOUT_SECONDS) -> socket.socket:
        """Connects to the socket. Waits while the owner is being replaced, for at most so many seconds.

        Raises ERR_SOCKREF_CLOSED, ERR_SOCKREF_TIMEOUT, ERR_SOCKREF_OWNER_LOST, ERR_SOCKREF_ADDRESS_IN_USE.
        """
        check.check_option("timeout", timeout, check.is_timeout)
        state = self._state
        if not state.active:
            raise state.endpoint.closed_error(state.open)
        return self._core.background.wait(lambda: connect_to(state, timeout), close_object)

    def wait_inactive(self, timeout: float | None = None) -> SocketReferenceError | None:
        """Waits until it is inactive, and returns the reason; None if it is still active after so many seconds."""
        core, state = self._core, self._state
        if not state.active:
            return self.reason
        core.background.wait(lambda: core.wait_inactive(state, timeout))
        return self.reason

    def close(self, wait: bool = True) -> None:
        """Releases it; idempotent. The count changes at once.

        Waits until the release is done: for the last reference in any process, until every file is removed. It does not wait
        for a socket that lingers. `wait=False` does not wait at all. A handler that closes the last reference must pass it,
        because the end waits for the handler's connection. Raises if it was the last one and a file could not be removed.
        """
        if self._is_over():
            return
        core, state = self._core, self._state
        if wait and not core.background.is_current:
            core.background.wait(lambda: core.close(state), cancellable=False)
        else:
            core.background.call(lambda: state.endpoint.release(state).add_done_callback(lambda done: done.exception()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()


def trace_here() -> str:
    """The place in the code that acquires a reference."""
    return "".join(traceback.format_stack()[:-2])


def _dropped(core: Core, state: ReferenceState) -> None:
    endpoint = state.endpoint
    if not state.active:
        return
    core.background.soon(lambda: endpoint.collected(state))
    warnings.warn(f"unclosed reference to {printable(endpoint.place.path)}", ResourceWarning, stacklevel=2)
