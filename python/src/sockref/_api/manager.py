"""The manager: what a program calls to share sockets."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self

from .._endpoint.endpoint import Endpoint
from .._endpoint.endpoint_life import Ended
from .._files.leftovers import ReclaimRule
from .._processes.generation import generation
from .._protocol.constants import (
    DEFAULT_DRAIN_TIMEOUT_SECONDS,
    DEFAULT_FAILOVER_TIMEOUT_SECONDS,
    DEFAULT_HEAL_INTERVAL_SECONDS,
    DEFAULT_SOCKET_MODE,
    DEFAULT_TIMEOUT_SECONDS,
)
from .._serving.server_spec import ConnectionHandler, ServerCommand, ServerSpec
from ..errors import SocketReferenceError, quote
from .core import Core, manager_closed
from .events import Announcer, Listener
from .info import SocketInfo
from .limits import Limits
from .listing import list_sockets, sockets_in
from .locate import Location, is_missing, locate
from .options import AcquireOptions, ManagerOptions, provider_of
from .reference import SocketReference, trace_here
from .stats import ManagerStats


class SocketManager:
    """The sockets of a process, or of a part of a program; `default_manager()` is the one that `acquire()` uses.

    Two managers share sockets as two processes do. After a fork the child's copy begins without sockets.
    """

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        allowed_directories: Sequence[str] | None = None,
        trace_leaks: bool = False,
        heal_interval: float = DEFAULT_HEAL_INTERVAL_SECONDS,
    ) -> None:
        """`allowed_directories`: directories, with all below them, that sockets may be in; any safe one by default.
        `trace_leaks`: whether each reference remembers where it was acquired. `heal_interval`: seconds between two checks
        of an owner's files."""
        if os.name != "posix":
            raise SocketReferenceError(
                "ERR_SOCKREF_UNSUPPORTED", "sockref needs Unix domain sockets with file permissions; use Linux or macOS"
            )
        # A string is a sequence, too, but not a valid one here.
        given = [allowed_directories] if isinstance(allowed_directories, str) else allowed_directories
        allowed = None if given is None else tuple(given)
        self._options: Final = ManagerOptions(limits or Limits(), allowed, trace_leaks, heal_interval)
        self._closed = False
        self._core: Core | None = None
        self._announcer = Announcer()

    @property
    def closed(self) -> bool:
        """Whether `close()` was called."""
        return self._closed

    def acquire(
        self,
        path: str | None = None,
        *,
        serve: ConnectionHandler | None = None,
        server: Sequence[str] | ServerCommand | None = None,
        mode: int = DEFAULT_SOCKET_MODE,
        linger: float = 0.0,
        drain_timeout: float = DEFAULT_DRAIN_TIMEOUT_SECONDS,
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
        failover_timeout: float = DEFAULT_FAILOVER_TIMEOUT_SECONDS,
        reclaim: ReclaimRule = "recorded",
        label: str | None = None,
    ) -> SocketReference:
        """Acquires a reference to the socket at a path. If the socket is not served yet, this process begins to serve it.
        Later acquires, in any process, share it as it is. Returns when the socket accepts connections.

        `path`: nothing for a new name in the default directory, which cannot be guessed; a bare name there; or an absolute
        path. `serve`: the function that gets each connection, on a thread, if this process becomes the owner. Without
        `serve` and `server` the acquire can only join (ERR_SOCKREF_NOT_SERVED if no process serves). `server`: a command
        instead: a list of words, in which `{socket}` is the path at which it must listen, or a `ServerCommand`. The program
        `sockref` runs it, and must be installed. `mode`: permissions of the data socket. In seconds: `linger`, how long it stays up
        after its last reference is closed; `drain_timeout`, how long open connections get to end when it stops; `timeout`,
        after which the acquire fails; `failover_timeout`, how long references outlive a lost owner. `reclaim`: `"stale"` also
        removes a socket of this user that refuses connections. `label`: a name in listings.
        """
        options = AcquireOptions(provider_of(serve, server), timeout, mode, linger, drain_timeout, failover_timeout, reclaim, label)
        core, location, trace = self.prepare(path, options)
        state = core.background.wait(
            lambda: core.acquire(location, options, trace, path is None),
            lambda state: core.background.soon(lambda: state.endpoint.release(state)),
        )
        return SocketReference(core, state)

    def prepare(self, path: str | None, options: AcquireOptions) -> tuple[Core, Location, str | None]:
        """The beginning of an acquire, blocking or for asyncio. Internal."""
        core = self.core
        if self._closed:
            raise manager_closed()
        return core, self._locate(core, path, options.server_spec), self._trace()

    def get_existing(self, path: str) -> SocketReference | None:
        """Returns a new reference to a socket that is active in this manager, at once; None if the socket is not active here."""
        core = self.core
        endpoint = core.find(path)
        if endpoint is None or not endpoint.live:
            return None
        trace = self._trace()
        state = core.background.call(
            lambda: core.share(endpoint, trace),
            lambda state: state and core.background.soon(lambda: state.endpoint.release(state)),
        )
        return None if state is None else SocketReference(core, state)

    def is_socket_active(self, path: str) -> bool:
        """Whether a socket is active here. Returns False for an invalid path."""
        endpoint = self._find_safely(path)
        return endpoint is not None and endpoint.live

    def reference_count(self, path: str) -> int:
        """The references to a socket, of all processes; 0 if the socket is not active here."""
        endpoint = self._find_safely(path)
        return endpoint.references if endpoint is not None and endpoint.live else 0

    @property
    def active_socket_count(self) -> int:
        """The number of sockets, not references, that are active here."""
        return sum(endpoint.live for endpoint in list(self.core.endpoints.values()))

    def force_cleanup_socket(self, path: str) -> bool:
        """Ends all references of this manager to one socket, and the acquires that wait for it. Other processes that share
        the socket continue without this one. A socket that a command serves ends for all its holders, as with
        `sockref stop --force`, even if this manager has no reference to it. Returns whether there was anything to end, once
        every file is removed."""
        core = self.core
        if core.process_ended:
            return False
        endpoint = self._find_safely(path)
        here = endpoint is not None and not isinstance(endpoint.state, Ended)
        owned = endpoint is not None and here and endpoint.role == "owner"
        if endpoint is not None and here:
            core.background.wait(lambda: core.force(endpoint), cancellable=False)
        if owned:
            return True
        return core.background.wait(lambda: core.stop_command(path), cancellable=False) or here

    def cleanup_all_sockets(self) -> None:
        """Does the same for all sockets of this manager. If several fail, the error has the code of the first failure, and
        the group of all failures is its cause."""
        core = self.core
        if core.process_ended:
            return
        failed = core.background.wait(core.force_all, cancellable=False)
        if not failed:
            return
        first, *others = failed
        if not others or not isinstance(first, SocketReferenceError):
            raise first
        message = f"Several sockets could not be cleaned up: {'; '.join(str(error) for error in failed)}"
        raise SocketReferenceError(first.code, message, **first.fields()) from BaseExceptionGroup(message, failed)

    def inspect(self, path: str) -> SocketInfo | None:
        """Asks the owner of a socket for its holders, without taking a reference. None if the socket does not exist."""
        core = self.core
        return core.background.wait(lambda: core.inspect(path))

    def list(self, directory: str | None = None) -> list[SocketInfo]:
        """Inspects all sockets in a directory that have a lock file, sorted by name. Without a directory it takes the default
        one."""
        core = self.core
        paths = sockets_in(directory)
        return core.background.wait(lambda: list_sockets(paths, core.inspect))

    def stats(self) -> ManagerStats:
        """The current numbers of this manager, and what it has done so far."""
        core = self.core
        return core.background.call(core.stats)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Calls a function with each event, on a separate thread. Returns a function that ends the subscription."""
        return self._announcer.add(listener)

    def close(self) -> None:
        """Ends all references and refuses further acquires. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self.core.closed = True
        self.cleanup_all_sockets()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    @property
    def core(self) -> Core:
        """Its sockets in this process. Internal."""
        core = self._core
        if core is not None and core.generation == generation():
            return core
        with _lock:
            core = self._core
            if core is None or core.generation != generation():
                if core is not None:
                    # In a forked child of the process that made it.
                    self._announcer = self._announcer.renewed()
                core = self._core = Core(self._options, self._announcer)
            return core

    def _trace(self) -> str | None:
        return trace_here() if self._options.trace_leaks else None

    def _find_safely(self, path: str) -> Endpoint | None:
        try:
            return self.core.find(path)
        except SocketReferenceError:
            # A path that breaks a rule leads to no socket of ours.
            return None

    def _locate(self, core: Core, path: str | None, server_spec: ServerSpec | None) -> Location:
        known = core.endpoints.get(path) if isinstance(path, str) else None
        if known is not None and known.live:
            # By its canonical path, even if that no longer leads to its directory.
            directory, _, name = known.place.path.rpartition("/")
            return Location(known.place.path, directory or "/", name, False)
        try:
            return locate(path, server_spec is not None, self._options.allowed_directories)
        except SocketReferenceError as error:
            # An acquire that can only join does not make the default directory, and without it no process can serve there.
            if server_spec is not None or not is_missing(error) or (path is not None and "/" in path):
                raise
            message = (
                f"No process serves {quote(path)}: the default directory does not exist; pass `serve` to serve it here"
            )
            fields = {} if path is None else {"path": path}
            raise SocketReferenceError("ERR_SOCKREF_NOT_SERVED", message, **fields) from error


_lock = threading.RLock()
_default: SocketManager | None = None


def _renew_lock() -> None:
    """In a forked child: the thread that held the lock may not exist there."""
    global _lock
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_renew_lock)


def default_manager() -> SocketManager:
    """The manager of this process that `acquire()` uses. After its `close()` it is a new one."""
    global _default
    with _lock:
        if _default is None or _default.closed:
            _default = SocketManager()
        return _default
