"""Path rules that do not need the disk."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from .._protocol.constants import GENERATED_NAME_DIGITS
from ..errors import SocketReferenceError, quote
from .platform import MAX_DATA_PATH_BYTES, MAX_SOCKET_PATH_BYTES

# What the protocol counts as white space. `str.isspace` also has some control characters, and lacks U+FEFF.
_BLANK = re.compile(r"[\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]*\Z")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class BareName:
    """A name in the default directory."""

    name: str


@dataclass(frozen=True, slots=True)
class AbsolutePath:
    """A name in a given directory."""

    directory: str
    name: str


def parse_path(given: object) -> BareName | AbsolutePath:
    """Checks a path by its text alone: None for a generated name, a bare name, or an absolute path."""
    if given is None:
        return BareName(f"{secrets.token_hex(GENERATED_NAME_DIGITS // 2)}.sock")
    if not isinstance(given, str):
        raise invalid_path(given, "not-a-string", f"it is {quote(given)}, and a path is a string")
    if given == "":
        raise invalid_path(given, "empty", "the path is empty")
    if _BLANK.match(given):
        raise invalid_path(given, "blank", "the path has only white space")
    if "\0" in given:
        raise invalid_path(given, "nul-byte", "a path cannot contain a NUL byte")
    if _SURROGATE.search(given):
        raise invalid_path(given, "not-unicode", "the path has half of a surrogate pair")
    *above, name = given.split("/")
    if ".." in above or name == "..":
        raise invalid_path(given, "parent-segment", "a path may not have a '..' segment")
    if not above:
        if name == ".":
            raise invalid_path(given, "no-file-name", "'.' is a directory")
        return BareName(name)
    if above[0] != "":
        raise invalid_path(given, "relative", "a path with a separator must be absolute")
    if name in ("", "."):
        raise invalid_path(given, "no-file-name", "the path ends in a directory")
    return AbsolutePath("/" + "/".join(part for part in above if part not in ("", ".")), name)


def join_path(directory: str, name: str) -> str:
    """The path of a name in a directory."""
    return f"/{name}" if directory == "/" else f"{directory}/{name}"


def assert_path_fits(path: str, maximum: int = MAX_DATA_PATH_BYTES) -> None:
    """Refuses a path that is too long for a socket address."""
    length = len(path.encode())
    if length <= maximum:
        return
    beside = MAX_SOCKET_PATH_BYTES - maximum
    own = f", of which the files beside it need {beside}" if beside else ""
    raise SocketReferenceError(
        "ERR_SOCKREF_PATH_TOO_LONG",
        f"The path {quote(path)} has {length} bytes, and here it may have {maximum}: a socket address takes "
        f"{MAX_SOCKET_PATH_BYTES}{own}; use a shorter name or a shorter directory (SOCKREF_DIR sets the default one)",
        path=path,
        length=length,
        max=maximum,
    )


def invalid_path(given: object, reason: str, rule: str) -> SocketReferenceError:
    """The error for a path that breaks a rule."""
    fields = {"path": given} if isinstance(given, str) else {}
    return SocketReferenceError(
        "ERR_SOCKREF_INVALID_PATH",
        f'Invalid path{f" {quote(given)}" if isinstance(given, str) else ""}: {rule}; pass nothing, a bare name such as "db.sock", or an absolute path',
        reason=reason,
        **fields,
    )
