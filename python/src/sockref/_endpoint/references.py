"""The references of one endpoint in this manager: their number, and why they ended."""

from __future__ import annotations

from ..errors import SocketReferenceError
from .reasons import belongs_to_parent, closed_by_user, process_ends


class References:
    """Any thread may read `count`, and call `closed_error`."""

    def __init__(self) -> None:
        self.count = 0
        self._reason: SocketReferenceError | None = None
        """Why they ended, if their users did not close them."""

    def add(self) -> None:
        self.count += 1

    def remove(self) -> None:
        self.count -= 1

    def end(self, reason: SocketReferenceError) -> None:
        """Ends all references."""
        self._reason = reason

    def closed_error(self, path: str, inherited: bool, process_ended: bool) -> SocketReferenceError:
        """The error for using an ended reference that its user did not close.

        `inherited`: it belongs to a process from which this one was forked.
        """
        if inherited:
            return belongs_to_parent(path)
        reason = self._reason
        if reason:
            return reason.again()
        return process_ends(path) if process_ended else closed_by_user(path)
