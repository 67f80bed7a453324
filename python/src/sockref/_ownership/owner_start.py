"""What an owner needs to start."""

from __future__ import annotations

from dataclasses import dataclass

from .._files.lock_file import LockFile
from .._serving.server_spec import Serve
from .lease import Context, LeaseEvents
from .settings import OwnerSettings


@dataclass(frozen=True, slots=True)
class OwnerStart:
    """The lock is taken and checked, and its dead owner's files are removed. The owner releases it at its end.

    `references`: those here, including pending acquires. `awaited_dependents`: members that cannot serve and had references
    when the last owner was lost.
    """

    lock: LockFile
    serve: Serve
    settings: OwnerSettings
    context: Context
    events: LeaseEvents
    references: int
    awaited_dependents: int
