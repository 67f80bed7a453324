"""A member, as its owner sees it: one control connection, and its number of references."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field

from .._control.channel import Channel
from .._protocol.messages import Hello, Holder


@dataclass(eq=False, slots=True)
class AttachedMember:
    """`references` is changed only together with the sum of all references."""

    channel: Channel
    hello: Hello
    since: int = field(default_factory=lambda: int(time.time() * 1000))
    references: int = 0
    key: str = field(default_factory=lambda: secrets.token_hex(8))
    """The key that its anchor names."""
    anchor: Channel | None = None
    """A connection that another process inherited from the member. Through it the references count after the member has
    died."""
    survived: bool = False
    """Its own connection has ended, and only the anchor is left."""
    update_pending: bool = False
    """The newest count waits until the member has read the one before."""

    def describe(self) -> Holder:
        """The member, as a holder in listings."""
        hello = self.hello
        return describe(
            hello["pid"], self.references, self.since, hello["canServe"], hello.get("label"), hello.get("thread")
        )


def describe(
    pid: int, references: int, since: int, can_serve: bool, label: str | None, thread: int | None = None
) -> Holder:
    """A holder, as listings show it."""
    holder: Holder = {"pid": pid, "references": references, "since": since, "canServe": can_serve}
    if thread is not None:
        holder["thread"] = thread
    if label is not None:
        holder["label"] = label
    return holder
