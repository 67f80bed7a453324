"""Removes only our own files."""

from __future__ import annotations

import os
import shutil

from .directory import Directory
from .identity import Identity
from .platform import own_uid


def unlink_if_same(directory: Directory, name: str, file: Identity) -> bool:
    """Removes a name only if it still leads to this file (I2). Returns whether it did."""
    found = directory.look(name)
    if found is None or not found.identity.is_same(file):
        return False
    try:
        os.unlink(name.encode(), dir_fd=directory.fd)
    except FileNotFoundError:
        # A temp cleaner removed it first.
        return False
    return True


def remove_private_directory(directory: Directory, name: str) -> bool:
    """Removes a private directory with its content. Returns whether it did."""
    found = directory.look(name)
    if found is None or not found.is_directory or found.uid != own_uid():
        return False
    shutil.rmtree(name, dir_fd=directory.fd)
    return True
