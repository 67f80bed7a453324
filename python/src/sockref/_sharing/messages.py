"""Control messages: what each has to look like. Everything that is received goes through here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NotRequired, TypedDict, cast

from .._files.json_text import is_list, is_object, read_json, whole_number
from .._files.record import PROTOCOL_VERSION

MAX_LABEL_LENGTH: Final = 200
"""Characters that a label may have, in UTF-16 code units."""


class Hello(TypedDict):
    type: Literal["hello"]
    v: int
    pid: int
    thread: NotRequired[int]
    label: NotRequired[str]
    references: int
    canServe: bool


class References(TypedDict):
    type: Literal["references"]
    n: int


class Bye(TypedDict):
    type: Literal["bye"]


class Who(TypedDict):
    type: Literal["who"]


class Stop(TypedDict):
    type: Literal["stop"]
    force: bool


class Anchor(TypedDict):
    """The first and only message on an anchor: a connection that does nothing but be open."""

    type: Literal["anchor"]
    key: str


ToOwner = Hello | References | Bye | Who | Stop | Anchor
"""What a member, or anybody who asks, sends to the owner."""


# `from` is a word of the language.
Output = TypedDict("Output", {"file": str, "from": int})
"""Where the output of a server that is not up is, and where in the file it begins."""


class Welcome(TypedDict):
    type: Literal["welcome"]
    v: int
    pid: int
    state: Literal["starting", "ready"]
    total: int
    members: int
    dependents: int
    yours: int
    maxReferences: int
    stopTimeoutMs: NotRequired[int]
    output: NotRequired[Output]
    anchor: NotRequired[str]


class Ready(TypedDict):
    type: Literal["ready"]


class Failed(TypedDict):
    type: Literal["failed"]
    code: str
    message: str
    detail: NotRequired[dict[str, str | int | float | bool]]


class Stopping(TypedDict):
    type: Literal["stopping"]
    force: NotRequired[bool]


class Count(TypedDict):
    type: Literal["count"]
    total: int
    members: int
    dependents: int
    yours: int


class Anchored(TypedDict):
    """The last word on an anchor: from here on the member's references count as long as it is open."""

    type: Literal["anchored"]


class Unanchored(TypedDict):
    """To the member: nobody has its anchor open any more."""

    type: Literal["unanchored"]


class Failure(TypedDict):
    code: str
    message: str
    detail: NotRequired[dict[str, str | int | float | bool]]


class Farewell(TypedDict):
    type: Literal["bye"]
    last: bool
    failed: NotRequired[Failure]
    """The endpoint has ended, and something of it is left."""


class Holder(TypedDict):
    pid: int
    thread: NotRequired[int]
    label: NotRequired[str]
    references: int
    since: int
    canServe: bool


class ServerState(TypedDict):
    pid: NotRequired[int]
    command: str
    argv: NotRequired[list[str]]
    state: Literal["starting", "running", "restarting"]
    restarts: int
    waiting: NotRequired[bool]
    noLog: NotRequired[str]
    output: NotRequired[Output]
    problem: NotRequired[str]


State = Literal["starting", "active", "lingering", "stopping"]


class Holders(TypedDict):
    type: Literal["holders"]
    state: State
    owner: Holder
    server: NotRequired[ServerState]
    members: list[Holder]
    more: int
    total: int
    since: int


ToMember = Welcome | Ready | Failed | Stopping | Count | Anchored | Unanchored | Farewell | Holders
"""What the owner sends."""


class MalformedMessage(Exception):
    """A message that cannot be understood; `theirs` is set when it is of another version."""

    def __init__(self, message: str, theirs: int | None = None) -> None:
        super().__init__(message)
        self.theirs = theirs


class _Wrong(Exception):
    """A value that is not of its kind; the words say what it has to be."""


_Check = Callable[[Any], Any]
"""Returns the value as it is to be understood, or raises _Wrong."""


def _at_least(minimum: int) -> _Check:
    def check(value: Any) -> int:
        number = whole_number(value)
        if number is None or number < minimum:
            raise _Wrong(f"a whole number from {minimum}")
        return number

    return check


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _Wrong("a string")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Wrong("true or false")
    return value


def _one_of(*allowed: str) -> _Check:
    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise _Wrong(" or ".join(allowed))
        return value

    return check


def _label(value: Any) -> str:
    text = _text(value)
    if label_length(text) > MAX_LABEL_LENGTH:
        raise _Wrong(f"at most {MAX_LABEL_LENGTH} characters")
    return text


def label_length(text: str) -> int:
    """The length of a text in UTF-16 code units, in which the protocol counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _version(value: Any) -> int:
    if whole_number(value) != PROTOCOL_VERSION:
        raise _Wrong(f"version {PROTOCOL_VERSION}")
    return PROTOCOL_VERSION


def _detail(value: Any) -> dict[str, Any]:
    if not is_object(value) or not all(isinstance(each, (str, bool, int, float)) for each in value.values()):
        raise _Wrong("an object of strings, numbers and booleans")
    return value


class _Optional:
    """A field that need not be there."""

    def __init__(self, check: _Check) -> None:
        self.check = check


_Shape = Mapping[str, _Check | _Optional]

_count, _positive = _at_least(0), _at_least(1)


def _shaped(shape: _Shape) -> _Check:
    def check(value: Any) -> dict[str, Any]:
        if not is_object(value):
            raise _Wrong("an object")
        return _read(value, shape)

    return check


def _list_of(check: _Check) -> _Check:
    def check_all(value: Any) -> list[Any]:
        if not is_list(value):
            raise _Wrong("a list")
        return [check(each) for each in value]

    return check_all


_FAILURE: _Shape = {"code": _text, "message": _text, "detail": _Optional(_detail)}

_NUMBERS: _Shape = {"total": _count, "members": _count, "dependents": _count, "yours": _count}

_HOLDER = _shaped(
    {
        "pid": _positive,
        "thread": _Optional(_count),
        "label": _Optional(_label),
        "references": _count,
        "since": _count,
        "canServe": _flag,
    }
)

_OUTPUT = _shaped({"file": _text, "from": _count})

_SERVER = _shaped(
    {
        "pid": _Optional(_positive),
        "command": _text,
        "argv": _Optional(_list_of(_text)),
        "state": _one_of("starting", "running", "restarting"),
        "restarts": _count,
        "waiting": _Optional(_flag),
        "noLog": _Optional(_text),
        "output": _Optional(_OUTPUT),
        "problem": _Optional(_text),
    }
)

_TO_OWNER: Mapping[str, _Shape] = {
    "hello": {
        "v": _version,
        "pid": _positive,
        "thread": _Optional(_count),
        "label": _Optional(_label),
        "references": _positive,
        "canServe": _flag,
    },
    "references": {"n": _positive},
    "bye": {},
    "who": {},
    "stop": {"force": _flag},
    "anchor": {"key": _text},
}

_TO_MEMBER: Mapping[str, _Shape] = {
    "welcome": {
        "v": _version,
        "pid": _positive,
        "state": _one_of("starting", "ready"),
        **_NUMBERS,
        "maxReferences": _positive,
        "stopTimeoutMs": _Optional(_count),
        "output": _Optional(_OUTPUT),
        "anchor": _Optional(_text),
    },
    "ready": {},
    "failed": _FAILURE,
    "stopping": {"force": _Optional(_flag)},
    "count": _NUMBERS,
    "anchored": {},
    "unanchored": {},
    "bye": {"last": _flag, "failed": _Optional(_shaped(_FAILURE))},
    "holders": {
        "state": _one_of("starting", "active", "lingering", "stopping"),
        "owner": _HOLDER,
        "server": _Optional(_SERVER),
        "members": _list_of(_HOLDER),
        "more": _count,
        "total": _count,
        "since": _count,
    },
}


def parse_to_owner(line: str) -> ToOwner:
    """Reads a message that a member sent."""
    return cast(ToOwner, _parse(_TO_OWNER, line))


def parse_to_member(line: str) -> ToMember:
    """Reads a message that an owner sent."""
    return cast(ToMember, _parse(_TO_MEMBER, line))


def _parse(shapes: Mapping[str, _Shape], line: str) -> dict[str, Any]:
    try:
        value = read_json(line)
    except ValueError as error:
        raise MalformedMessage("a message that is not JSON") from error
    try:
        if not is_object(value):
            raise _Wrong("the message must be an object")
        kind = value.get("type")
        if not isinstance(kind, str) or kind not in shapes:
            raise _Wrong("type: a type that is not known")
        return {"type": kind, **_read(value, shapes[kind])}
    except _Wrong as wrong:
        theirs = whole_number(value.get("v")) if is_object(value) else None
        if theirs is not None and theirs != PROTOCOL_VERSION:
            raise MalformedMessage(f"a message of protocol version {theirs}", theirs) from wrong
        raise MalformedMessage(f"a malformed message: {wrong}") from wrong


def _read(value: dict[str, Any], shape: _Shape) -> dict[str, Any]:
    """The fields of a shape; others are ignored."""
    found: dict[str, Any] = {}
    for name, rule in shape.items():
        if isinstance(rule, _Optional):
            if name not in value:
                continue
            rule = rule.check
        elif name not in value:
            raise _Wrong(f"{name} is missing")
        try:
            found[name] = rule(value[name])
        except _Wrong as wrong:
            raise _Wrong(f"{name}: expected {wrong}") from wrong
    return found
