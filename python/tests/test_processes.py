"""Exit, fork, and other processes."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import unittest
import warnings
from typing import Any

from support import Case, environment, run_program, started_program, stop

from sockref import SocketManager, SocketReferenceError, acquire, default_manager
from sockref._files.kernel_lock import try_lock
from sockref._files.platform import process_start


def hello(connection: socket.socket) -> None:
    connection.sendall(b"hello")


ACQUIRE = """
    import os, sys, sockref
    reference = sockref.acquire(sys.argv[1], serve=lambda connection: connection.sendall(b"hello"))
    print(reference.role, reference.reference_count, flush=True)
"""


class Exit(Case):
    def test_ends_that_clean_up(self) -> None:
        for end in ("pass", "sys.exit(3)", "raise ValueError", "del reference", "os.kill(os.getpid(), 2)"):
            with self.subTest(end):
                result = run_program(ACQUIRE + f"\n    {end}", self.path())
                self.assertEqual(result.stdout, "owner 1\n", result.stderr)
                self.assertEqual(self.left(), [])

    def test_a_lock_that_could_not_be_removed_is_forgotten_with_its_descriptor(self) -> None:
        program = """
            import os, sys, warnings, sockref
            # A warning says that files are left.
            warnings.simplefilter("ignore", RuntimeWarning)
            real = os.mkdir, os.unlink
            def read_only(*arguments, **named):
                raise PermissionError(13, "Permission denied")
            os.mkdir = os.unlink = read_only
            try:
                sockref.acquire(sys.argv[1] + "/failed.sock", serve=print)
            except (OSError, sockref.SocketReferenceError):
                print("failed", flush=True)
            os.mkdir, os.unlink = real
            os.unlink(sys.argv[1] + "/failed.sock.lock")
        """
        result = run_program(program, self.directory)
        self.assertEqual((result.stdout, result.stderr, result.returncode), ("failed\n", "", 0))
        self.assertEqual(self.left(), [])

    def test_the_number_of_a_lock_that_other_code_closed_is_neither_read_nor_closed(self) -> None:
        program = ACQUIRE + """
    [fd] = [int(fd) for fd in os.listdir("/proc/self/fd") if os.path.realpath(f"/proc/self/fd/{fd}").endswith(".lock")]
    os.close(fd)
    decoy = sys.argv[1] + ".decoy"
    with open(sys.argv[1] + ".lock") as lock, open(decoy, "w") as copy:
        copy.write(lock.read())
    os.dup2(os.open(decoy, os.O_RDWR), fd)
"""
        result = run_program(program, self.path())
        self.assertIn("closed a descriptor of sockref", result.stderr)
        self.assertEqual(self.left(), ["app.sock", "app.sock.ctl", "app.sock.decoy", "app.sock.lock"])
        for name in self.left():
            os.unlink(self.path(name))

    def test_a_deadly_signal_leaves_what_the_next_acquire_removes(self) -> None:
        for number in (signal.SIGKILL, signal.SIGTERM):
            result = run_program(ACQUIRE + f"\n    os.kill(os.getpid(), {int(number)})", self.path())
            self.assertEqual(result.returncode, -number)
            self.assertEqual(self.left(), ["app.sock", "app.sock.ctl", "app.sock.lock"])
            with SocketManager() as manager:
                info = manager.inspect(self.path())
                assert info is not None
                self.assertEqual(info.state, "stale")
                with manager.acquire(self.path(), serve=hello) as reference:
                    self.assertEqual((reference.role, manager.stats().reclaimed), ("owner", 1))

    def test_nothing_keeps_the_process_alive(self) -> None:
        program = ACQUIRE + """
    sockref.default_manager().subscribe(print)
    connection = reference.connect()
    clones = [reference.clone() for _ in range(100)]
"""
        result = run_program(program, self.path())
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_handlers_that_wait_do_not_delay_the_exit(self) -> None:
        program = """
            import sys, sockref
            reference = sockref.acquire(sys.argv[1], serve=lambda connection: connection.recv(1))
            connections = [reference.connect() for _ in range(3)]
        """
        result = run_program(program, self.path())
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_references_that_are_used_at_the_exit(self) -> None:
        program = """
            import atexit, sys
            def late():
                print(reference.is_active, reference.reason.code, sockref.default_manager().active_socket_count)
                reference.close()
            atexit.register(late)
            import sockref
            reference = sockref.acquire(sys.argv[1], serve=lambda connection: None)
        """
        result = run_program(program, self.path())
        self.assertEqual((result.stdout, result.stderr), ("False ERR_SOCKREF_CLOSED 0\n", ""))

    def test_nothing_hangs_after_the_exit_has_begun(self) -> None:
        program = """
            import atexit, sys, threading
            def late():
                manager = sockref.default_manager()
                manager.cleanup_all_sockets()
                print(manager.force_cleanup_socket(sys.argv[1]), manager.get_existing(sys.argv[1]))
                for use in (lambda: manager.acquire(sys.argv[1], serve=print), manager.stats, reference.connect):
                    try:
                        use()
                    except Exception as error:
                        print(type(error).__name__)
            atexit.register(late)
            import sockref
            reference = sockref.acquire(sys.argv[1], serve=lambda connection: None)
        """
        result = run_program(program, self.path())
        expected = ["False None", "RuntimeError", "RuntimeError", "SocketReferenceError"]
        self.assertEqual((result.stdout.splitlines(), result.stderr), (expected, ""))

    def test_ctrl_c_while_closing_does_not_keep_the_reference(self) -> None:
        program = """
            import os, signal, sys, threading, sockref
            # A shell makes the programs that it runs in the background ignore it.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            go_on = threading.Event()
            reference = sockref.acquire(sys.argv[1], serve=lambda connection: go_on.wait())
            connection = reference.connect()
            while sockref.default_manager().stats().connections.accepted == 0:
                pass
            def interrupt():
                while reference.is_active:
                    pass
                os.kill(os.getpid(), signal.SIGINT)
            threading.Thread(target=interrupt).start()
            try:
                reference.close()
            except KeyboardInterrupt:
                print(reference.is_active)
            # It came at some moment of the end, which continues: the file may exist for another moment.
            while os.path.exists(sys.argv[1]):
                pass
            go_on.set()
            connection.close()
        """
        result = run_program(program, self.path())
        self.assertEqual((result.stdout, result.stderr), ("False\n", ""))

    def test_members_outlive_an_owner_that_exits(self) -> None:
        with started_program(ACQUIRE + "\n    sys.stdin.read()", self.path()) as owner, SocketManager() as manager:
            assert owner.stdout is not None and owner.stdin is not None
            self.assertEqual(owner.stdout.readline(), "owner 1\n")
            with manager.acquire(self.path(), serve=hello) as reference:
                self.assertEqual((reference.role, reference.reference_count), ("member", 2))
                owner.stdin.close()
                owner.wait()
                self.eventually(lambda: reference.role == "owner")
                with reference.connect() as connection:
                    self.assertEqual(connection.recv(10), b"hello")
                self.assertEqual(reference.reference_count, 1)

    def test_an_owner_that_is_stopped_is_unresponsive(self) -> None:
        with started_program(ACQUIRE + "\n    sys.stdin.read()", self.path()) as owner, SocketManager() as manager:
            assert owner.stdout is not None
            owner.stdout.readline()
            stop(owner.pid)
            with self.assertRaises(SocketReferenceError) as raised:
                manager.acquire(self.path(), serve=hello, timeout=0.2)
            error = raised.exception
            self.assertEqual((error.code, error.pid), ("ERR_SOCKREF_OWNER_UNRESPONSIVE", owner.pid))
            advice = f"; it is stopped; continue it with kill -CONT {owner.pid}, or end it with kill -KILL {owner.pid}"
            self.assertTrue(str(error).endswith(advice), str(error))
            os.kill(owner.pid, signal.SIGCONT)
            with manager.acquire(self.path(), serve=hello) as reference:
                self.assertEqual(reference.role, "member")
            owner.stdin.close()  # type: ignore[union-attr]
            owner.wait()

    def test_the_message_about_a_running_owner_does_not_say_stopped_and_does_not_advise_to_end_it(self) -> None:
        start = process_start(os.getpid())
        cases = [(start, "; it runs, and is busy or cannot accept another connection; wait longer, or look at what it does")]
        cases.append(("1", "; its state cannot be seen from here; look at it where it runs, and wait longer if it is busy"))
        for began, says in cases:
            with self.subTest(began), open(self.path() + ".lock", "w+b") as file:
                os.chmod(file.fileno(), 0o600)
                self.assertTrue(try_lock(file.fileno()))
                record = {"sockref": 1, "pid": os.getpid(), "start": began, "since": 1}
                file.write(json.dumps(record).encode() + b"\n")
                file.flush()
                with SocketManager() as manager, self.assertRaises(SocketReferenceError) as raised:
                    manager.acquire(self.path(), serve=hello, timeout=0.1)
                self.assertEqual(raised.exception.code, "ERR_SOCKREF_OWNER_UNRESPONSIVE")
                self.assertTrue(str(raised.exception).endswith(says), str(raised.exception))
                os.unlink(file.name)


def in_child(work: Any) -> str:
    """Runs a function in a forked child. Returns what the child reports."""
    read, write = os.pipe()
    with warnings.catch_warnings():
        # The test needs that this process has threads.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        said = "nothing"
        try:
            os.close(read)
            said = str(work())
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        finally:
            os.write(write, said.encode())
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as file:
        said = file.read()
    os.waitpid(pid, 0)
    return said


class Fork(Case):
    def setUp(self) -> None:
        super().setUp()
        self.manager = SocketManager()

    def tearDown(self) -> None:
        self.manager.close()

    def test_a_child_has_no_references(self) -> None:
        owner = self.manager.acquire(self.path(), serve=hello)
        member = default_manager().acquire(self.path(), serve=hello)

        def look() -> Any:
            seen: list[Any] = [
                (each.is_active, each.reference_count, each.path == self.path(), each.reason and each.reason.reason)
                for each in (owner, member)
            ]
            try:
                owner.clone()
            except SocketReferenceError as error:
                seen.append((error.code, error.reason))
            for each in (owner, member):
                each.close()
            return [*seen, self.manager.active_socket_count, default_manager().is_socket_active(self.path())]

        said = in_child(look)
        gone = (False, 0, True, "forked")
        self.assertEqual(said, str([gone, gone, ("ERR_SOCKREF_CLOSED", "forked"), 0, False]))
        # Neither the child's closing nor its end changed anything.
        self.assertEqual((owner.reference_count, owner.role, member.role), (2, "owner", "member"))
        with member.connect() as connection:
            self.assertEqual(connection.recv(10), b"hello")
        member.close()
        self.assertEqual(owner.reference_count, 1)
        owner.close()
        self.assertEqual(self.left(), [])

    def test_a_child_keeps_none_of_its_parents_descriptors(self) -> None:
        owner = self.manager.acquire(self.path(), serve=hello)
        member = default_manager().acquire(self.path())

        def kept() -> list[str]:
            found: list[str] = []
            for fd in os.listdir("/proc/self/fd"):
                try:
                    found.append(os.readlink(f"/proc/self/fd/{fd}"))
                except FileNotFoundError:
                    pass
            return [target for target in found if self.directory in target or "eventpoll" in target]

        self.assertEqual(in_child(kept), "[]")
        member.close()
        owner.close()

    def test_a_child_that_outlives_its_parent_keeps_neither_lock_nor_membership(self) -> None:
        program = ACQUIRE + """
    import time
    if os.fork() == 0:
        os.close(1)
        print(os.getpid(), file=sys.stderr, flush=True)
        time.sleep(60)
        os._exit(0)
    sys.stdin.read()
"""
        command = [sys.executable, "-W", "ignore", "-c", _dedent(program), self.path()]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(command, env=environment(), text=True, **pipes) as parent:
            assert parent.stdout is not None and parent.stderr is not None
            parent.stdout.readline()
            child = int(parent.stderr.readline())
            parent.kill()
            parent.wait()
            try:
                with self.manager.acquire(self.path(), serve=hello, timeout=5) as reference:
                    self.assertEqual(reference.role, "owner")
            finally:
                os.kill(child, signal.SIGKILL)

    def test_a_child_can_acquire_its_own_reference(self) -> None:
        owner = self.manager.acquire(self.path(), serve=hello)

        def share() -> Any:
            with self.manager.acquire(self.path()) as one, acquire(self.path()) as two:
                with one.connect() as connection:
                    said = connection.recv(10)
                return one.role, one.reference_count, two.reference_count, said

        self.assertEqual(in_child(share), str(("member", 3, 3, b"hello")))
        self.eventually(lambda: owner.reference_count == 1)
        owner.close()

        def serve() -> Any:
            with self.manager.acquire(self.path(), serve=hello) as one, one.connect() as connection:
                return one.role, connection.recv(10)

        self.assertEqual(in_child(serve), str(("owner", b"hello")))
        self.assertEqual(self.left(), [])

    def test_a_handler_may_fork_and_let_the_child_continue(self) -> None:
        def forking(connection: socket.socket) -> None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                pid = os.fork()
            if pid == 0:
                connection.sendall(b"from the child")
                os._exit(0)
            os.waitpid(pid, 0)

        with self.manager.acquire(self.path(), serve=forking) as reference, reference.connect() as connection:
            self.assertEqual(connection.recv(100), b"from the child")
            self.assertEqual(connection.recv(100), b"")

    def test_forks_in_the_middle_of_everything(self) -> None:
        from support import in_threads

        with self.manager.acquire(self.path(), serve=hello) as reference:

            def work(index: int) -> Any:
                if index == 0:
                    return [in_child(lambda: reference.is_active) for _ in range(25)]
                for round_ in range(60):
                    name = self.path(f"{index}-{round_ % 3}.sock")
                    with self.manager.acquire(name, serve=hello) as own, own.connect() as connection:
                        assert connection.recv(10) == b"hello"
                    reference.clone().close()
                return None

            said = in_threads(4, work)[0]
            self.assertEqual(said, ["False"] * 25)
            self.assertEqual(reference.reference_count, 1)

    @unittest.skipIf(sys.platform == "darwin", "fork is not safe with what macOS loads")
    def test_multiprocessing(self) -> None:
        for method in ("fork", "spawn", "forkserver"):
            with self.subTest(method), warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context: Any = multiprocessing.get_context(method)
                with self.manager.acquire(self.path(), serve=hello) as reference:
                    with context.Pool(2) as pool:
                        said = pool.map(share_in_pool, [self.path()] * 4)
                        self.assertEqual(said, [b"hello"] * 4)
                        pool.close()
                        pool.join()
                    self.eventually(lambda reference=reference: reference.reference_count == 1)
                self.assertEqual(self.left(), [])
                # A child that ends while it owns a socket removes its files, with every start method.
                child = context.Process(target=own_until_the_end, args=[self.path()])
                child.start()
                child.join()
                self.assertEqual((child.exitcode, self.left()), (0, []))


def share_in_pool(path: str) -> bytes:
    with acquire(path) as reference, reference.connect() as connection:
        return connection.recv(10)


kept: list[Any] = []


def own_until_the_end(path: str) -> None:
    kept.append(acquire(path, serve=hello))
    assert kept[0].role == "owner"


def _dedent(program: str) -> str:
    import textwrap

    return textwrap.dedent(program)


class Orphans(Case):
    def test_the_server_of_a_dead_keeper_is_ended(self) -> None:
        """Leaves what a killed keeper leaves: a record that names a process group, in a file that is not locked."""
        server = subprocess.Popen(["sleep", "600"], start_new_session=True)
        start = process_start(server.pid)
        group = f'{{"pgid":{server.pid},"start":"{start}","signal":"SIGTERM","graceMs":5000}}'
        with open(self.path() + ".lock", "w", encoding="utf-8") as file:
            file.write(f'{{"sockref":1,"pid":1,"since":1}}\n{{"server":{group}}}\n')
        os.chmod(self.path() + ".lock", 0o600)
        with SocketManager() as manager, manager.acquire(self.path(), serve=hello) as reference:
            self.assertEqual(reference.role, "owner")
            self.assertEqual(server.wait(10), -signal.SIGTERM)

    def test_a_later_process_with_the_same_number_is_left_alone(self) -> None:
        server = subprocess.Popen(["sleep", "600"], start_new_session=True)
        group = f'{{"pgid":{server.pid},"start":"1","signal":"SIGKILL","graceMs":0}}'
        with open(self.path() + ".lock", "w", encoding="utf-8") as file:
            file.write(f'{{"sockref":1,"pid":1,"since":1}}\n{{"server":{group}}}\n')
        os.chmod(self.path() + ".lock", 0o600)
        with SocketManager() as manager:
            manager.acquire(self.path(), serve=hello).close()
        self.assertIsNone(server.poll())
        server.kill()
        server.wait()
