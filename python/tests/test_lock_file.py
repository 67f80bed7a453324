"""A lock file is taken again in the same object, and an exit, a kill or a fork never leaves it behind."""

from __future__ import annotations

import os
import signal
import unittest
from unittest import mock

from support import Case, run_program

import sockref
from sockref._files.directory import Directory
from sockref._files.lock_file import LockFile
from sockref._files.locking import Absent, Busy, peek_record
from sockref._files.place import EndpointNames, Place
from sockref._files.record import Entry, temporary_entry

_LEFT = ".sr-0123456789abcdef"


def _raise(error: Exception) -> None:
    raise error


def _no_space() -> list[Entry]:
    raise OSError(28, "no space")


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


class LockFiles(Case):
    def setUp(self) -> None:
        super().setUp()
        self.place = Place(Directory.open(self.directory), EndpointNames.of("app.sock"), self.path())
        self.addCleanup(self.place.directory.release)
        self.lock_path = f"{self.path()}.lock"

    def take(self) -> LockFile:
        lock = LockFile.attempt(self.place, create=True)
        assert isinstance(lock, LockFile)
        return lock

    def test_is_held_once_and_released_many_times(self) -> None:
        before = _descriptors()
        self.assertIsInstance(LockFile.attempt(self.place, create=False), Absent)
        lock = self.take()
        self.assertTrue(lock.was_empty)
        self.assertEqual(_descriptors(), before + 1)
        self.assertIsInstance(LockFile.attempt(self.place, create=True), Busy)
        lock.remove()
        self.assertEqual(_descriptors(), before)
        following = self.take()
        lock.remove()
        lock.release()
        self.assertEqual(following.check(), "linked")
        following.remove()

    def test_restores_the_mode_of_its_file(self) -> None:
        lock = self.take()
        self.assertIsNone(lock.restore_mode())
        os.chmod(self.lock_path, 0o644)
        self.assertEqual(lock.restore_mode(), (0o644, 0o600))
        self.assertEqual(os.stat(self.lock_path).st_mode & 0o7777, 0o600)
        lock.remove()

    def test_a_torn_line_is_cut_off(self) -> None:
        lock = self.take()
        lock.begin()
        pwrite = os.pwrite
        calls: list[int] = []

        def partly(fd: int, data: bytes, at: int) -> int:
            calls.append(at)
            if len(calls) > 1:
                raise OSError(28, "no space")
            return pwrite(fd, data[:5], at)

        with mock.patch("os.pwrite", partly), self.assertRaises(OSError):
            lock.append(temporary_entry(_LEFT))
        self.assertEqual(len(calls), 2)
        lock.append(temporary_entry(_LEFT))
        record = lock.record()
        assert record is not None
        self.assertEqual(record.temporaries, [_LEFT])
        lock.remove()

    def test_is_taken_again_with_a_new_record_in_the_same_object(self) -> None:
        lock = self.take()
        lock.begin()
        before = _descriptors()
        os.unlink(self.lock_path)
        self.assertEqual(lock.check(), "missing")
        self.assertTrue(lock.retake(lambda: [temporary_entry(_LEFT)], _raise))
        self.assertEqual((lock.check(), lock.is_open()), ("linked", True))
        record = peek_record(self.place)
        assert record is not None
        self.assertEqual((record.pid, record.temporaries), (os.getpid(), [_LEFT]))
        self.assertEqual(_descriptors(), before)
        self.assertIsInstance(LockFile.attempt(self.place, create=True), Busy)
        lock.remove()
        self.assertEqual(_descriptors(), before - 1)

    def test_is_not_taken_again_if_another_process_was_faster(self) -> None:
        lock = self.take()
        os.unlink(self.lock_path)
        other = self.take()
        self.assertEqual(lock.check(), "replaced")
        self.assertFalse(lock.retake(list, _raise))
        self.assertEqual(other.check(), "linked")
        other.remove()
        lock.release()

    def test_does_not_close_a_file_with_the_number_of_a_descriptor_that_other_code_closed(self) -> None:
        lock = self.take()
        os.close(lock.fd)
        other = os.open(self.directory, os.O_RDONLY)
        self.addCleanup(os.close, other)
        self.assertEqual(other, lock.fd)
        self.assertFalse(lock.is_open())
        os.unlink(self.lock_path)
        self.assertTrue(lock.retake(list, _raise))
        self.assertTrue(os.path.samestat(os.fstat(other), os.stat(self.directory)))
        lock.remove()

    def test_stays_unchanged_after_a_failure_and_is_taken_again_by_the_next_call(self) -> None:
        lock = self.take()
        fd, before = lock.fd, _descriptors()
        os.unlink(self.lock_path)
        with self.assertRaisesRegex(sockref.SocketReferenceError, "would exceed"):
            lock.retake(lambda: [temporary_entry("x" * 70_000)], _raise)
        self.assertEqual((lock.fd, _descriptors(), lock.check()), (fd, before, "missing"))
        self.assertTrue(lock.retake(list, _raise))
        lock.remove()

    def test_a_file_that_a_failure_left_is_no_rival(self) -> None:
        lock = self.take()
        os.unlink(self.lock_path)
        told: list[Exception] = []
        with mock.patch("os.unlink", side_effect=OSError(5, "on purpose")), self.assertRaises(OSError) as failed:
            lock.retake(_no_space, told.append)
        self.assertEqual((failed.exception.errno, [str(error) for error in told]), (28, ["[Errno 5] on purpose"]))
        self.assertEqual((self.left(), lock.check()), (["app.sock.lock"], "missing"))
        self.assertTrue(lock.retake(list, _raise))
        self.assertEqual(lock.check(), "linked")
        lock.remove()


_PROGRAM = """
    import os, signal, sys
    from sockref._files import held_locks, inherited
    from sockref._files.directory import Directory
    from sockref._files.lock_file import LockFile
    from sockref._files.locking import Busy
    from sockref._files.place import EndpointNames, Place
    from sockref._files.record import temporary_entry

    path, moment, way = sys.argv[1:]
    place = Place(Directory.open(os.path.dirname(path)), EndpointNames.of("app.sock"), path)
    lock = LockFile.attempt(place, create=True)

    def made(digit):
        name = f".sr-{digit * 16}"
        os.mkdir(os.path.join(os.path.dirname(path), name), 0o700)
        return temporary_entry(name)

    # The lost file names this one alone.
    before = made("0")
    lock.begin(before)
    os.unlink(f"{path}.lock")
    left = False

    def locks():
        links = []
        for fd in os.listdir("/proc/self/fd"):
            try:
                links.append(os.readlink(f"/proc/self/fd/{fd}"))
            except FileNotFoundError:
                # The listing itself had it open.
                pass
        return [link for link in links if ".lock" in link]

    def leave():
        global left
        left = True
        if way == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if way == "exit":
            held_locks.clean_up()
            os._exit(7)
        child = os.fork()
        if child == 0:
            held_locks.forget_all()
            inherited.close_all_in_child()
            os._exit(len(locks()))
        print("child", os.waitpid(child, 0)[1], flush=True)

    name, comes = {
        "locked": ("pread", lambda fd, size, at: True),
        "recorded": ("pwrite", lambda fd, data, at: b"sockref" in data),
        "closed": ("close", lambda fd: True),
    }[moment]
    original = getattr(os, name)

    def watched(*arguments):
        result = original(*arguments)
        if not left and comes(*arguments):
            leave()
        return result

    setattr(os, name, watched)
    assert lock.retake(lambda: [before, made("1")], print)
    assert left
    assert isinstance(LockFile.attempt(place, create=True), Busy)
    assert len(locks()) == 1
    held_locks.clean_up()
"""
"""Takes a lock again, and ends within a system call of that; the argument `way` says how."""


class Moments(Case):
    def _leave(self, moment: str, way: str) -> tuple[int, str, str]:
        done = run_program(_PROGRAM, self.path(), moment, way)
        return done.returncode, done.stdout, done.stderr

    def test_an_exit_in_the_middle_leaves_nothing(self) -> None:
        for moment in ("locked", "recorded", "closed"):
            with self.subTest(moment):
                self.assertEqual(self._leave(moment, "exit"), (7, "", ""))
                self.assertEqual(self.left(), [])

    def test_the_next_owner_removes_what_a_kill_in_the_middle_left(self) -> None:
        for moment in ("recorded", "closed"):
            with self.subTest(moment):
                self.assertEqual(self._leave(moment, "kill"), (-signal.SIGKILL, "", ""))
                self.assertEqual(len(self.left()), 3)
                sockref.acquire(self.path(), serve=lambda connection: None).close()
                self.assertEqual(self.left(), [])

    def test_a_child_that_is_forked_in_the_middle_has_no_lock(self) -> None:
        for moment in ("locked", "recorded", "closed"):
            with self.subTest(moment):
                self.assertEqual(self._leave(moment, "fork"), (0, "child 0\n", ""))
                self.assertEqual(self.left(), [])


if __name__ == "__main__":
    unittest.main()
