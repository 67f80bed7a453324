"""Control messages: their types, and how they are checked.

Made from protocol.json by scripts/protocol.mjs; change that, and run `npm run protocol`.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NotRequired, TypedDict

from .constants import MAX_LABEL_LENGTH, PROTOCOL_VERSION
from .shapes import Optional, Shape, at_least, at_most, equal_to, flag, list_of, object_of, one_of, scalars, text

WelcomeState = Literal["starting", "ready"]
"""The state of the server."""

State = Literal["starting", "active", "lingering", "stopping"]
"""The state of the owner."""

ProcessState = Literal["starting", "running", "restarting"]
"""The state of a keeper's server."""


Output = TypedDict("Output", {"file": str, "from": int})
"""Where the output of a server is."""


class Failure(TypedDict):
    """An error."""

    code: str
    message: str
    detail: NotRequired[dict[str, Any]]


class Holder(TypedDict):
    """A holder of references."""

    pid: int
    thread: NotRequired[int]
    label: NotRequired[str]
    references: int
    since: int
    canServe: bool


class ServerState(TypedDict):
    """The command that a keeper runs as the server."""

    pid: NotRequired[int]
    command: str
    argv: NotRequired[list[str]]
    state: ProcessState
    restarts: int
    waiting: NotRequired[bool]
    noLog: NotRequired[str]
    output: NotRequired[Output]
    problem: NotRequired[str]


class Hello(TypedDict):
    """Attaches the member: from here on its references count. Once per connection."""

    type: Literal["hello"]
    v: int
    pid: int
    thread: NotRequired[int]
    label: NotRequired[str]
    references: int
    canServe: bool


class References(TypedDict):
    """The member's count has changed. A number above the `maxReferences` of `welcome`, or one that makes the
    total inexact, ends the connection."""

    type: Literal["references"]
    n: int


class Bye(TypedDict):
    """The member's last reference is closed; answered by `bye`."""

    type: Literal["bye"]


class Who(TypedDict):
    """Asks for the holders; answered by `holders`. Needs no `hello`."""

    type: Literal["who"]


class Stop(TypedDict):
    """Ends the endpoint when it is unused, without lingering; with `force`, now. Answered by `bye` when it has
    ended. Needs no `hello`."""

    type: Literal["stop"]
    force: bool


class Anchor(TypedDict):
    """The only message on a connection of its own, which becomes this member's [anchor](#anchors)."""

    type: Literal["anchor"]
    key: str


class Welcome(TypedDict):
    """Attached."""

    type: Literal["welcome"]
    v: int
    pid: int
    state: WelcomeState
    total: int
    members: int
    dependents: int
    yours: int
    maxReferences: int
    stopTimeoutMs: NotRequired[int]
    output: NotRequired[Output]
    anchor: NotRequired[str]


class Ready(TypedDict):
    """The server is up; sent to members whose `welcome` had the state `starting`, because it was being started
    or restarted."""

    type: Literal["ready"]


class Count(TypedDict):
    """The counts have changed."""

    type: Literal["count"]
    total: int
    members: int
    dependents: int
    yours: int


class Anchored(TypedDict):
    """The answer to `anchor`, and the last message on that connection: from here on the member's references
    count as long as it is open."""

    type: Literal["anchored"]


class Unanchored(TypedDict):
    """Tells a member that its anchor has ended."""

    type: Literal["unanchored"]


class Failed(TypedDict):
    """The member is not attached, or no longer. The acquire or the references end with this error; only the
    fields of `detail` that belong to the code count. The connection closes. `ERR_SOCKREF_SERVER_FAILED` with
    the `reason` `directory` concerns the member that started the keeper: another member that can serve claims
    the endpoint instead."""

    type: Literal["failed"]
    code: str
    message: str
    detail: NotRequired[dict[str, Any]]


class Stopping(TypedDict):
    """The member is too late and begins again at Claim. With `force`, the endpoint was ended for all holders:
    the references end, and so does the wait of members that were welcomed before the server was ready."""

    type: Literal["stopping"]
    force: NotRequired[bool]


class ByeAnswer(TypedDict):
    """The member is released. `last` says that the endpoint has ended and that every file is removed; `failed`,
    that it has ended, and what could not be ended or removed."""

    type: Literal["bye"]
    last: bool
    failed: NotRequired[Failure]


class Holders(TypedDict):
    """Who holds it."""

    type: Literal["holders"]
    state: State
    owner: Holder
    server: NotRequired[ServerState]
    members: list[Holder]
    more: int
    total: int
    since: int


OUTPUT: Final[Shape] = {
    "file": text,
    "from": at_least(0),
}

FAILURE: Final[Shape] = {
    "code": text,
    "message": text,
    "detail": Optional(scalars),
}

HOLDER: Final[Shape] = {
    "pid": at_least(1),
    "thread": Optional(at_least(0)),
    "label": Optional(at_most(MAX_LABEL_LENGTH)),
    "references": at_least(0),
    "since": at_least(0),
    "canServe": flag,
}

SERVER: Final[Shape] = {
    "pid": Optional(at_least(1)),
    "command": text,
    "argv": Optional(list_of(text)),
    "state": one_of("starting", "running", "restarting"),
    "restarts": at_least(0),
    "waiting": Optional(flag),
    "noLog": Optional(text),
    "output": Optional(object_of(OUTPUT)),
    "problem": Optional(text),
}

ToOwner = Hello | References | Bye | Who | Stop | Anchor
"""What a member, or a process that only asks, sends to the owner."""

TO_OWNER_SHAPES: Final[dict[str, Shape]] = {
    "hello": {
        "v": equal_to(PROTOCOL_VERSION),
        "pid": at_least(1),
        "thread": Optional(at_least(0)),
        "label": Optional(at_most(MAX_LABEL_LENGTH)),
        "references": at_least(1),
        "canServe": flag,
    },
    "references": {
        "n": at_least(1),
    },
    "bye": {},
    "who": {},
    "stop": {
        "force": flag,
    },
    "anchor": {
        "key": text,
    },
}

ToMember = Welcome | Ready | Count | Anchored | Unanchored | Failed | Stopping | ByeAnswer | Holders
"""What the owner sends."""

TO_MEMBER_SHAPES: Final[dict[str, Shape]] = {
    "welcome": {
        "v": equal_to(PROTOCOL_VERSION),
        "pid": at_least(1),
        "state": one_of("starting", "ready"),
        "total": at_least(0),
        "members": at_least(0),
        "dependents": at_least(0),
        "yours": at_least(0),
        "maxReferences": at_least(1),
        "stopTimeoutMs": Optional(at_least(0)),
        "output": Optional(object_of(OUTPUT)),
        "anchor": Optional(text),
    },
    "ready": {},
    "count": {
        "total": at_least(0),
        "members": at_least(0),
        "dependents": at_least(0),
        "yours": at_least(0),
    },
    "anchored": {},
    "unanchored": {},
    "failed": {
        "code": text,
        "message": text,
        "detail": Optional(scalars),
    },
    "stopping": {
        "force": Optional(flag),
    },
    "bye": {
        "last": flag,
        "failed": Optional(object_of(FAILURE)),
    },
    "holders": {
        "state": one_of("starting", "active", "lingering", "stopping"),
        "owner": object_of(HOLDER),
        "server": Optional(object_of(SERVER)),
        "members": list_of(object_of(HOLDER)),
        "more": at_least(0),
        "total": at_least(0),
        "since": at_least(0),
    },
}
