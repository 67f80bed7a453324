"""The phases of an owner."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Starting:
    """Nothing is published yet."""


@dataclass(frozen=True, slots=True)
class Serving:
    """It is up."""


@dataclass(frozen=True, slots=True)
class Lingering:
    """There is no reference, and it waits a while for one. `settling`: it waits for the members of its predecessor."""

    timer: asyncio.TimerHandle
    settling: asyncio.Future[None] | None

    def over(self) -> None:
        self.timer.cancel()
        if self.settling is not None and not self.settling.done():
            self.settling.set_result(None)


@dataclass(frozen=True, slots=True)
class Ending:
    """New members are not welcomed any more. `done`: every file is removed."""

    done: asyncio.Future[None]


@dataclass(frozen=True, slots=True)
class Deposed:
    """Another process is the owner."""


Phase = Starting | Serving | Lingering | Ending | Deposed
