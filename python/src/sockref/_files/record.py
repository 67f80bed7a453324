"""The record of an owner: lines of JSON in its lock file. Each line is written before what it names exists."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .._protocol.constants import MAX_RECORD_BYTES, PROTOCOL_VERSION, RECORD_MAGIC
from .._protocol.json_text import is_object, read_json, write_json
from .._protocol.record import HEADER_LINE, PUBLISHED_LINE, SERVER_LINE, STOPPING_LINE, TEMPORARY_LINE
from .._protocol.shapes import fields_if
from ..errors import SocketReferenceError
from .identity import Identity
from .platform import process_start


@dataclass(frozen=True, slots=True)
class Published:
    """A socket file that was published under a name."""

    name: str
    file: Identity


@dataclass(frozen=True, slots=True)
class RecordedServer:
    """The processes of a server that a keeper ran, and how to end them.

    `pgid`: their group. Its number is the pid of the server. `start`: when the server started, in the kernel's ticks.
    `leash`: a socket that they inherit; it leads to those that left the group. `grace_ms`: milliseconds until it is killed.
    """

    pgid: int
    start: str | None
    leash: str | None
    signal: str
    grace_ms: float


@dataclass(slots=True)
class OwnerRecord:
    """What a record says. It never decides whether an owner is alive."""

    version: int
    pid: int
    start: str | None
    since: float
    published: list[Published] = field(default_factory=list[Published])
    temporaries: list[str] = field(default_factory=list[str])
    servers: list[RecordedServer] = field(default_factory=list[RecordedServer])
    stopping: bool = False


def parse_record(text: str) -> OwnerRecord | None:
    """Reads a record from the text of a lock file. Skips torn and foreign lines; None without a header."""
    header: OwnerRecord | None = None
    body = OwnerRecord(0, 0, None, 0)
    # The text after the last newline is torn: its writer was stopped in the middle.
    for line in text.split("\n")[:-1]:
        try:
            value = read_json(line)
        except ValueError:
            continue
        if is_object(value):
            header = _header(value) or header
            _read_entry(value, body)
    if header is None:
        return None
    header.published, header.temporaries = body.published, body.temporaries
    header.servers, header.stopping = body.servers, body.stopping
    return header


def _header(value: dict[str, Any]) -> OwnerRecord | None:
    found = fields_if(value, HEADER_LINE)
    return OwnerRecord(found["sockref"], found["pid"], found.get("start"), found["since"]) if found else None


def _read_entry(value: dict[str, Any], into: OwnerRecord) -> None:
    if found := fields_if(value, PUBLISHED_LINE):
        name, file = found["published"]["name"], found["published"]["file"]
        into.published.append(Published(name, Identity(file["dev"], file["ino"], file["birth"])))
    if found := fields_if(value, TEMPORARY_LINE):
        into.temporaries.append(found["temporary"])
    if found := fields_if(value, SERVER_LINE):
        server = found["server"]
        into.servers.append(
            RecordedServer(
                server["pgid"], server.get("start"), server.get("leash"), server["signal"], server["graceMs"]
            )
        )
    if fields_if(value, STOPPING_LINE):
        into.stopping = True


def looks_like_record(start: str) -> bool:
    """Whether the start of a file can be that of a record, even one torn in its first line."""
    return start.startswith(RECORD_MAGIC) or RECORD_MAGIC.startswith(start)


Entry = dict[str, Any]
"""A line of a record."""


def temporary_entry(name: str) -> Entry:
    """Names a private directory that is about to be made."""
    return {"temporary": name}


def published_entry(name: str, file: Identity) -> Entry:
    """Names a socket that is about to be published."""
    return {"published": {"name": name, "file": file.to_json()}}


def stopping_entry() -> Entry:
    """Says that the owner has begun to end, and waits for its open connections."""
    return {"stopping": True}


def record_header(since: int) -> Entry:
    """The first line of the record of this process, the owner since that time (in milliseconds)."""
    start = process_start()
    header = {"sockref": PROTOCOL_VERSION, "pid": os.getpid(), **({"start": start} if start else {})}
    return {**header, "since": since}


def record_lines(entries: Iterable[Entry]) -> bytes:
    """The text of lines of a record."""
    return b"".join(write_json(entry) + b"\n" for entry in entries)


def assert_record_fits(size: int) -> None:
    """Raises if a record would grow to more than its limit."""
    if size <= MAX_RECORD_BYTES:
        return
    raise SocketReferenceError(
        "ERR_SOCKREF_LIMIT_EXCEEDED",
        f"The record of this socket would exceed {MAX_RECORD_BYTES} bytes: its files were removed and repaired too "
        "often; stop the program that removes them, and start the server again",
        limit="recordBytes",
        max=MAX_RECORD_BYTES,
    )
