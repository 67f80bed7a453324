"""Why something ended, or what is told of it."""

from __future__ import annotations

from ..errors import SocketReferenceError, quote


def mode_changed(at: str, mode: int, wanted: int) -> Exception:
    """What is told when another program has changed the mode of a file of ours, and it was set back."""
    return RuntimeError(
        f"The mode of {quote(at)} was changed to {mode:04o}, and was set back to {wanted:04o}; "
        "have the server leave it alone, and ask for another one by `mode`"
    )


def not_listening(path: str, pid: int | None, problem: str) -> SocketReferenceError:
    """What is told when a server runs, and no client can connect to it."""
    who = "" if pid is None else f" (pid {pid})"
    message = (
        f"The server of {path}{who} runs, and no client can connect to it: {problem}; it is published again when it listens "
        "there, else look at its log (sockref logs)"
    )
    return SocketReferenceError("ERR_SOCKREF_SERVER_FAILED", message, path=path, reason="not-listening")
