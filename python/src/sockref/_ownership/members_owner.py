"""What the members of an endpoint need from its owner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol

from .._protocol.messages import Holder
from ..errors import SocketReferenceError

ByeAnswer = Callable[[bool, SocketReferenceError | None], None]
"""Answers a `bye`; with a failure, if the end that it waited for left something behind."""


class MembersOwner(Protocol):
    """The owner of an endpoint, as its members see it."""

    @property
    def stage(self) -> Literal["starting", "ready", "stopping"]:
        """The owner's phase: new members are welcomed, or told to start over."""
        ...

    def changed(self) -> None:
        """The total has changed. May switch to stopping in this turn."""
        ...

    def left(self, answer: ByeAnswer) -> None:
        """A member has released its last reference. Answer now, or later, when every file is removed."""
        ...

    def describe(self, members: list[Holder], more: int) -> dict[str, Any]: ...

    def stop_requested(self, force: bool) -> None: ...

    def fault(self, error: BaseException) -> None: ...
