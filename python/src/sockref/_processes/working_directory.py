"""The working directory of this process."""

from __future__ import annotations

import contextlib
import os

from .._system_errors import system_error
from ..errors import SocketReferenceError, quote


def working_directory() -> str:
    """The path. Raises ERR_SOCKREF_DIRECTORY_NOT_FOUND if the directory was removed."""
    try:
        return os.getcwd()
    except FileNotFoundError as error:
        directory = _former_directory()
        which = "" if directory is None else f" {quote(directory)}"
        message = f"The working directory{which} does not exist any more; change to one that exists (cd), and start again from there"
        fields = {} if directory is None else {"directory": directory}
        raise SocketReferenceError("ERR_SOCKREF_DIRECTORY_NOT_FOUND", message, **fields) from error
    except OSError as error:
        raise system_error(error, None, "find the working directory", "getcwd") from error


def _former_directory() -> str | None:
    """Its former path, as far as it can still be found."""
    with contextlib.suppress(OSError):
        return os.readlink("/proc/self/cwd").removesuffix(" (deleted)")
    return os.environ.get("PWD")
