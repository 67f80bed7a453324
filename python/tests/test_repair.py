"""Repair: files are checked again and again, and a step that fails does not stop the others."""

from __future__ import annotations

import errno
import json
import os
import socket
import stat
import threading
import unittest
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from support import Case, run_program, started_program

import sockref
from sockref._files import directory
from sockref._files.identity import Found
from sockref._files.lock_file import LockFile

_NAMES = ("app.sock", "app.sock.ctl", "app.sock.lock")


def _serve(connection: socket.socket) -> None:
    connection.sendall(b"hello")


class Repair(Case):
    def setUp(self) -> None:
        super().setUp()
        self.events: list[sockref.Event] = []
        self.manager = sockref.SocketManager(heal_interval=0.005)
        self.addCleanup(self.manager.subscribe(self.events.append))
        # Before the directory is read.
        self.addCleanup(self.manager.close)

    def acquire(self) -> sockref.SocketReference:
        return self.manager.acquire(self.path(), serve=_serve)

    def told(self, kind: str) -> list[sockref.Event]:
        return [event for event in self.events if event.kind == kind]

    def mode(self, name: str) -> int:
        return stat.S_IMODE(os.lstat(self.path(name)).st_mode)

    def private(self) -> list[str]:
        return [name for name in self.left() if name.startswith(".sr-")]

    def test_changed_modes_are_restored_and_reported(self) -> None:
        with self.acquire():
            for name in _NAMES:
                os.chmod(self.path(name), 0o666)
            self.eventually(lambda: all(self.mode(name) == 0o600 for name in _NAMES))
            self.eventually(lambda: len(self.told("fault")) >= 3)
            said = sorted(str(event.error) for event in self.told("fault"))
            for name, text in zip(_NAMES, said, strict=True):
                self.assertIn(f'"{self.path(name)}" was changed to 0666, and was set back to 0600', text)

    def test_a_record_that_another_program_changed_is_written_again_and_reported(self) -> None:
        lock = self.path("app.sock.lock")
        with self.acquire():
            with open(lock, "rb") as file:
                before = file.read().splitlines()
            for times, change in enumerate((lambda: os.truncate(lock, 0), lambda: os.truncate(lock, 20), self._extend), 1):
                change()
                self.eventually(lambda times=times: len(self.told("fault")) == times)
                with open(lock, "rb") as file:
                    after = file.read().splitlines()
                for name in ("pid", "start", "sockref"):
                    self.assertEqual(json.loads(after[0])[name], json.loads(before[0])[name])
                published = [line for line in before if b"published" in line]
                self.assertEqual(after[1:], published)
            self.assertIn(f'The record in "{lock}" was changed by another program', str(self.told("fault")[0].error))
        self.assertEqual(self.left(), [])

    def _extend(self) -> None:
        with open(self.path("app.sock.lock"), "ab") as file:
            file.write(b'{"temporary":"x"}\n')

    def test_the_mode_of_a_foreign_file_is_left_alone(self) -> None:
        with self.acquire():
            os.unlink(self.path())
            self.eventually(lambda: self.told("healed"))
            with open(self.path("other"), "w") as file:
                os.fchmod(file.fileno(), 0o644)
            os.replace(self.path("other"), self.path())
            self.eventually(lambda: self.told("fault"))
            self.assertEqual(self.mode("app.sock"), 0o644)
            os.unlink(self.path())

    def test_a_repair_that_fails_does_not_depose_the_owner(self) -> None:
        with self.acquire() as reference:
            with mock.patch.object(LockFile, "begin", side_effect=OSError(28, "no space")):
                os.unlink(self.path("app.sock.lock"))
                # More than one check: the first must leave no file that a later one takes for another owner's.
                self.eventually(lambda: len(self.told("fault")) >= 3)
                self.assertEqual(self.told("failover"), [])
                self.assertTrue(reference.is_active)
            self.eventually(lambda: self.told("healed"))
            self.assertEqual(self.told("healed")[0].files, ("app.sock.lock",))
            self.assertEqual(reference.role, "owner")

    def test_a_check_that_fails_does_not_depose_the_owner(self) -> None:
        look = directory.look
        with self.acquire() as reference:
            for name in (self.directory.encode(), b"app.sock.lock"):
                for number in (errno.EIO, errno.ENOMEM, errno.EACCES):
                    told = len(self.told("fault"))

                    def fail(asked: bytes, dir_fd: int | None = None, name: bytes = name, number: int = number) -> Found | None:
                        if asked == name:
                            raise OSError(number, os.strerror(number))
                        return look(asked, dir_fd)

                    with mock.patch.object(directory, "look", fail):
                        self.eventually(lambda told=told: len(self.told("fault")) > told + 1)
            self.assertTrue(reference.is_active)
            self.assertEqual((reference.role, self.told("lost"), self.told("failover")), ("owner", [], []))

    def test_a_start_does_not_read_the_lock_file_that_it_has_made(self) -> None:
        with mock.patch.object(LockFile, "record", side_effect=OSError(errno.EIO, "on purpose")):
            # It is empty, so there is nothing to read.
            self.acquire().close()

    @contextmanager
    def _refused(self) -> Generator[None]:
        """Private directories cannot be removed."""
        rmdir = os.rmdir

        def refuse(path: Any, *, dir_fd: int | None = None) -> None:
            if str(path).startswith(".sr-"):
                raise OSError(16, "busy")
            rmdir(path, dir_fd=dir_fd)

        with mock.patch("os.rmdir", refuse):
            yield

    def test_a_later_check_removes_a_private_directory_that_could_not_be_removed(self) -> None:
        with self._refused():
            reference = self.acquire()
            self.assertEqual(len(self.private()), 1)
        self.eventually(lambda: not self.private())
        self.eventually(lambda: len(self.told("fault")) == 1)
        reference.close()

    def test_a_private_directory_that_the_end_cannot_remove_keeps_its_record(self) -> None:
        with self._refused():
            reference = self.acquire()
            with self.assertRaises(sockref.SocketReferenceError):
                reference.close()
        [left] = self.private()
        self.assertEqual(self.left(), [left, "app.sock.lock"])
        with open(self.path("app.sock.lock")) as file:
            self.assertIn(left, file.read())
        self.acquire().close()

    def test_no_caller_waits_for_a_lock_that_cannot_be_released(self) -> None:
        release = LockFile.release

        def fail(lock: LockFile) -> None:
            release(lock)
            raise OSError(5, "on purpose")

        with self.acquire() as reference, mock.patch.object(LockFile, "release", fail):
            with open(self.path("other"), "w") as file:
                os.fchmod(file.fileno(), 0o600)
            # In one step: a check that finds no lock file makes a new one, and is not deposed.
            os.link(self.path("app.sock.lock"), self.path("gone"))
            os.replace(self.path("other"), self.path("app.sock.lock"))
            self.eventually(lambda: self.told("stopped"))
            self.assertTrue(reference.is_active)
        os.unlink(self.path("gone"))


class Nameless(Case):
    def setUp(self) -> None:
        super().setUp()
        self.enterContext(mock.patch.dict(os.environ, {"SOCKREF_DIR": self.directory}))
        self.manager = sockref.SocketManager()
        self.addCleanup(self.manager.close)

    def _left_by_a_killed_process(self) -> None:
        program = """
            import os, signal, sockref
            reference = sockref.acquire(serve=lambda connection: None)
            os.kill(os.getpid(), signal.SIGKILL)
        """
        run_program(program)

    def _stale(self, count: int) -> None:
        record = json.dumps({"sockref": 1, "pid": 4_000_000, "since": 0}) + "\n"
        for made in range(count):
            with open(self.path(f"{made:032}.sock.lock"), "w") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write(record.replace(" ", ""))

    def _locks(self) -> int:
        return sum(name.endswith(".lock") for name in self.left())

    def test_the_next_acquire_removes_what_a_killed_process_left(self) -> None:
        self._left_by_a_killed_process()
        self.assertEqual(len(self.left()), 3)
        with self.manager.acquire(serve=_serve) as reference:
            self.eventually(lambda: self._locks() == 1)
            with reference.connect() as connection:
                self.assertEqual(connection.recv(10), b"hello")

    def test_live_sockets_are_left_alone(self) -> None:
        program = """
            import sockref, sys
            with sockref.acquire(serve=lambda connection: None) as reference:
                print(reference.path, flush=True)
                sys.stdin.read()
        """
        with started_program(program) as other:
            assert other.stdout and other.stdin
            path = other.stdout.readline().strip()
            self._left_by_a_killed_process()
            with self.manager.acquire(serve=_serve), self.manager.acquire(serve=_serve):
                self.eventually(lambda: self._locks() == 3)
                info = self.manager.inspect(path)
                assert info
                self.assertEqual(info.state, "active")
            other.stdin.close()
            other.wait()

    def test_a_few_at_a_time(self) -> None:
        left = 17
        self._stale(left)
        while left > 0:
            self.manager.acquire(serve=_serve).close()
            left = max(0, left - 8)
            self.eventually(lambda: self._locks() <= left)
            self.assertEqual(self._locks(), left)

    def test_not_with_a_name(self) -> None:
        self._stale(1)
        self.manager.acquire("named", serve=_serve).close()
        self.assertEqual(self._locks(), 1)
        self.manager.acquire(serve=_serve).close()
        self.eventually(lambda: not self.left())


class FailingCloses(Case):
    """An error of `close()` is about unwritten data, on which no code here depends."""

    def test_a_close_that_fails_does_not_stop_the_end(self) -> None:
        complaints: list[dict[str, Any]] = []
        self.enterContext(mock.patch("asyncio.BaseEventLoop.default_exception_handler", lambda _, what: complaints.append(what)))
        events: list[sockref.Event] = []
        with sockref.SocketManager() as owner, sockref.SocketManager() as member:
            for manager in (owner, member):
                self.addCleanup(manager.subscribe(events.append))
            with _failing_closes() as failed:
                first = owner.acquire(self.path(), serve=_serve)
                second = member.acquire(self.path(), serve=_serve)
                with second.connect() as connection:
                    self.assertEqual(connection.recv(16), b"hello")
                first.close()
                second.close()
            self.assertGreater(len(failed), 2)
        self.assertEqual(complaints, [])
        self.assertEqual([event for event in events if event.kind == "fault"], [])
        self.assertEqual(self.left(), [])


@contextmanager
def _failing_closes() -> Generator[list[int]]:
    """Closes each socket, as Linux does, and then raises that the disk is full. Does not concern the test's own sockets."""
    failed: list[int] = []
    close = socket.socket._real_close  # type: ignore[attr-defined]

    def close_and_fail(sock: socket.socket) -> None:
        fd = sock.fileno()
        close(sock)
        if threading.current_thread() is not threading.main_thread() and fd >= 0:
            failed.append(fd)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with mock.patch.object(socket.socket, "_real_close", close_and_fail):
        yield failed


if __name__ == "__main__":
    unittest.main()
