"""The process in which calls fail, in Python, as subject.mjs in Node. It carries out commands and answers with the outcome."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import socket
import sys
import threading
import traceback
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python" / "src"))

import sockref  # noqa: E402

INSTANCE = f"{os.getpid()}/{uuid.uuid4().hex[:8]}"

manager = sockref.default_manager()
held: dict[str, list[sockref.SocketReference]] = {}
faults: list[dict[str, Any]] = []
taken_over = threading.Event()


def described(error: BaseException) -> dict[str, Any]:
    typed = isinstance(error, sockref.SocketReferenceError)
    text = str(error) if typed else "".join(traceback.format_exception(error))
    return {"typed": typed, "code": getattr(error, "code", type(error).__name__), "text": text}


def on_event(event: sockref.Event) -> None:
    if event.kind == "fault":
        faults.append(described(event.error) if event.error else {"typed": False, "code": "", "text": "a fault"})
    if event.kind in ("failover", "lost"):
        taken_over.set()


manager.subscribe(on_event)


def unforeseen(error: BaseException) -> None:
    faults.append({**described(error), "typed": False})


def complained(_: asyncio.BaseEventLoop, context: Any) -> None:
    """A failed callback of ours, which an event loop would only print."""
    unforeseen(context.get("exception") or RuntimeError(context["message"]))


threading.excepthook = lambda told: unforeseen(told.exc_value) if told.exc_value else None
sys.unraisablehook = lambda told: unforeseen(told.exc_value) if told.exc_value else None
asyncio.BaseEventLoop.default_exception_handler = complained  # type: ignore[method-assign, assignment]


def say_who(connection: socket.socket) -> None:
    """Serves a connection: sends the name of this process, and ends it."""
    with contextlib.suppress(OSError):
        connection.sendall(f"{INSTANCE}\n".encode())


def read_who(connection: socket.socket) -> str | None:
    """Reads the name of the server on a connection; None if it ends without an answer."""
    text = b""
    # An error at the close of the user's own socket is not an error of the library.
    with contextlib.suppress(OSError), connection:
        with contextlib.suppress(OSError):
            while chunk := connection.recv(4096):
                text += chunk
    return text.decode().strip() if text.endswith(b"\n") else None


def options_of(options: dict[str, Any]) -> dict[str, Any]:
    """Options in the names and units of this package."""
    named = {re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name): each for name, each in options.items()}
    return {name.removesuffix("_ms"): each / 1000 if name.endswith("_ms") else each for name, each in named.items()}


def outcome(work: Callable[[], Any]) -> dict[str, Any]:
    try:
        return {"value": work()}
    except BaseException as error:  # noqa: BLE001 - an error is an answer like any other
        return {"error": described(error)}


def summary(info: sockref.SocketInfo | None) -> Any:
    return info and {"path": info.path, "state": info.state, "references": info.references}


class Commands:
    def who(self, _: Any) -> str:
        return INSTANCE

    def arm(self, spec: str) -> None:
        if not os.access(f"/sockref-errors/arm/{spec}", os.F_OK):
            raise AssertionError("inject.c is not preloaded")

    def disarm(self, _: Any) -> None:
        os.access("/sockref-errors/disarm", os.F_OK)

    def acquire(self, command: Any) -> Any:
        def work() -> str:
            serve = say_who if command.get("serve") else None
            reference = manager.acquire(command["path"], serve=serve, **options_of(command.get("options", {})))
            held.setdefault(command["path"], []).append(reference)
            return reference.role

        return outcome(work)

    def clone(self, path: str) -> Any:
        references = held.get(path, [])
        return outcome(lambda: references.append(references[0].clone()) if references else None)

    def close(self, path: str) -> Any:
        references = held.get(path, [])
        return outcome(lambda: references.pop().close() if references else None)

    def close_all(self, path: str) -> Any:
        return [outcome(reference.close) for reference in held.pop(path, [])]

    def force(self, path: str) -> Any:
        held.pop(path, None)
        return outcome(lambda: manager.force_cleanup_socket(path) and None)

    def connect(self, path: str) -> Any:
        def work() -> str:
            while True:
                if (who := read_who(held[path][0].connect(timeout=4))) is not None:
                    return who

        return outcome(work)

    def inspect(self, path: str) -> Any:
        return outcome(lambda: summary(manager.inspect(path)))

    def list(self, directory: str) -> Any:
        return outcome(lambda: [summary(info) for info in manager.list(directory)])

    def expect_failover(self, _: Any) -> None:
        taken_over.clear()

    def failover(self, _: Any) -> Any:
        return outcome(lambda: taken_over.wait() and None)

    def state(self, path: str) -> Any:
        references = held.get(path, [])
        active = [each for each in references if each.is_active]
        return {"held": len(references), "active": len(active), "count": active[0].reference_count if active else 0}

    def descriptors(self, _: Any) -> int:
        return len(os.listdir("/proc/self/fd"))

    def sockets(self, _: Any) -> int:
        return manager.stats().active_sockets

    def faults(self, _: Any) -> list[dict[str, Any]]:
        told = faults[:]
        del faults[:]
        return told


def main() -> None:
    channel = socket.socket(fileno=int(os.environ.pop("NODE_CHANNEL_FD")))
    # Hidden from the injected library: these sends must not fail.
    channel.setblocking(True)
    writing = threading.Lock()

    def tell(message: dict[str, Any]) -> None:
        with writing, contextlib.suppress(OSError):
            channel.sendall(f"{json.dumps(message)}\n".encode())

    commands = Commands()

    def run(request: dict[str, Any]) -> None:
        name = re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", request["command"])
        try:
            tell({"id": request["id"], "value": getattr(commands, name)(request.get("argument"))})
        except BaseException as error:  # noqa: BLE001 - reported to the lab
            tell({"id": request["id"], "error": {"message": repr(error), "stack": traceback.format_exc()}})

    tell({"ready": os.getpid()})
    with channel.makefile("r", encoding="utf-8") as lines:
        for line in lines:
            request = json.loads(line)
            if "id" in request:
                threading.Thread(target=run, args=(request,), daemon=True).start()
    os._exit(0)


main()
