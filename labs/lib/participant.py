"""A process that shares sockets on command: participant.mjs and the racer, in Python.

Speaks to its parent as a forked Node would: lines of JSON on the descriptor in NODE_CHANNEL_FD. A command runs on a thread of
its own, so that one that waits keeps no other from running.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import signal
import socket
import sys
import threading
import time
import traceback
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python" / "src"))

import sockref  # noqa: E402
from sockref._runtime.process import background  # noqa: E402

INSTANCE = f"{os.getpid()}/{uuid.uuid4().hex[:8]}"
CONNECT_SECONDS = 20.0
_PR_SET_PTRACER = 0x59616D61

manager = sockref.default_manager()
held: dict[str, list[sockref.SocketReference]] = {}
forced: Counter[str] = Counter()
faults: list[str] = []
# Do not clone a reference that another command closes.
choosing = threading.Lock()
raced: list[sockref.SocketReference] = []


def on_event(event: sockref.Event) -> None:
    if event.kind == "fault":
        error = event.error
        faults.append("".join(traceback.format_exception(error)) if error else "a fault")


manager.subscribe(on_event)


def say_who(connection: socket.socket) -> None:
    """Serves a connection: sends the name of this process, and ends it."""
    connection.sendall(f"{INSTANCE}\n".encode())


def read_who(connection: socket.socket) -> str | None:
    """Reads the name of the server on a connection; None if it ends without an answer."""
    text = b""
    with connection:
        try:
            while chunk := connection.recv(4096):
                text += chunk
        except OSError:
            pass
    return text.decode().strip() if text.endswith(b"\n") else None


def mark(where: str) -> None:
    """Asks for a file that never exists: the trace of the background thread then shows where a phase begins and ends."""
    background().call(lambda: os.access(f"/phase-of-the-crash-lab/{where}", os.F_OK))


def of(path: str) -> list[sockref.SocketReference]:
    return held.setdefault(path, [])


def state(path: str) -> dict[str, Any]:
    references = of(path)
    active = [each for each in references if each.is_active]
    first = active[0] if active else None
    return {
        "held": len(references),
        "active": len(active),
        "count": first.reference_count if first else 0,
        **({"role": first.role} if first else {}),
    }


def options_of(options: dict[str, Any]) -> dict[str, Any]:
    """Options in the names and units of this package."""
    named = {re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name): each for name, each in options.items()}
    return {name.removesuffix("_ms"): each / 1000 if name.endswith("_ms") else each for name, each in named.items()}


class Commands:
    def who(self, _: Any) -> str:
        return INSTANCE

    def thread(self, _: Any) -> int | None:
        """The thread that makes the library's system calls, for tracing."""
        ctypes.CDLL(None).prctl(_PR_SET_PTRACER, -1, 0, 0, 0)
        return background().call(threading.get_native_id)

    def mark(self, where: str) -> None:
        mark(where)

    def acquire(self, command: Any) -> Any:
        path, phase = command["path"], command.get("phase")
        serve = say_who if command.get("serve", True) else None
        before = forced[path]
        if phase:
            mark("begin")
        reference = manager.acquire(path, serve=serve, **options_of(command.get("options", {})))
        if phase:
            mark("end")
        # The next command may have ended it by force before this one continued.
        with choosing:
            if reference.is_active or forced[path] == before:
                of(path).append(reference)
        return state(path)

    def clone(self, path: str) -> Any:
        with choosing:
            references = of(path)
            if references and references[0].is_active:
                references.append(references[0].clone())
        return state(path)

    def close(self, command: Any) -> Any:
        path, phase = command["path"], command.get("phase")
        with choosing:
            references = of(path)
            reference = references.pop() if references else None
        if phase:
            mark("begin")
        if reference:
            reference.close()
        if phase:
            mark("end")
        return state(path)

    def close_all(self, path: str) -> None:
        for reference in held.pop(path, []):
            reference.close()

    def flap(self, command: Any) -> None:
        serve = say_who if command["serve"] else None
        for _ in range(command["times"]):
            reference = manager.acquire(command["path"], serve=serve, **options_of(command.get("options", {})))
            if not reference.is_active:
                raise AssertionError("an acquire ended in a reference that is not active")
            reference.close()

    def state(self, path: str) -> Any:
        return state(path)

    def connect(self, path: str) -> str | None:
        references = of(path)
        if not references or not references[0].is_active:
            return None
        return connect(references[0])

    def take_over(self, command: Any) -> str:
        reference = of(command["path"])[0]
        over = threading.Event()
        unsubscribe = manager.subscribe(lambda event: over.set() if event.kind == "failover" else None)
        mark("begin")
        os.kill(command["owner"], signal.SIGKILL)
        over.wait()
        mark("end")
        unsubscribe()
        return reference.role

    def force(self, path: str) -> None:
        held.pop(path, None)
        forced[path] += 1
        manager.force_cleanup_socket(path)
        # A reference that was acquired at the same moment, and added since.
        with choosing:
            references = of(path)
            references[:] = [each for each in references if not each.reason or each.reason.reason != "cleaned-up"]

    def inspect(self, path: str) -> Any:
        info = manager.inspect(path)
        if info is None:
            return None
        server = info.server.pid if info.server else None
        return {"references": info.references, "owner": info.owner.pid if info.owner else None, "server": server}

    def faults(self, _: Any) -> list[str]:
        return faults

    # The commands of a racer.

    def go(self, command: Any) -> Any:
        reference = manager.acquire(command["path"], serve=say_who)
        raced.append(reference)
        return {"serves": reference.role == "owner", "connectedTo": connect(reference)}

    def look(self, path: str) -> str | None:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(path)
            return read_who(sock)

    def end(self, _: Any) -> None:
        while raced:
            raced.pop().close()

    def precede(self, command: Any) -> None:
        for path in command["paths"]:
            of(path).append(manager.acquire(path, serve=say_who))


def connect(reference: sockref.SocketReference) -> str | None:
    """Connects until a server answers: a server that is killed meanwhile does not."""
    deadline = time.monotonic() + CONNECT_SECONDS
    while time.monotonic() < deadline:
        try:
            who = read_who(reference.connect(timeout=CONNECT_SECONDS))
        except sockref.SocketReferenceError:
            # Closed by another command meanwhile.
            if not reference.is_active:
                return None
            raise
        if who is not None:
            return who
    raise TimeoutError("no server answered in time")


def lines_of(channel: socket.socket) -> Iterator[str]:
    """Yields the commands of the parent, until the parent ends."""
    with contextlib.suppress(ConnectionResetError):
        yield from channel.makefile("r", encoding="utf-8")


def main() -> None:
    channel = socket.socket(fileno=int(os.environ.pop("NODE_CHANNEL_FD")))
    writing = threading.Lock()

    def send(message: Any) -> None:
        with writing:
            channel.sendall(json.dumps(message).encode() + b"\n")

    def run(request: Any) -> None:
        name = re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", request["command"])
        try:
            value = getattr(Commands(), name)(request.get("argument"))
            outcome = {} if value is None else {"value": value}
        except BaseException as error:
            code = error.code if isinstance(error, sockref.SocketReferenceError) else type(error).__name__
            outcome = {"error": {"message": str(error), "code": code, "stack": traceback.format_exc()}}
        try:
            send({"id": request["id"], **outcome})
        except OSError:
            # The reader of the answers is gone.
            pass

    # A new process has its background thread at once, so that it can be traced from its first claim on.
    background()
    send({"ready": os.getpid()})
    for line in lines_of(channel):
        request = json.loads(line)
        if request.get("command") == "quit":
            sys.exit()
        threading.Thread(target=run, args=[request], daemon=True).start()


if __name__ == "__main__":
    main()
