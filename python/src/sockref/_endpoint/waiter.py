"""An acquire that waits for its endpoint. It has one outcome: a reference, an error, or the advice to start over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from .._control.unresponsive import unresponsive
from .._files.file_end import end_of
from .._ownership.wait_reason import WaitReason
from ..errors import SocketReferenceError
from .reference_state import ReferenceState

Result = ReferenceState | Literal["start-over"]


@dataclass(frozen=True, slots=True)
class WaiterOptions:
    """Settings of a waiting acquire: the seconds that are left, and those that the caller allowed."""

    timeout: float
    total: float
    trace: str | None
    can_serve: bool


class Waiter:
    """`given_up` is called when its time is over."""

    def __init__(
        self,
        path: str,
        options: WaiterOptions,
        loop: asyncio.AbstractEventLoop,
        waits_for: Callable[[], WaitReason],
        given_up: Callable[[Waiter], None],
    ) -> None:
        self.options: Final = options
        self.outcome: Final[asyncio.Future[Result]] = loop.create_future()
        self._path: Final = path
        self._wait_reason: Final = waits_for
        self._given_up: Final = given_up
        self._timer: Final = loop.call_later(options.timeout, self._late)

    def resolve(self, result: Result) -> None:
        self._timer.cancel()
        if not self.outcome.done():
            self.outcome.set_result(result)

    def reject(self, error: BaseException) -> None:
        self._timer.cancel()
        if not self.outcome.done():
            self.outcome.set_exception(error.again() if isinstance(error, SocketReferenceError) else error)

    def _late(self) -> None:
        self.reject(_timeout_error(self._path, self.options.total, self._wait_reason()))
        self._given_up(self)


def _timeout_error(path: str, timeout: float, waits_for: WaitReason) -> SocketReferenceError:
    """The error of an acquire whose time is over. A living owner that does not answer has a code of its own."""
    waiting_for, pid = waits_for.waiting_for, waits_for.pid
    if pid is not None:
        what = f"holds its lock but did not answer within {timeout:g} s (waiting for {waiting_for})"
        return unresponsive(path, what, timeout, pid, waits_for.start)
    return SocketReferenceError(
        "ERR_SOCKREF_TIMEOUT",
        f"{path} was not acquired within {timeout:g} s; it was waiting for {waiting_for}; pass a longer timeout if that "
        "is to be expected",
        path=path,
        timeout=timeout,
        waiting_for=waiting_for,
        stderr=(end_of(waits_for.output) or None) if waits_for.output else None,
    )
