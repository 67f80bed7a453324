"""A command as the server. The command line of sockref starts a keeper, which runs the command, and we attach to it."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import subprocess
from typing import IO, Final

from .._files.close import close_object
from .._files.inherited import forget, remember
from .._files.platform import MAX_SOCKET_PATH_BYTES, REACHES_THROUGH_DESCRIPTORS
from .._processes.working_directory import working_directory
from .._protocol.constants import PRIVATE_NAME_DIGITS, PRIVATE_PREFIX
from .._serving.server_spec import ServerCommand
from .._system_errors import system_error
from ..errors import SocketReferenceError, quote
from .settings import OwnerSettings

_PROGRAM = "sockref"

_FAILED = 125
"""Exit status of `sockref run` when sockref itself failed."""

_KEEPER_FAILED = "sockref: The keeper of "

_PRIVATE_BYTES = len(PRIVATE_PREFIX) + PRIVATE_NAME_DIGITS + 1
"""The bytes that a private directory adds to a path: its name and a separator."""

# The command of `sockref run`. It reports that the socket is served, and ends with its standard input: until then its
# reference counts.
_HOLDING_COMMAND = ("sh", "-c", "echo; exec cat >/dev/null")

_DETACH_SECONDS = 10.0
"""How long to wait for its end, besides the time that the server may take to end. It ends at once, unless it is stopped."""

_MAX_SAID = 16_384
"""How many bytes of the output of `sockref` are kept for a message."""


class CommandHolder:
    """A `sockref run` that starts the server, and has a reference until it is detached."""

    def __init__(self, loop: asyncio.AbstractEventLoop, path: str, server: ServerCommand, settings: OwnerSettings) -> None:
        self._loop: Final = loop
        self._path: Final = path
        self._server: Final = server
        self._said = bytearray()
        self._ready = False
        self._over = False
        self._changed: asyncio.Future[None] = loop.create_future()
        if not server.activate:
            _assert_private_path_fits(path)
        if not os.path.isabs(server.cwd or ""):
            # With an absolute `cwd` the working directory is not read: it may have been removed.
            working_directory()
        if server.cwd is not None and not os.path.isdir(server.cwd):
            why = f"its working directory {quote(server.cwd)} does not exist; create it, or start the server in another one"
            raise _failed(path, server, "directory", why)
        try:
            self._process: Final = subprocess.Popen(
                [_find_program(path, server), *_arguments(path, server, settings)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=server.cwd,
                env={**os.environ, **server.env},
                # In a new session: it must not get the signals of our terminal, because it ends when we detach.
                start_new_session=True,
            )
        except OSError as error:
            if isinstance(error, (FileNotFoundError, PermissionError)):
                raise _failed(path, server, "not-found", f"sockref could not be started: {error}") from error
            raise system_error(error, path, f"start sockref for {path}", "fork") from error
        remember(self)
        self._open = [pipe for pipe in (self._process.stdout, self._process.stderr) if pipe is not None]
        for pipe in self._open:
            os.set_blocking(pipe.fileno(), False)
            loop.add_reader(pipe.fileno(), self._read, pipe)

    async def ready(self) -> None:
        """Returns when the server is up. Raises ERR_SOCKREF_SERVER_FAILED if it could not be started."""
        while not self._ready and not self._over:
            self._changed = self._loop.create_future()
            await self._changed
        if self._ready:
            return
        said = bytes(self._said).decode(errors="replace").strip()
        if self._process.returncode == _FAILED:
            message, _, output = said.partition("\n")
            reason = "keeper" if message.startswith(_KEEPER_FAILED) else "exited"
            raise _failed(self._path, self._server, reason, _in_our_words(message.removeprefix("sockref: ")), output)
        raise _failed(self._path, self._server, "keeper", f"sockref ended with {self._process.returncode}: {said}")

    def detach(self) -> None:
        """Ends its reference. The server stays as long as there are others. Idempotent."""
        if not self._ready and not self._over:
            # It has no reference yet, and may wait for long.
            self._process.terminate()
        if self._process.stdin is not None and not self._process.stdin.closed:
            close_object(self._process.stdin)

    async def detach_and_wait(self) -> None:
        """Ends its reference, and waits until that is done."""
        self.detach()
        deadline = self._loop.time() + _DETACH_SECONDS + (self._server.stop_timeout or 0)
        while not self._over and (left := deadline - self._loop.time()) > 0:
            self._changed = self._loop.create_future()
            await asyncio.wait([self._changed], timeout=left)

    def close_in_child(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None and not pipe.closed:
                close_object(pipe)
        # Only the parent can wait for its child.
        self._process.returncode = 0

    def _read(self, pipe: IO[bytes]) -> None:
        try:
            data = os.read(pipe.fileno(), 4096)
        except BlockingIOError:
            return
        if pipe is self._process.stdout and data:
            self._ready = True
        elif data:
            self._said = (self._said + data)[-_MAX_SAID:]
        else:
            self._loop.remove_reader(pipe.fileno())
            close_object(pipe)
            self._open.remove(pipe)
            if not self._open:
                self._ended()
        if not self._changed.done():
            self._changed.set_result(None)

    def _ended(self) -> None:
        self.detach()
        # It has closed all its pipes: it has ended, or is about to.
        self._process.wait()
        self._over = True
        forget(self)


def _assert_private_path_fits(path: str) -> None:
    """The server binds to a full path in a private directory: that must fit into a socket address as well."""
    length = len(path.encode())
    maximum = MAX_SOCKET_PATH_BYTES - _PRIVATE_BYTES
    if length <= maximum:
        return
    activate = ", or let it inherit its socket (activate=True)" if REACHES_THROUGH_DESCRIPTORS else ""
    raise SocketReferenceError(
        "ERR_SOCKREF_PATH_TOO_LONG",
        f"The path {quote(path)} has {length} bytes; the private directory where a command binds its socket adds "
        f"{_PRIVATE_BYTES} more, which makes {length + _PRIVATE_BYTES} of at most {MAX_SOCKET_PATH_BYTES}; "
        f"choose a shorter path{activate}",
        path=path,
        length=length,
        max=maximum,
    )


def _find_program(path: str, server: ServerCommand) -> str:
    program = shutil.which(_PROGRAM)
    if program is not None:
        return program
    raise _failed(
        path,
        server,
        "not-found",
        f"a command as the server needs the program `{_PROGRAM}`, which is not on PATH; install it "
        f"(npm install --global {_PROGRAM}), or pass `serve` to serve in this process",
    )


def _arguments(path: str, server: ServerCommand, settings: OwnerSettings) -> list[str]:
    arguments = ["run", path, "--quiet", "--serve", shlex.join(server.command)]
    if server.activate:
        arguments.append("--activate")
    for name, seconds in (
        ("linger", settings.linger),
        ("ready-timeout", server.ready_timeout),
        ("stop-timeout", server.stop_timeout),
    ):
        if seconds:
            arguments += [f"--{name}", f"{seconds * 1000:.0f}ms"]
    return [*arguments, "--", *_HOLDING_COMMAND]


def keepers_keep_dying(path: str, server: ServerCommand, deaths: int) -> SocketReferenceError:
    """The error after so many keepers have died in a row, each soon after its server was up."""
    command = shlex.join([_PROGRAM, "logs", "--keeper", path])
    why = f"its keeper has died {deaths} times in a row, each time soon after the server was up; its log may say why ({command})"
    return _failed(path, server, "keeper", why)


def _in_our_words(message: str) -> str:
    """The message with Python's option and duration in place of those of the command line."""

    def seconds(found: re.Match[str]) -> str:
        number = float(found[1]) / (1000 if found[2] == "ms" else 1)
        return f"{number:g} s (ready_timeout)"

    return re.sub(r"(\d+(?:\.\d+)?)(ms|s) \(--ready-timeout\)", seconds, message)


def _failed(path: str, server: ServerCommand, reason: str, why: str, output: str = "") -> SocketReferenceError:
    return SocketReferenceError(
        "ERR_SOCKREF_SERVER_FAILED",
        f"The server of {path} could not be started ({shlex.join(server.command)}): {why}",
        path=path,
        reason=reason,
        stderr=output,
    )
