"""An endpoint's place on disk: its directory, and the names of its files there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from .._protocol.constants import CONTROL_SUFFIX, LOCK_SUFFIX
from .directory import Directory

SocketKind = Literal["control", "data"]
"""The two sockets of an endpoint."""

SOCKET_KINDS: Final[tuple[SocketKind, ...]] = ("control", "data")


@dataclass(frozen=True, slots=True)
class EndpointNames:
    """The names of the files of a socket."""

    data: str
    control: str
    lock: str

    @staticmethod
    def of(name: str) -> EndpointNames:
        return EndpointNames(name, f"{name}{CONTROL_SUFFIX}", f"{name}{LOCK_SUFFIX}")

    def socket(self, kind: SocketKind) -> str:
        return self.control if kind == "control" else self.data


@dataclass(frozen=True, slots=True)
class Place:
    """An endpoint's place on disk; `path` is the canonical path of the data socket."""

    directory: Directory
    names: EndpointNames
    path: str
