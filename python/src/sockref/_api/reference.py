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
    """What references of both flavours have in common. Dropped without being closed it is released, with a warning."""

    __slots__ = ("__weakref__", "_core", "_finalizer", "_state", "path")

    def __init__(self, core: Core, state: ReferenceState) -> None:
        self.path: Final = state.endpoint.place.path
        self._core: Final = core
        self._state: Final = state
        self._finalizer: Final = weakref.finalize(self, _dropped, core, state)
        # At exit the files are removed by other means.
        self._finalizer.atexit = False

    @property
    def is_active(self) -> bool:
        """Whether it counts: False once it was closed, cleaned up, ended by force, or lost. True while a new owner is
        sought. In a forked child the references of the parent are not active."""
        return self._state.active

    @property
    def reference_count(self) -> int:
        """Live references to the socket, of all processes: exact for this one at every moment, and for the others as soon
        as what they told has arrived. 0 once this one is inactive."""
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
        # What belongs to a parent process, or to one that ends, has no thread that could answer.
        if not state.active:
            raise state.endpoint.closed_error(state.open)
        trace = None if state.trace is None else trace_here()
        return core.background.call(
            lambda: core.clone(state, trace), lambda clone: core.background.soon(lambda: clone.endpoint.release(clone))
        )

    def _is_over(self) -> bool:
        """Whether there is nothing left to release, or no thread that could do it."""
        self._finalizer.detach()
        if not self._state.endpoint.inherited and not self._core.process_ended:
            return False
        self._state.open = False
        return True


class SocketReference(Handle):
    """A counted reference to a socket. As long as one is held anywhere, the socket is served; with the last one it stops,
    and all of its files are removed.

    It never keeps the process alive. Dropped without `close()` it is released once it is collected, with a
    `ResourceWarning`.

        with sockref.acquire("app.sock", serve=handler) as ref:
            with ref.connect() as connection:
                ...
    """

    __slots__ = ()

    def clone(self) -> SocketReference:
        """Another reference to the same socket, at once.

        Raises ERR_SOCKREF_CLOSED if this one is inactive (or the error that ended it), ERR_SOCKREF_LIMIT_EXCEEDED.
        """
        return SocketReference(self._core, self._clone_slot())

    def connect(self, timeout: float = DEFAULT_CONNECT_TIMEOUT_SECONDS) -> socket.socket:
        """A connection to the socket. While the owner is being replaced it waits, for so many seconds at most.

        Raises ERR_SOCKREF_CLOSED, ERR_SOCKREF_TIMEOUT, ERR_SOCKREF_OWNER_LOST, ERR_SOCKREF_ADDRESS_IN_USE.
        """
        check.check_option("timeout", timeout, check.is_timeout)
        state = self._state
        if not state.active:
            raise state.endpoint.closed_error(state.open)
        return self._core.background.wait(lambda: connect_to(state, timeout), close_object)

    def wait_inactive(self, timeout: float | None = None) -> SocketReferenceError | None:
        """Waits until it is inactive, and returns why; None if it still is active after so many seconds."""
        core, state = self._core, self._state
        if not state.active:
            return self.reason
        core.background.wait(lambda: core.wait_inactive(state, timeout))
        return self.reason

    def close(self, wait: bool = True) -> None:
        """Releases it; idempotent. The count changes at once.

        Waits until the release is done: of the last reference anywhere, until every file is gone (unless the socket
        lingers, which is not waited for). `wait=False` does not: so may a handler that closes the last reference, since
        the end waits for the connections. Raises if it was the last one and a file could not be removed.
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
    """Where a reference is being acquired."""
    return "".join(traceback.format_stack()[:-2])


def _dropped(core: Core, state: ReferenceState) -> None:
    endpoint = state.endpoint
    if not state.active:
        return
    core.background.soon(lambda: endpoint.collected(state))
    warnings.warn(f"unclosed reference to {printable(endpoint.place.path)}", ResourceWarning, stacklevel=2)
