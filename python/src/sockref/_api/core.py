"""The sockets of a manager in one process. A forked child begins with a new one, without the sockets of its parent."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from .._control.inspect import query
from .._control.stop import stop_command
from .._endpoint.clean_ups import CleanUps
from .._endpoint.endpoint import Endpoint
from .._endpoint.endpoint_life import Active
from .._endpoint.host import EndpointEvent
from .._endpoint.reference_state import ReferenceState
from .._endpoint.waiter import WaiterOptions
from .._ownership.lease import Context, Hooks
from .._processes.generation import generation
from .._protocol.constants import INSPECT_TIMEOUT_SECONDS
from .._runtime.process import background
from .._system_errors import typed
from ..errors import SocketReferenceError
from .events import Announcer, Event, EventKind
from .info import SocketInfo, info_of
from .locate import Location, is_missing, locate, open_place
from .nameless import remove_nameless_leftovers
from .options import AcquireOptions, ManagerOptions
from .stats import ManagerStats, snapshot


class Core:
    """All methods but `find` run in the background thread."""

    def __init__(self, options: ManagerOptions, announcer: Announcer) -> None:
        self.background: Final = background()
        self.generation: Final = generation()
        self.options: Final = options
        self.announcer: Final = announcer
        self.endpoints: Final[dict[str, Endpoint]] = {}
        self.context: Final = Context(self.background.loop, self, self.background.spawn)
        self.hooks: Final[Hooks] = self
        self.max_references: Final = options.limits.max_references_per_socket
        self.closed = False
        self._counters: Counter[EventKind] = Counter()
        self._queue: Final = CleanUps(self.background.loop, options.limits.cleanup_concurrency)
        self._pending = 0

    @property
    def process_ended(self) -> bool:
        return self.background.ended

    async def acquire(
        self, location: Location, options: AcquireOptions, trace: str | None, nameless: bool = False
    ) -> ReferenceState:
        """A reference to the socket at a location. `nameless`: its name was generated for it."""
        limits = self.options.limits
        if self._pending >= limits.max_pending_acquires:
            raise _limit_exceeded(
                "maxPendingAcquires", limits.max_pending_acquires, "acquires wait", location.path
            )
        self._pending += 1
        try:
            if nameless and options.server_spec is not None:
                remove_nameless_leftovers(location.directory, self.context)
            with typed(location.path, f"acquire {location.path}"):
                return await self._wait(location, options, trace)
        finally:
            self._pending -= 1

    def share(self, endpoint: Endpoint, trace: str | None) -> ReferenceState | None:
        """Another reference to a socket, if it is still active here."""
        return endpoint.share(trace) if endpoint.live else None

    def clone(self, state: ReferenceState, trace: str | None) -> ReferenceState:
        """Another reference to the same socket."""
        if not state.active:
            raise state.endpoint.closed_error(state.open)
        return state.endpoint.share(trace)

    async def wait_inactive(self, state: ReferenceState, timeout: float | None) -> None:
        """Waits until a reference is inactive, at most so many seconds."""
        loop = self.background.loop
        deadline = None if timeout is None else loop.time() + timeout
        while state.active:
            left = None if deadline is None else deadline - loop.time()
            if left is not None and left <= 0:
                return
            await asyncio.wait([state.endpoint.changed, state.closed(loop)], timeout=left, return_when="FIRST_COMPLETED")

    async def close(self, state: ReferenceState) -> None:
        """Releases a reference, and waits until the release is done."""
        path = state.endpoint.place.path
        with typed(path, f"release {path}"):
            await asyncio.shield(state.endpoint.release(state))

    async def force(self, endpoint: Endpoint) -> None:
        """Ends a socket here, and waits until every file is gone."""
        path = endpoint.place.path
        with typed(path, f"clean up {path}"):
            await asyncio.shield(endpoint.force())

    async def stop_command(self, path: str) -> bool:
        """Ends a socket that a command serves, for all its holders. False if there is none, or this manager may not use it."""
        try:
            location = locate(path, False, self.options.allowed_directories)
        except SocketReferenceError:
            return False
        place = open_place(location)
        try:
            return await stop_command(place)
        finally:
            place.directory.release()

    async def force_all(self) -> list[BaseException]:
        """Ends all sockets here; returns the failures."""
        ends = [asyncio.shield(endpoint.force()) for endpoint in list(self.endpoints.values())]
        outcomes = await asyncio.gather(*ends, return_exceptions=True)
        return [each for each in outcomes if isinstance(each, BaseException)]

    async def inspect(self, path: str) -> SocketInfo | None:
        """The holders of a socket."""
        try:
            with typed(path, f"inspect {path}"):
                place = open_place(locate(path, False, self.options.allowed_directories))
                try:
                    return info_of(place.path, await query(place, INSPECT_TIMEOUT_SECONDS))
                finally:
                    place.directory.release()
        except SocketReferenceError as error:
            if is_missing(error):
                return None
            raise

    def stats(self) -> ManagerStats:
        """The current numbers."""
        return snapshot(self._counters, self.endpoints.values(), self._pending, self._queue)

    def find(self, path: object) -> Endpoint | None:
        """The endpoint of a path. Any thread may call it."""
        # The path rules refuse a value that is not a string.
        found = self.endpoints.get(path) if isinstance(path, str) else None
        if found is not None:
            return found
        try:
            return self.endpoints.get(locate(path, False, None).path)
        except SocketReferenceError as error:
            if is_missing(error):
                return None
            raise

    # What endpoints report.

    def told(self, name: EndpointEvent, endpoint: Endpoint, **more: Any) -> None:
        self._counters[name] += 1
        if not self.announcer.heard:
            return
        references = 0 if name == "lost" else endpoint.references
        event = Event(
            kind=name,
            path=endpoint.place.path,
            references=references,
            role=endpoint.role,
            error=more.get("reason"),
            trace=more.get("trace"),
        )
        self.announcer.tell(event)

    def gone(self, endpoint: Endpoint) -> None:
        path = endpoint.place.path
        # Only if the entry is still this endpoint: its successor may have taken the place.
        if self.endpoints.get(path) is endpoint:
            del self.endpoints[path]
        endpoint.place.directory.release()

    # What the layers below the endpoints report.

    def reclaimed(self, path: str, pid: int | None, names: Sequence[str]) -> None:
        self._counters["reclaimed"] += 1
        self.announcer.tell(Event(kind="reclaimed", path=path, pid=pid, files=tuple(names)))

    def healed(self, path: str, names: Sequence[str]) -> None:
        self._counters["healed"] += 1
        self.announcer.tell(Event(kind="healed", path=path, files=tuple(names)))

    def fault(self, path: str, error: BaseException) -> None:
        self._counters["fault"] += 1
        self.announcer.tell(Event(kind="fault", path=path, error=error))

    def clean_up(self, work: Callable[[], None]) -> Awaitable[None]:
        return self._queue.run(work)

    async def _wait(self, location: Location, options: AcquireOptions, trace: str | None) -> ReferenceState:
        loop = self.background.loop
        deadline = loop.time() + options.timeout
        while True:
            if self.closed:
                raise manager_closed()
            endpoint = self.endpoints.get(location.path) or self._create(location, options)
            if isinstance(endpoint.state, Active):
                endpoint.offer(options.server_spec)
                return endpoint.share(trace)
            waiting = WaiterOptions(
                # At least a moment, so that a call whose time is over gets the error that says what it waited for.
                timeout=max(0.001, deadline - loop.time()),
                total=options.timeout,
                trace=trace,
                can_serve=options.server_spec is not None,
            )
            state = await endpoint.wait(waiting, options.server_spec)
            if isinstance(state, ReferenceState):
                return state

    def _create(self, location: Location, options: AcquireOptions) -> Endpoint:
        limits = self.options.limits
        if len(self.endpoints) >= limits.max_sockets:
            raise _limit_exceeded("maxSockets", limits.max_sockets, "sockets are in use", location.path)
        settings = options.settings(limits, self.options.heal_interval)
        endpoint = Endpoint(open_place(location), settings, options.server_spec, self)
        self.endpoints[location.path] = endpoint
        return endpoint


def manager_closed() -> SocketReferenceError:
    """The error of a manager that was closed."""
    return SocketReferenceError("ERR_SOCKREF_CLOSED", "This manager was closed; use another one", reason="closed")


def _limit_exceeded(limit: str, maximum: int, what: str, path: str) -> SocketReferenceError:
    message = f"{maximum} {what}, and {limit} allows no more; release some, or raise the limit"
    return SocketReferenceError("ERR_SOCKREF_LIMIT_EXCEEDED", message, path=path, limit=limit, max=maximum)
