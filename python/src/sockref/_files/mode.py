"""Restores the mode of a file."""

from __future__ import annotations

import os

from .close import close_anyway
from .directory import Directory
from .identity import Identity, look_open
from .platform import REACHES_THROUGH_DESCRIPTORS


def restore_mode(directory: Directory, name: str, file: Identity, mode: int) -> None:
    """Restores the mode of a file.

    Does nothing if the name leads to another file by now; does not follow a link. Where files cannot be reached through their
    descriptors, as on macOS, it uses the name: then the caller must have checked it just before.
    """
    if not REACHES_THROUGH_DESCRIPTORS:
        os.chmod(name.encode(), mode, dir_fd=directory.fd)
        return
    fd = os.open(name.encode(), os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory.fd)
    try:
        # Through the descriptor: the name may lead to another file by now.
        if look_open(fd).identity.is_same(file):
            os.chmod(f"/proc/self/fd/{fd}", mode)
    finally:
        close_anyway(fd)
