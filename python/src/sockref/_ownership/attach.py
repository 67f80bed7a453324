"""Attaches a claim to the owner of its endpoint."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Literal

from .._control.to_owner import connect_to_owner
from .._files.place import Place
from ..errors import SocketReferenceError
from .claim_request import Claim
from .membership import Membership
from .membership_start import MembershipStart, NotAttached
from .reasons import is_without_directory
from .wait_reason import WaitReason, owner_to_answer

Attachment = Literal["attached", "no-owner"] | NotAttached
"""The outcome of an attempt to attach; `no-owner` if no owner accepted a connection."""


async def attach_to_other(request: Claim) -> Attachment:
    """Attaches to an owner that another process started. A claim that can serve does not fail because of its starter."""
    try:
        return await attach(request)
    except SocketReferenceError as error:
        if request.claimant.server_spec() is None or not is_without_directory(error):
            raise
        return "closed"


async def attach(request: Claim, accept: Callable[[Membership], None] | None = None) -> Attachment:
    """Attaches to the owner, if there is one. `accept` gets the membership in the place of the claimant."""
    sock = connect_control(request.place)
    if sock is None:
        return "no-owner"
    claimant = request.claimant
    claimant.waits_for(owner_to_answer(request.place))
    start = MembershipStart(
        place=request.place,
        settings=request.settings,
        context=request.context,
        events=request.events,
        references=claimant.references(),
        can_serve=claimant.server_spec() is not None,
        starting=lambda output: claimant.waits_for(WaitReason("the server to become ready", output=output)),
        accept=accept or claimant.accept,
    )
    return await Membership.attach(sock, start) or "attached"


def connect_control(place: Place) -> socket.socket | None:
    """Connects to the control socket. None if there is no owner, or its queue is full; the lock then tells which."""
    sock = connect_to_owner(place, f"connect to the owner of {place.path}")
    return None if isinstance(sock, str) else sock
