"""Where an owner stands in its life."""

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
    """There is no reference, and it waits a while for one; `settling` for those who depended on a predecessor."""

    timer: asyncio.TimerHandle
    settling: asyncio.Future[None] | None

    def over(self) -> None:
        self.timer.cancel()
        if self.settling is not None and not self.settling.done():
            self.settling.set_result(None)


@dataclass(frozen=True, slots=True)
class Ending:
    """No member can be welcomed any more; `done` when every file is gone."""

    done: asyncio.Future[None]


@dataclass(frozen=True, slots=True)
class Deposed:
    """Another process is owner by now."""


Phase = Starting | Serving | Lingering | Ending | Deposed
