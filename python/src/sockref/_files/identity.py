"""What distinguishes a file from every other file that had its name."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from .birth import birth_of


@dataclass(frozen=True, slots=True)
class Identity:
    """Device, inode and birth time, because inode numbers are reused at once. `birth` is `"0"` where the system has none."""

    dev: str
    ino: str
    birth: str

    def is_same(self, other: Identity) -> bool:
        """Whether two identities belong to the same file. If either has no birth time, device and inode decide."""
        if self.dev != other.dev or self.ino != other.ino:
            return False
        return self.birth == other.birth or "0" in (self.birth, other.birth)

    def to_json(self) -> dict[str, str]:
        return {"dev": self.dev, "ino": self.ino, "birth": self.birth}


@dataclass(frozen=True, slots=True)
class Found:
    """The file at a name."""

    stats: os.stat_result
    identity: Identity

    @property
    def is_socket(self) -> bool:
        return stat.S_ISSOCK(self.stats.st_mode)

    @property
    def is_file(self) -> bool:
        return stat.S_ISREG(self.stats.st_mode)

    @property
    def is_directory(self) -> bool:
        return stat.S_ISDIR(self.stats.st_mode)

    @property
    def uid(self) -> int:
        return self.stats.st_uid

    @property
    def mode(self) -> int:
        return stat.S_IMODE(self.stats.st_mode)

    @property
    def kind(self) -> str:
        """The kind of the file, as a word for messages."""
        mode = self.stats.st_mode
        if stat.S_ISSOCK(mode):
            return "socket"
        if stat.S_ISREG(mode):
            return "regular file"
        if stat.S_ISDIR(mode):
            return "directory"
        if stat.S_ISLNK(mode):
            return "symbolic link"
        return "FIFO" if stat.S_ISFIFO(mode) else "device"


def look(name: bytes, dir_fd: int | None = None) -> Found | None:
    """The file at a name in an open directory, or at a path; None if there is none. Links are never followed."""
    try:
        stats = os.stat(name, dir_fd=dir_fd, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return Found(stats, _identity(stats, birth_of(dir_fd, name)))


def look_open(fd: int) -> Found:
    """The identity of an open file."""
    stats = os.fstat(fd)
    return Found(stats, _identity(stats, birth_of(fd, None)))


def _identity(stats: os.stat_result, birth: str) -> Identity:
    return Identity(str(stats.st_dev), str(stats.st_ino), birth)
