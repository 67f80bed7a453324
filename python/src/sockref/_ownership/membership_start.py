"""What a membership needs to start, and its first message."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from .._files.file_end import OutputPlace
from .._files.place import Place
from .._protocol.constants import PROTOCOL_VERSION
from .lease import Context, LeaseEvents
from .settings import OwnerSettings

if TYPE_CHECKING:
    from .membership import Membership

NotAttached = Literal["stopping", "closed"]
"""Why an attempt to attach gave no lease: the owner is ending, or did not answer as an owner."""


@dataclass(frozen=True, slots=True)
class MembershipStart:
    """`references`: those here, including pending acquires.

    `starting` is called when there is an owner whose server is not up yet, with the place of its output, if known. `accept`
    is called in the turn in which the server is known to be up.
    """

    place: Place
    settings: OwnerSettings
    context: Context
    events: LeaseEvents
    references: int
    can_serve: bool
    starting: Callable[[OutputPlace | None], None]
    accept: Callable[[Membership], None]


def hello_of(start: MembershipStart) -> dict[str, Any]:
    """The first message of a member."""
    label = start.settings.label
    return {
        "type": "hello",
        "v": PROTOCOL_VERSION,
        "pid": os.getpid(),
        **({} if label is None else {"label": label}),
        "references": start.references,
        "canServe": start.can_serve,
    }
