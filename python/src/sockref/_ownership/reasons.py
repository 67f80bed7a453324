"""Errors that say why something ended."""

from __future__ import annotations

from ..errors import SocketReferenceError, quote


def mode_changed(at: str, mode: int, wanted: int) -> Exception:
    """The fault when another program changed the mode of a file of ours, and it was restored."""
    return RuntimeError(
        f"The mode of {quote(at)} was changed to {mode:04o}, and was set back to {wanted:04o}; "
        "let the server keep the mode; pass `mode` to choose another one"
    )


def not_listening(path: str, pid: int | None, problem: str) -> SocketReferenceError:
    """The fault when a server runs but clients cannot connect to it."""
    who = "" if pid is None else f" (pid {pid})"
    message = (
        f"The server of {path}{who} runs, and no client can connect to it: {problem}; it is published again when it listens "
        "there, else look at its log (sockref logs)"
    )
    return SocketReferenceError("ERR_SOCKREF_SERVER_FAILED", message, path=path, reason="not-listening")
