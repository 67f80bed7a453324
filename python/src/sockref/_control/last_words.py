"""The last messages of an owner on a control connection."""

from __future__ import annotations

import os
from typing import Any

from .._protocol.constants import PROTOCOL_VERSION
from ..errors import SocketReferenceError
from .failure import failure_of
from .messages import MalformedMessage


def bye_answer(last: bool, failure: SocketReferenceError | None) -> dict[str, Any]:
    """The answer to a `bye`, or to a `stop`."""
    message: dict[str, Any] = {"type": "bye", "last": last}
    if failure is not None:
        message["failed"] = failure_of(failure)
    return message


def refusal(malformed: MalformedMessage) -> dict[str, Any] | None:
    """Tells a peer of another version about that. For any other malformed message there is no answer."""
    if malformed.theirs is None:
        return None
    return {
        "type": "failed",
        "code": "ERR_SOCKREF_PROTOCOL",
        "message": f"The owner (pid {os.getpid()}) speaks protocol version {PROTOCOL_VERSION}, and the member "
        f"{malformed.theirs}",
        # `ours` and `theirs` from the member's point of view.
        "detail": {"ours": malformed.theirs, "theirs": PROTOCOL_VERSION},
    }
