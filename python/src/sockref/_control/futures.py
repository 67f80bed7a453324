"""Functions that asyncio's futures lack."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


def done_future(loop: asyncio.AbstractEventLoop) -> asyncio.Future[None]:
    """A future that is done."""
    future: asyncio.Future[None] = loop.create_future()
    future.set_result(None)
    return future


def follow(source: asyncio.Future[None], target: asyncio.Future[None]) -> None:
    """Ends a future as another one ends."""

    def pass_on(done: asyncio.Future[None]) -> None:
        error = outcome(done)
        if target.done():
            return
        if error is None:
            target.set_result(None)
        else:
            target.set_exception(error)

    source.add_done_callback(pass_on)


def when_done(future: asyncio.Future[None], call: Callable[[BaseException | None], None]) -> None:
    """Calls with the error that a future ended in, or None."""
    future.add_done_callback(lambda done: call(outcome(done)))


def outcome(future: asyncio.Future[None]) -> BaseException | None:
    """The error of a future that is done; None if it was cancelled."""
    return None if future.cancelled() else future.exception()
