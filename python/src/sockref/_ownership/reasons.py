"""Errors that say why something ended."""

from __future__ import annotations

from .._protocol.constants import PROTOCOL_VERSION
from ..errors import SocketReferenceError, quote


def not_served(path: str) -> SocketReferenceError:
    """The error when an acquire that can only join has nothing to join."""
    return SocketReferenceError(
        "ERR_SOCKREF_NOT_SERVED",
        f"No process serves {path}; pass `serve` to serve it here, or start the program that serves it first",
        path=path,
    )


def stopped_by_force(path: str) -> SocketReferenceError:
    """The error of references that end because another process asked the owner to end, for all holders."""
    message = f"The socket {path} was stopped by force"
    return SocketReferenceError("ERR_SOCKREF_CLOSED", message, path=path, reason="stopped")


def directory_replaced(path: str) -> SocketReferenceError:
    """The error of references whose directory is not found at its path any more."""
    message = f"The directory of {path} was removed or replaced, and its socket is gone; acquire it again"
    return SocketReferenceError("ERR_SOCKREF_CLOSED", message, path=path, reason="directory-replaced")


def is_without_directory(error: SocketReferenceError) -> bool:
    """Whether a server failed only because its starter's working directory is gone. A member with another directory can
    start it; any other failure would repeat itself there."""
    return error.code == "ERR_SOCKREF_SERVER_FAILED" and error.reason == "directory"


def mode_changed(at: str, mode: int, wanted: int) -> Exception:
    """The fault when another program changed the mode of a file of ours, and it was restored."""
    return RuntimeError(
        f"The mode of {quote(at)} was changed to {mode:04o}, and was set back to {wanted:04o}; "
        "let the server keep the mode; pass `mode` to choose another one"
    )


def record_changed(at: str) -> Exception:
    """The fault when another program wrote to a lock file of ours, and its record was written again."""
    return RuntimeError(
        f"The record in {quote(at)} was changed by another program, and was written again; let no other program write to "
        "this file"
    )


def not_listening(path: str, pid: int | None, problem: str) -> SocketReferenceError:
    """The fault when a server runs but clients cannot connect to it."""
    who = "" if pid is None else f" (pid {pid})"
    message = (
        f"The server of {path}{who} runs, and no client can connect to it: {problem}; it is published again when it listens "
        "there, else look at its log (sockref logs)"
    )
    return SocketReferenceError("ERR_SOCKREF_SERVER_FAILED", message, path=path, reason="not-listening")


def not_understood(path: str, what: str, theirs: int | None = None) -> SocketReferenceError:
    """The error when a member cannot understand the messages of the owner."""
    return SocketReferenceError(
        "ERR_SOCKREF_PROTOCOL",
        f"The owner of {path} cannot be understood: {what} (this is version {PROTOCOL_VERSION}); "
        "use the same major version of sockref in every program that shares the socket",
        path=path,
        ours=PROTOCOL_VERSION,
        **({} if theirs is None else {"theirs": theirs}),
    )
