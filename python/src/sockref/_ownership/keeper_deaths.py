"""Counts keepers, started by this process for one endpoint, that died soon after their server was up."""

from __future__ import annotations

from .._protocol.constants import STABLE_AFTER_SECONDS


class KeeperDeaths:
    """Counts the deaths in a row."""

    def __init__(self) -> None:
        self._in_row = 0
        self._up_since: float | None = None

    @property
    def in_row(self) -> int:
        return self._in_row

    def up(self, now: float) -> None:
        """Called when the server of a keeper that we started is up."""
        self._up_since = now

    def owner_lost(self, now: float) -> None:
        """Called when the owner was lost. It counts only if it was a keeper that we started."""
        if self._up_since is None:
            return
        self._in_row = self._in_row + 1 if now - self._up_since < STABLE_AFTER_SECONDS else 0
        self._up_since = None
