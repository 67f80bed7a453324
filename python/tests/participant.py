"""A participant of test/scenarios: takes commands as lines of JSON, and answers in lines of JSON.

The protocol is that of test/scenarios/README.md in the project. The first argument is the participant's name. Durations of
options and fields are in milliseconds there, and in seconds here.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import re
import signal
import socket
import sys
import threading
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

import sockref  # noqa: E402
from sockref import aio  # noqa: E402

_COLLECTIONS = 200
"""How many times the garbage collector runs to find a dropped handle."""

_ABORT = "abortAfter"


class Driver:
    """Runs each command on its own thread."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._heard: Counter[str] = Counter()
        self._faults: list[str] = []
        self._events = threading.Condition()
        self._connections = 0
        self._handles: dict[str, Any] = {}
        self._sockets: dict[str, socket.socket] = {}
        self._use(sockref.default_manager())

    def answer(self, command: dict[str, Any]) -> dict[str, Any]:
        try:
            run = getattr(self, f"do_{snake(command['do'])}", None)
            if run is None:
                raise LookupError(f"no command {command['do']}")
            return {"id": command["id"], **(run(command) or {})}
        except BaseException as error:
            return {"id": command["id"], "error": describe(error)}

    # Commands.

    def do_info(self, _: Any) -> Any:
        return {"name": self._name, "pid": os.getpid(), "thread": 0}

    def do_manager(self, command: Any) -> Any:
        options = to_python(command.get("options", {}))
        if "limits" in options:
            options["limits"] = sockref.Limits(**to_python(options["limits"]))
        self._use(sockref.SocketManager(**options))

    def do_acquire(self, command: Any) -> Any:
        options = to_python(command.get("options", {}))
        serve = self._echo if options.pop("serve", None) == "echo" else None
        abort = options.pop(snake(_ABORT), None)
        if abort is None:
            reference = self._manager.acquire(command["path"], serve=serve, **options)
        else:
            reference = asyncio.run(self._acquire_for(command["path"], abort, serve, options))
        self._handles[command["as"]] = reference
        return state_of(reference)

    async def _acquire_for(self, path: str, seconds: float, serve: Any, options: Any) -> Any:
        stream = None if serve is None else self._stream_echo
        try:
            async with asyncio.timeout(seconds):
                return await aio.acquire(path, serve=stream, manager=self._manager, **options)
        except TimeoutError as error:
            raise AbortError("The operation was aborted") from error

    async def _stream_echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError

    def do_existing(self, command: Any) -> Any:
        reference = self._manager.get_existing(command["path"])
        if reference is None:
            return {"found": False}
        self._handles[command["as"]] = reference
        return {"found": True, **state_of(reference)}

    def do_clone(self, command: Any) -> Any:
        reference = self._find(command).clone()
        self._handles[command["as"]] = reference
        return state_of(reference)

    def do_close(self, command: Any) -> Any:
        reference = self._find(command)
        reference.close()
        return state_of(reference)

    def do_state(self, command: Any) -> Any:
        return state_of(self._find(command))

    def do_count(self, command: Any) -> Any:
        return {"count": self._find(command).reference_count}

    def do_role(self, command: Any) -> Any:
        return {"role": self._find(command).role}

    def do_active(self, command: Any) -> Any:
        return {"active": self._find(command).is_active}

    def do_known(self, command: Any) -> Any:
        manager, path = self._manager, command["path"]
        return {
            "active": manager.is_socket_active(path),
            "count": manager.reference_count(path),
            "sockets": manager.active_socket_count,
        }

    def do_aborted(self, command: Any) -> Any:
        reason = self._find(command).wait_inactive()
        return {"code": reason.code, "message": reason.message}

    def do_connect(self, command: Any) -> Any:
        sock = self._find(command).connect(**to_python(command.get("options", {})))
        answer = ask(sock, command.get("send", "hello"))
        if command.get("keep"):
            self._sockets[command["keep"]] = sock
        else:
            sock.close()
        return answer

    def do_say(self, command: Any) -> Any:
        return ask(self._sockets[command["connection"]], command["send"])

    def do_hang_up(self, command: Any) -> Any:
        sock = self._sockets.pop(command["connection"], None)
        if sock is not None:
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(4096):
                pass
            sock.close()

    def do_cleanup(self, command: Any) -> Any:
        return {"found": self._manager.force_cleanup_socket(command["path"])}

    def do_cleanup_all(self, _: Any) -> Any:
        self._manager.cleanup_all_sockets()

    def do_inspect(self, command: Any) -> Any:
        info = self._manager.inspect(command["path"])
        return {"found": None if info is None else to_wire(asdict(info))}

    def do_list(self, command: Any) -> Any:
        return {"sockets": [to_wire(asdict(info)) for info in self._manager.list(command["directory"])]}

    def do_stats(self, _: Any) -> Any:
        return {"stats": to_wire(asdict(self._manager.stats()))}

    def do_events(self, _: Any) -> Any:
        # Listeners are called on a separate thread: all events until now must have arrived.
        stats = asdict(self._manager.stats())
        with self._events:
            self._events.wait_for(lambda: all(self._ever[kind] >= stats[name] for kind, name in COUNTERS.items()))
            heard, faults = dict(self._heard), list(self._faults)
        heard.pop("fault", None)
        return {"events": heard, "faults": faults, "connections": self._connections}

    def do_event(self, command: Any) -> Any:
        event, times = command["event"], command.get("times", 1)
        with self._events:
            self._events.wait_for(lambda: self._heard[event] >= times)
            return {"times": self._heard[event]}

    def do_drop(self, command: Any) -> Any:
        del self._handles[command["of"]]

    def do_gc(self, _: Any) -> Any:
        # Since the last answer: a handle is collected at once here, perhaps before this command.
        for _look in range(_COLLECTIONS):
            if self._manager.stats().leaked > self._leaked:
                break
            gc.collect()
        leaked = self._manager.stats().leaked
        collected, self._leaked = leaked - self._leaked, leaked
        return {"collected": collected}

    def do_churn(self, command: Any) -> Any:
        reference, per_turn = self._find(command), command.get("perTurn", 50)
        for _round in range(0, command["changes"], 2 * per_turn):
            for clone in [reference.clone() for _ in range(per_turn)]:
                clone.close(wait=False)

    def do_block(self, command: Any) -> Any:
        os.remove(command["begun"])
        while not os.path.exists(command["until"]):
            pass

    def do_exit(self, command: Any) -> Any:
        # The main thread ends, and with it the interpreter, as with `process.exit`.
        os.kill(os.getpid(), signal.SIGUSR1)

    def do_crash(self, _: Any) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)

    def do_reset(self, _: Any) -> Any:
        for sock in self._sockets.values():
            sock.close()
        self._manager.cleanup_all_sockets()
        self._handles, self._sockets = {}, {}
        with self._events:
            self._heard.clear()
            self._faults.clear()
        self._connections = 0
        return {"sockets": self._manager.active_socket_count}

    # What they need.

    def _use(self, manager: sockref.SocketManager) -> None:
        self._manager = manager
        self._ever: Counter[str] = Counter()
        self._leaked = manager.stats().leaked
        manager.subscribe(self._hear)

    def _hear(self, event: sockref.Event) -> None:
        with self._events:
            self._heard[event.kind] += 1
            self._ever[event.kind] += 1
            if event.kind == "fault":
                self._faults.append(getattr(event.error, "code", str(event.error)))
            self._events.notify_all()

    def _echo(self, sock: socket.socket) -> None:
        """Answers each line with the name of this participant, as a line of JSON."""
        self._connections += 1
        with sock.makefile("rwb", buffering=0) as stream:
            for line in stream:
                who = {"by": self._name, "pid": os.getpid(), "thread": 0, "said": line.decode().rstrip("\n")}
                stream.write(json.dumps(who).encode() + b"\n")

    def _find(self, command: Any) -> Any:
        return self._handles[command["of"]]


COUNTERS = {
    **{kind: kind for kind in ("started", "stopped", "acquired", "released", "lost", "healed", "reclaimed")},
    "failover": "failovers",
    "leak": "leaked",
    "fault": "faults",
}
"""Events, and the names of their numbers in the statistics."""


class AbortError(Exception):
    """The error of a command that was given up."""


def state_of(reference: Any) -> dict[str, Any]:
    return {
        "path": reference.path,
        "count": reference.reference_count,
        "role": reference.role,
        "active": reference.is_active,
    }


def ask(sock: socket.socket, said: str) -> Any:
    sock.sendall(f"{said}\n".encode())
    text = b""
    while not text.endswith(b"\n"):
        chunk = sock.recv(65_536)
        if not chunk:
            raise ConnectionError("the connection was closed without an answer")
        text += chunk
    return json.loads(text)


def to_python(options: dict[str, Any]) -> dict[str, Any]:
    """Options in the names and units of this package."""
    return {
        snake(name.removesuffix("Ms")): value / 1000 if name.endswith("Ms") else value
        for name, value in options.items()
    }


def to_wire(value: Any) -> Any:
    """The finding of this package, in the names of the scenarios. Unknown values are left out."""
    if isinstance(value, dict):
        return {camel(name): to_wire(item) for name, item in value.items() if item is not None}
    return [to_wire(item) for item in value] if isinstance(value, (list, tuple)) else value


def snake(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def camel(name: str) -> str:
    return re.sub("_([a-z])", lambda letter: letter[1].upper(), name)


def describe(error: BaseException) -> dict[str, Any]:
    described: dict[str, Any] = {"name": type(error).__name__, "message": str(error)}
    if isinstance(error, sockref.SocketReferenceError):
        described |= {"code": error.code, **to_wire(error.fields())}
    return described


def main() -> None:
    driver = Driver(sys.argv[1])
    writing = threading.Lock()

    def run(line: str) -> None:
        answer = json.dumps(driver.answer(json.loads(line)), default=str)
        with writing:
            sys.stdout.write(f"{answer}\n")
            sys.stdout.flush()

    def leave(_signal: int, _frame: Any) -> None:
        sys.exit()

    signal.signal(signal.SIGUSR1, leave)
    for line in sys.stdin:
        threading.Thread(target=run, args=[line], daemon=True).start()


if __name__ == "__main__":
    main()
