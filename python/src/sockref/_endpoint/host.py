"""What an endpoint needs from its manager."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

from .._ownership.lease import Context, Hooks

if TYPE_CHECKING:
    from .endpoint import Endpoint

EndpointEvent = Literal["started", "stopped", "acquired", "released", "failover", "lost", "leak"]


class EndpointHost(Protocol):
    """The manager, as its endpoints see it."""

    @property
    def context(self) -> Context: ...

    @property
    def hooks(self) -> Hooks: ...

    @property
    def max_references(self) -> int: ...

    @property
    def process_ended(self) -> bool: ...

    def told(self, name: EndpointEvent, endpoint: Endpoint, **more: Any) -> None:
        """An event of the endpoint."""
        ...

    def gone(self, endpoint: Endpoint) -> None:
        """The endpoint is over. The next acquire of its path needs a new one."""
        ...
