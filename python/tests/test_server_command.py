"""A command as the server. The keeper of the other implementation runs it."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
from typing import Any
from unittest import mock

from support import ROOT, Case

from sockref import ServerCommand, SocketManager, SocketReferenceError, aio, default_manager
from sockref._files.file_end import OutputPlace, end_of

_SERVER = """
import os, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
while True:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(f"{os.getpid()} {os.environ.get('GREETING', '')}".encode())
"""

SERVER = [sys.executable, "-c", _SERVER, "{socket}"]


# A server that never becomes ready, and ends when it is told to.
_ENDING = ["sh", "-c", "trap exit TERM; while :; do sleep 0.01; done"]

# A server that never becomes ready.
_HANGING = ["sh", "-c", "echo to stdout; echo to stderr >&2; exec sleep 600"]


class Commands(Case):
    def setUp(self) -> None:
        super().setUp()
        self.manager = SocketManager()
        self.home = tempfile.mkdtemp(prefix="sockref-test-")
        self.addCleanup(shutil.rmtree, self.home)
        # Not beside the logs, whose folder has the same name.
        self.program = f"{self.home}/bin/sockref"
        os.mkdir(os.path.dirname(self.program))
        os.symlink(ROOT / "dist" / "bin" / "sockref.cjs", self.program)
        path = f"{os.path.dirname(self.program)}:{os.environ['PATH']}"
        patched = mock.patch.dict(os.environ, {"PATH": path, "XDG_STATE_HOME": self.home})
        patched.start()
        self.addCleanup(patched.stop)

    def tearDown(self) -> None:
        self.manager.close()

    def test_given_up_at_any_moment_of_a_start_it_leaves_nothing_when_its_manager_is_closed(self) -> None:
        path = self.path()

        async def give_up(turns: int) -> None:
            with SocketManager() as manager:
                acquiring = asyncio.ensure_future(aio.acquire(path, server=_ENDING, manager=manager))
                while not os.path.exists(f"{path}.ctl"):
                    await asyncio.sleep(0)
                for _ in range(turns):
                    await asyncio.sleep(0)
                acquiring.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await acquiring
                await asyncio.to_thread(manager.close)

        for turns in (0, 10, 100, 1_000, 5_000):
            with self.subTest(turns=turns):
                asyncio.run(give_up(turns))
                self.assertEqual(self.left(), [])

    def test_a_forced_clean_up_ends_a_command_server_for_all_holders(self) -> None:
        path = self.path()
        with SocketManager() as other, other.acquire(path, server=SERVER, linger=3600) as held:
            info = self.manager.inspect(path)
            assert info is not None and info.server is not None
            self.assertEqual(info.server.argv, tuple(SERVER))
            self.assertTrue(self.manager.force_cleanup_socket(path))
            self.eventually(lambda: not held.is_active)
            self.assertFalse(self.manager.force_cleanup_socket(path))
        with self.manager.acquire(path, server=SERVER, linger=3600):
            pass
        # It lingers without a holder.
        self.assertTrue(self.manager.force_cleanup_socket(path))
        self.assertIsNone(self.manager.inspect(path))

    def test_the_error_about_a_server_that_is_not_ready_in_time_is_in_seconds(self) -> None:
        with self.assertRaises(SocketReferenceError) as raised:
            self.manager.acquire(self.path(), server=ServerCommand(["sleep", "600"], ready_timeout=0.3))
        self.assertIn("within 0.3 s (ready_timeout)", raised.exception.message)

    def test_a_server_is_started_and_shared_and_ended(self) -> None:
        server = ServerCommand(SERVER, env={"GREETING": "hello"})
        with self.manager.acquire(self.path(), server=server) as reference:
            self.assertEqual(reference.role, "member")
            pid, greeting = answer_of(reference).split()
            self.assertEqual(greeting, "hello")
            # The process that started it has released its reference: only this one counts.
            self.eventually(lambda: reference.reference_count == 1)
            with default_manager().acquire(self.path(), server=SERVER) as second:
                self.assertEqual(answer_of(second).split()[0], pid)
                info = self.manager.inspect(self.path())
                assert info is not None and info.server is not None
                self.assertEqual((info.references, info.server.pid, info.server.state), (2, int(pid), "running"))
            self.eventually(lambda: reference.reference_count == 1)
            self.assertEqual(answer_of(reference).split()[0], pid)
        self.assertEqual(self.left(), [])
        self.assertFalse(os.path.exists(f"/proc/{pid}"))

    def test_a_killed_keeper_is_replaced(self) -> None:
        with self.manager.acquire(self.path(), server=SERVER) as reference:
            pid = answer_of(reference)
            info = self.manager.inspect(self.path())
            assert info is not None and info.owner is not None
            os.kill(info.owner.pid, signal.SIGKILL)
            self.eventually(lambda: self.manager.stats().failovers == 1)
            self.assertNotEqual(answer_of(reference), pid)
            self.eventually(lambda: reference.reference_count == 1)
            self.assertTrue(reference.is_active)
        self.assertEqual(self.left(), [])

    def test_keepers_that_die_soon_again_and_again_are_not_replaced_for_ever(self) -> None:
        killed: set[int] = set()

        def kill() -> None:
            info = self.manager.inspect(self.path())
            # The next one, once it has taken the place of the last one.
            if info is not None and info.owner is not None and self.manager.stats().failovers == len(killed):
                killed.add(info.owner.pid)
                os.kill(info.owner.pid, signal.SIGKILL)

        with self.manager.acquire(self.path(), server=SERVER) as reference:

            def is_over() -> bool:
                if reference.is_active:
                    kill()
                return not reference.is_active

            self.eventually(is_over, "no further keeper is started")
            error = reference.reason
        assert error is not None
        self.assertEqual((error.code, error.reason), ("ERR_SOCKREF_SERVER_FAILED", "keeper"))
        self.assertIn("died 6 times in a row", str(error))
        self.assertEqual(self.manager.stats().failovers, 5)
        self.eventually(lambda: self.left() == [])

    def test_a_command_that_fails(self) -> None:
        for command, words in (
            (["false", "{socket}"], "exited with status 1"),
            (["no-such-program-here", "{socket}"], "no-such-program-here"),
        ):
            with self.subTest(command), self.assertRaises(SocketReferenceError) as raised:
                self.manager.acquire(self.path(), server=command)
            self.assertEqual(raised.exception.code, "ERR_SOCKREF_SERVER_FAILED")
            self.assertIn(words, str(raised.exception))
            self.assertEqual(self.left(), [])

    def test_without_the_program_the_error_says_so(self) -> None:
        with mock.patch.dict(os.environ, {"PATH": "/nonexistent"}), self.assertRaises(SocketReferenceError) as raised:
            self.manager.acquire(self.path(), server=SERVER)
        error = raised.exception
        self.assertEqual((error.code, error.reason), ("ERR_SOCKREF_SERVER_FAILED", "not-found"))
        self.assertIn("npm install --global sockref", str(error))

    def test_a_keeper_that_dies_is_reported(self) -> None:
        os.remove(self.program)
        said = "The keeper of /a has died 3 times in a row before the server was up; the last one (pid 9) exited with status 1"
        with open(self.program, "w", opener=lambda path, flags: os.open(path, flags, 0o700)) as program:
            program.write(f"#!/bin/sh\necho 'sockref: {said}' >&2\necho '  no memory' >&2\nexit 125\n")
        with self.assertRaises(SocketReferenceError) as raised:
            self.manager.acquire(self.path(), server=SERVER)
        error = raised.exception
        self.assertEqual((error.code, error.reason), ("ERR_SOCKREF_SERVER_FAILED", "keeper"))
        self.assertIn("died 3 times in a row", str(error))
        self.assertIn("no memory", error.stderr or "")

    def test_a_path_that_is_too_long_for_the_private_directory(self) -> None:
        above = os.path.dirname(self.path())
        path = f"{above}/{'n' * (107 - len(above) - 1)}"
        with self.assertRaises(SocketReferenceError) as raised:
            self.manager.acquire(path, server=SERVER)
        error = raised.exception
        self.assertEqual((error.code, error.path, error.length, error.max), ("ERR_SOCKREF_PATH_TOO_LONG", path, 107, 86))
        self.assertIn("has 107 bytes", str(error))
        self.assertIn("adds 21 more, which makes 128 of at most 107", str(error))
        self.assertEqual(self.left(), [])

    def test_given_up_in_time(self) -> None:
        with self.assertRaises(SocketReferenceError) as raised:
            self.manager.acquire(self.path(), server=["sleep", "600"], timeout=1)
        self.assertEqual(raised.exception.code, "ERR_SOCKREF_TIMEOUT")
        self.eventually(lambda: self.left() == [])

    def test_given_up_while_the_server_is_not_ready_has_its_output(self) -> None:
        self.assertEqual(self._given_up(server=ServerCommand(_HANGING, ready_timeout=600)).stderr, "to stdout\nto stderr")
        self.eventually(lambda: self.left() == [])

    def test_given_up_while_the_server_of_another_is_not_ready_has_its_output(self) -> None:
        command = ["sockref", "run", self.path(), "--ready-timeout", "10m", "--serve", shlex.join(_HANGING), "--", "true"]
        other = subprocess.Popen(command)
        self.addCleanup(other.wait)
        self.addCleanup(other.terminate)
        # Before that the lock file may be there and free, so that we would serve.
        self.eventually(self._server_runs, "its server runs")
        self.assertEqual(self._given_up(serve=lambda connection: connection.close()).stderr, "to stdout\nto stderr")
        other.terminate()
        other.wait()
        self.eventually(lambda: self.left() == [])

    def test_a_forced_stop_ends_those_who_wait_for_a_server_that_is_not_ready(self) -> None:
        command = ["sockref", "run", self.path(), "--ready-timeout", "10m", "--serve", shlex.join(_HANGING), "--", "true"]
        other = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self.addCleanup(other.wait)
        self.addCleanup(other.terminate)
        self.eventually(self._server_runs, "its server runs")
        outcome: list[SocketReferenceError] = []

        def acquire() -> None:
            with self.assertRaises(SocketReferenceError) as raised:
                self.manager.acquire(self.path(), serve=lambda connection: connection.close(), timeout=600)
            outcome.append(raised.exception)

        waiting = threading.Thread(target=acquire)
        waiting.start()
        self.addCleanup(waiting.join)
        self.eventually(self._is_member, "it waits as a member")
        subprocess.run(["sockref", "stop", "--force", self.path()], check=True, stdout=subprocess.DEVNULL)
        waiting.join()
        [error] = outcome
        self.assertEqual((error.code, error.reason), ("ERR_SOCKREF_CLOSED", "stopped"))
        other.wait()
        # It did not start a server of its own.
        self.assertEqual(self.manager.stats().started, 0)
        self.eventually(lambda: self.left() == [])

    def _server_runs(self) -> bool:
        info = self.manager.inspect(self.path())
        return info is not None and info.server is not None and info.server.pid is not None

    def _is_member(self) -> bool:
        info = self.manager.inspect(self.path())
        return info is not None and any(member.pid == os.getpid() for member in info.members or ())

    def _given_up(self, **options: Any) -> SocketReferenceError:
        """The error of an acquire whose time is over, after another acquire has waited for the output."""
        with SocketManager() as manager:
            waiting = threading.Thread(target=self._wait, args=[manager, options])
            waiting.start()
            self.addCleanup(waiting.join)
            self.addCleanup(manager.cleanup_all_sockets)
            self.eventually(lambda: "to stderr" in _output_known_to(manager, self.path()), "it is known where the output is")
            with self.assertRaises(SocketReferenceError) as raised:
                manager.acquire(self.path(), timeout=0.01, **options)
        error = raised.exception
        self.assertEqual((error.code, error.waiting_for), ("ERR_SOCKREF_TIMEOUT", "the server to become ready"))
        return error

    def _wait(self, manager: SocketManager, options: Any) -> None:
        with self.assertRaises(SocketReferenceError) as raised:
            manager.acquire(self.path(), timeout=600, **options)
        self.assertEqual(raised.exception.code, "ERR_SOCKREF_CLOSED")

    def test_with_streams(self) -> None:
        import asyncio

        async def main() -> None:
            async with aio.acquire(self.path(), server=SERVER, manager=self.manager) as reference:
                reader, writer = await reference.open_connection()
                self.assertTrue((await reader.read()).strip().isdigit())
                writer.close()

        asyncio.run(main())
        self.assertEqual(self.left(), [])

    def test_options(self) -> None:
        wrong: list[dict[str, Any]] = [
            {"server": []},
            {"server": "redis-server"},
            {"server": [5]},
            {"server": SERVER, "serve": print},
            {"server": SERVER, "mode": 0o666},
            {"server": SERVER, "reclaim": "stale"},
            {"server": ServerCommand(SERVER, ready_timeout=0)},
        ]
        for options in wrong:
            with self.subTest(options), self.assertRaises(SocketReferenceError) as raised:
                self.manager.acquire(self.path(), **options)
            self.assertEqual(raised.exception.code, "ERR_SOCKREF_INVALID_OPTION")


def _output_known_to(manager: SocketManager, path: str) -> str:
    endpoint = manager.core.find(path)
    place = endpoint and endpoint._wait_reason.output
    return end_of(place) if place else ""


def answer_of(reference: Any) -> str:
    text = b""
    with reference.connect() as connection:
        while chunk := connection.recv(100):
            text += chunk
    return text.decode()


class FileEnd(unittest.TestCase):
    """The end of a server's output in an error; another process has the output in a file."""

    def test_whole_lines_of_the_end_from_where_it_begins(self) -> None:
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"before\n" + b"first\n" * 3)
            file.flush()
            self.assertEqual(end_of(OutputPlace(file.name, 7)), "first\nfirst\nfirst")
            # It was cut, and written again.
            self.assertEqual(end_of(OutputPlace(file.name, 1000)), "before\nfirst\nfirst\nfirst")
            file.write(b"x" * 90 + b"\n" + b"long line\n" * 409)
            file.flush()
            end = end_of(OutputPlace(file.name, 0))
            self.assertEqual(end, "\n".join(["long line"] * 409))

    def test_an_unreadable_file_is_empty(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            os.mkfifo(f"{directory}/fifo")
            os.symlink("/etc/hostname", f"{directory}/link")
            for name in ("", "fifo", "link", "missing", "nul\0"):
                self.assertEqual(end_of(OutputPlace(f"{directory}/{name}", 0)), "", name)
