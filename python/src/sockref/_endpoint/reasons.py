"""The errors of inactive references."""

from __future__ import annotations

from .._ownership.lease import Cause
from ..errors import SocketReferenceError


def closed_by_user(path: str) -> SocketReferenceError:
    """Its user closed it."""
    message = f"This reference to {path} was closed; acquire a new one"
    return SocketReferenceError("ERR_SOCKREF_CLOSED", message, path=path, reason="closed")


def cleaned_up_by_force(path: str) -> SocketReferenceError:
    """This process cleaned it up."""
    message = f"The references of this process to {path} were cleaned up"
    return SocketReferenceError("ERR_SOCKREF_CLOSED", message, path=path, reason="cleaned-up")


def belongs_to_parent(path: str) -> SocketReferenceError:
    """This process is a fork of the one that acquired it."""
    message = (
        f"This reference to {path} belongs to the process that this one was forked from, which still has it; "
        "acquire a new one here"
    )
    return SocketReferenceError("ERR_SOCKREF_CLOSED", message, path=path, reason="forked")


def process_ends(path: str) -> SocketReferenceError:
    """The interpreter is ending, and has cleaned up."""
    message = f"The references of this process to {path} were cleaned up at its exit"
    return SocketReferenceError("ERR_SOCKREF_CLOSED", message, path=path, reason="cleaned-up")


def too_many_references(path: str, maximum: int) -> SocketReferenceError:
    """The limit of references is reached."""
    limit = "maxReferencesPerSocket"
    message = f"{path} has {maximum} references, and {limit} allows no more; close some, or raise the limit"
    return SocketReferenceError("ERR_SOCKREF_LIMIT_EXCEEDED", message, path=path, limit=limit, max=maximum)


def owner_lost(path: str, cause: Cause, timeout: float, waiting_for: str) -> SocketReferenceError:
    """Its owner was lost and not replaced in time."""
    why = "this process was deposed as its owner" if cause == "deposed" else "its owner died"
    message = (
        f"The references to {path} are lost: {why}, and after {timeout:g} s (failover_timeout) it was still waiting for "
        f"{waiting_for}; acquire it again, and pass `serve` so that this process can take over"
    )
    return SocketReferenceError("ERR_SOCKREF_OWNER_LOST", message, path=path, timeout=timeout)
