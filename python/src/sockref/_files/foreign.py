"""The error for a foreign file."""

from __future__ import annotations

from ..errors import SocketReferenceError, quote
from .identity import Found
from .platform import own_uid


def foreign_file(path: str, at: str, found: Found, detail: str = "") -> SocketReferenceError:
    """The error for a foreign file at a path that we need. The file is never removed, replaced or followed.

    `path` is the requested socket, `at` is where the file is.
    """
    kind = found.kind
    whose = "" if found.uid == own_uid() else f" of uid {found.uid}"
    if kind == "socket" and found.uid == own_uid():
        advice = 'if nothing serves it any more, pass reclaim="stale" or remove it; else choose another path'
    else:
        advice = "remove it if it is not needed, or choose another path"
    return SocketReferenceError(
        "ERR_SOCKREF_ADDRESS_IN_USE",
        f"A {kind}{whose} that sockref did not make lies at {quote(at)}{detail}; {advice}",
        path=path,
        found=kind,
        uid=found.uid,
    )
