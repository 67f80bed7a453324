"""A member, as its owner knows it: one control connection, and how many references it has."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field

from .._control.channel import Channel
from .._protocol.messages import Hello, Holder


@dataclass(eq=False, slots=True)
class AttachedMember:
    """`references` changes only where the sum of all is kept, too."""

    channel: Channel
    hello: Hello
    since: int = field(default_factory=lambda: int(time.time() * 1000))
    references: int = 0
    key: str = field(default_factory=lambda: secrets.token_hex(8))
    """What its anchor names."""
    anchor: Channel | None = None
    """A connection that another process inherited from it, by which its references count when the member itself has died."""
    survived: bool = False
    """Its own connection is over, and only the anchor is left."""
    update_pending: bool = False
    """The newest count waits until the peer has read the one before."""

    def describe(self) -> Holder:
        """It, in a listing."""
        hello = self.hello
        return describe(
            hello["pid"], self.references, self.since, hello["canServe"], hello.get("label"), hello.get("thread")
        )


def describe(
    pid: int, references: int, since: int, can_serve: bool, label: str | None, thread: int | None = None
) -> Holder:
    """A holder in a listing."""
    holder: Holder = {"pid": pid, "references": references, "since": since, "canServe": can_serve}
    if thread is not None:
        holder["thread"] = thread
    if label is not None:
        holder["label"] = label
    return holder
