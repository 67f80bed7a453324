"""Makes the owner of an endpoint check its files, by asking it for its holders."""

from __future__ import annotations

import math
from typing import Final

from .._control.inspect import ask
from .._files.place import Place
from .._protocol.constants import REPAIR_ANSWER_SECONDS, REPAIR_REQUEST_PAUSE_SECONDS
from .._system_errors import system_error
from .lease import Context
from .reasons import not_listening


class RepairRequests:
    """They are not awaited: the client tries again in any case, and an owner may be slow to answer."""

    def __init__(self, place: Place, context: Context) -> None:
        self._place: Final = place
        self._context: Final = context
        self._again_at = -math.inf
        self._problem: str | None = None
        """Why clients cannot connect to the server, by the owner's last answer."""

    def send(self) -> None:
        """Asks, unless it asked a moment ago."""
        now = self._context.loop.time()
        if now < self._again_at:
            return
        self._again_at = now + REPAIR_REQUEST_PAUSE_SECONDS
        self._context.spawn(self._ask())

    async def _ask(self) -> None:
        place, hooks = self._place, self._context.hooks
        try:
            holders = await ask(place, REPAIR_ANSWER_SECONDS)
        except Exception as error:
            hooks.fault(place.path, system_error(error, place.path, f"ask the owner of {place.path}"))
            return
        server = holders.get("server") if holders else None
        problem = server.get("problem") if server else None
        # A server that runs but cannot be reached is reported once.
        if server and problem is not None and self._problem is None:
            hooks.fault(place.path, not_listening(place.path, server.get("pid"), problem))
        self._problem = problem
