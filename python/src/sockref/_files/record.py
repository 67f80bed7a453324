"""The record of an owner: lines of JSON in its lock file, each appended before what it names comes to be."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, TypeGuard

from ..errors import SocketReferenceError
from .identity import Identity
from .json_text import is_object, read_json, whole_number, write_json
from .platform import process_start

PROTOCOL_VERSION: Final = 1
"""Version of the layout on disk and on the wire."""

RECORD_MAGIC: Final = '{"sockref":'
"""How each record begins. A file that begins otherwise is not a lock file of ours, and is left alone."""

MAX_RECORD_BYTES: Final = 65_536
"""Bytes that a record may grow to; each repair of a lost file adds some 200."""

_MAX_MILLISECONDS = 2_147_483_647
"""The longest time that a timer of Node takes."""

_TEMPORARY = re.compile(r"\.sr-[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Published:
    """A socket file that was published under a name."""

    name: str
    file: Identity


@dataclass(frozen=True, slots=True)
class RecordedServer:
    """The processes of a server that a keeper ran, and how to end them.

    `pgid`: their group, which has the number of the server itself. `start`: when that began, in the kernel's ticks. `leash`:
    a socket that they inherit, by which those are found that left the group. Milliseconds of `grace_ms` until it is killed.
    """

    pgid: int
    start: str | None
    leash: str | None
    signal: str
    grace_ms: float


@dataclass(slots=True)
class OwnerRecord:
    """What a record says. Nothing about life or death is decided from it."""

    version: int
    pid: int
    start: str | None
    since: float
    published: list[Published] = field(default_factory=list[Published])
    temporaries: list[str] = field(default_factory=list[str])
    servers: list[RecordedServer] = field(default_factory=list[RecordedServer])
    stopping: bool = False


def parse_record(text: str) -> OwnerRecord | None:
    """Reads a record from the text of a lock file. Torn and foreign lines are passed over; None without a header."""
    header: OwnerRecord | None = None
    body = OwnerRecord(0, 0, None, 0)
    # What follows the last newline is torn: its writer was stopped in the middle.
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
    version, pid = whole_number(value.get("sockref")), whole_number(value.get("pid"))
    start, since = value.get("start"), value.get("since")
    if version is None or pid is None or pid < 1:
        return None
    if "start" in value and not isinstance(start, str):
        return None
    if isinstance(since, bool) or not isinstance(since, (int, float)):
        return None
    return OwnerRecord(version, pid, start, since)


def _read_entry(value: dict[str, Any], into: OwnerRecord) -> None:
    published = value.get("published")
    if is_object(published):
        name, file = published.get("name"), _identity(published.get("file"))
        if file and is_file_name(name):
            into.published.append(Published(name, file))
    temporary = value.get("temporary")
    if isinstance(temporary, str) and _TEMPORARY.fullmatch(temporary):
        into.temporaries.append(temporary)
    server = _server(value.get("server"))
    if server:
        into.servers.append(server)
    if value.get("stopping") is True:
        into.stopping = True


def _server(value: object) -> RecordedServer | None:
    if not is_object(value):
        return None
    pgid, name, grace = whole_number(value.get("pgid")), value.get("signal"), value.get("graceMs")
    # Never 0 or 1: as a group these mean our own, and everybody.
    if pgid is None or pgid < 2:
        return None
    if isinstance(grace, bool) or not isinstance(grace, (int, float)) or not 0 <= grace <= _MAX_MILLISECONDS:
        return None
    texts = [value.get(each) for each in ("start", "leash") if each in value]
    if not all(isinstance(text, str) for text in texts):
        return None
    # Of another platform, perhaps; the server must be ended all the same.
    if not isinstance(name, str) or name not in signal.Signals.__members__:
        name = "SIGTERM"
    return RecordedServer(pgid, value.get("start"), value.get("leash"), name, grace)


def is_file_name(name: object) -> TypeGuard[str]:
    """Whether it can be a name in a directory: a record must never name anything outside of its own."""
    return isinstance(name, str) and name not in ("", ".", "..") and "/" not in name and "\0" not in name


def _identity(value: object) -> Identity | None:
    if not is_object(value):
        return None
    dev, ino, birth = value.get("dev"), value.get("ino"), value.get("birth")
    if not (isinstance(dev, str) and isinstance(ino, str) and isinstance(birth, str)):
        return None
    return Identity(dev, ino, birth)


def read_record(fd: int) -> OwnerRecord | None:
    """Reads the record of an open lock file."""
    return parse_record(read_text(fd, MAX_RECORD_BYTES))


def looks_like_record(start: str) -> bool:
    """Whether the text at the start of a file can be that of a record, be it torn in its first line."""
    return start.startswith(RECORD_MAGIC) or RECORD_MAGIC.startswith(start)


def read_text(fd: int, size: int) -> str:
    """The first bytes of an open file, as text."""
    parts: list[bytes] = []
    length = 0
    while length < size and (part := os.pread(fd, size - length, length)):
        parts.append(part)
        length += len(part)
    return b"".join(parts).decode(errors="replace")


Entry = dict[str, Any]
"""A line of a record, besides its header."""


def temporary_entry(name: str) -> Entry:
    """Names a private directory that is about to be made."""
    return {"temporary": name}


def published_entry(name: str, file: Identity) -> Entry:
    """Names a socket that is about to be published."""
    return {"published": {"name": name, "file": file.to_json()}}


def stopping_entry() -> Entry:
    """Says that the owner has begun to end, and only waits for its open connections."""
    return {"stopping": True}


def begin_record(fd: int, *entries: Entry) -> None:
    """Starts the record of this process in a lock file that it holds, in place of a dead owner's."""
    # Not without need: ext4 takes a truncation for the beginning of a replacement, and begins to write it to the disk.
    if os.fstat(fd).st_size > 0:
        os.ftruncate(fd, 0)
    start = process_start()
    header = {"sockref": PROTOCOL_VERSION, "pid": os.getpid(), **({"start": start} if start else {})}
    _append(fd, 0, [{**header, "since": int(time.time() * 1000)}, *entries])


def append_record(fd: int, *entries: Entry) -> None:
    """Adds lines. Done before the things themselves, so that no crash leaves anything that no record names."""
    _append(fd, os.fstat(fd).st_size, entries)


def _append(fd: int, size: int, entries: Iterable[Entry]) -> None:
    lines = b"".join(write_json(entry) + b"\n" for entry in entries)
    if size + len(lines) > MAX_RECORD_BYTES:
        raise SocketReferenceError(
            "ERR_SOCKREF_LIMIT_EXCEEDED",
            f"The record of this socket would exceed {MAX_RECORD_BYTES} bytes: its files were removed and repaired too "
            "often; stop whatever removes them, and start the server again",
            limit="recordBytes",
            max=MAX_RECORD_BYTES,
        )
    written = 0
    try:
        while written < len(lines):
            written += os.pwrite(fd, lines[written:], size + written)
    except OSError:
        # A full disk may take a part of the lines before it refuses the rest: the next one must not be lost behind it.
        os.ftruncate(fd, size)
        raise
