"""One counted reference, as the endpoint sees it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .endpoint import Endpoint


class ReferenceState:
    """The user's handle points to it, never the other way round, so that a dropped handle can be collected."""

    __slots__ = ("_closed", "closing", "endpoint", "open", "trace")

    def __init__(self, endpoint: Endpoint, trace: str | None) -> None:
        self.endpoint: Final = endpoint
        self.trace: Final = trace
        """Where it was acquired, if leaks are traced."""
        self.open = True
        self.closing: asyncio.Future[None] | None = None
        """Done when the release of this reference is done; None before it is closed."""
        self._closed: asyncio.Future[None] | None = None

    @property
    def active(self) -> bool:
        """Whether the reference counts."""
        return self.open and self.endpoint.live

    def closed(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[None]:
        """Done when its user has closed it. Only the background thread may call it."""
        if self._closed is None:
            self._closed = loop.create_future()
            if not self.open:
                self._closed.set_result(None)
        return self._closed

    def close(self) -> None:
        """Its user closes it."""
        self.open = False
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(None)
