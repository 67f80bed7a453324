"""Tells the owner how many references a member has."""

from __future__ import annotations

import asyncio
from typing import Final, Literal

from .._control.channel import Channel


class CountSender:
    """It sends the newest number, at most once a turn, and only after the owner has read the one before (I7).

    `told`: the number in the hello.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, channel: Channel, told: int) -> None:
        self._loop: Final = loop
        self._channel: Final = channel
        self._references = self._told = told
        self._state: Literal["idle", "scheduled", "waiting", "stopped"] = "idle"

    def update(self, references: int) -> None:
        """The number has changed."""
        self._references = references
        if self._state == "idle":
            self._state = "scheduled"
            self._loop.call_soon(self._send)

    def stop(self) -> None:
        """Sends no number any more."""
        self._state = "stopped"

    def _send(self) -> None:
        if self._state == "stopped":
            return
        self._state = "idle"
        if self._references == self._told:
            return
        if self._channel.backed_up:
            self._state = "waiting"
            self._channel.when_read(self._send)
            return
        self._told = self._references
        self._channel.send({"type": "references", "n": self._references})
