"""Who may use a file of ours."""

from __future__ import annotations

import os

from .close import close_anyway
from .directory import Directory
from .identity import Identity, look_open
from .platform import REACHES_THROUGH_DESCRIPTORS


def restore_mode(directory: Directory, name: str, file: Identity, mode: int) -> None:
    """Gives a file its mode back.

    Nothing happens if the name leads to another file by now; a link is not followed. Where files cannot be reached by
    their descriptors, as on macOS, the name itself is used: then it is for the caller to have looked at it just before.
    """
    if not REACHES_THROUGH_DESCRIPTORS:
        os.chmod(name.encode(), mode, dir_fd=directory.fd)
        return
    fd = os.open(name.encode(), os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory.fd)
    try:
        # By the descriptor: the name may have come to lead to another file meanwhile.
        if look_open(fd).identity.is_same(file):
            os.chmod(f"/proc/self/fd/{fd}", mode)
    finally:
        close_anyway(fd)
