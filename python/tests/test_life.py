"""The life of a socket, from the first reference to the last."""

from __future__ import annotations

import os
import signal
import socket
import threading
import warnings
from pathlib import Path

from support import Case, in_threads

import sockref
from sockref import SocketManager, SocketReferenceError


def hello(connection: socket.socket) -> None:
    connection.sendall(b"hello")


def answer_of(connection: socket.socket) -> bytes:
    text = b""
    with connection:
        while chunk := connection.recv(100):
            text += chunk
    return text


class Life(Case):
    def setUp(self) -> None:
        super().setUp()
        self.manager = SocketManager()

    def tearDown(self) -> None:
        self.manager.close()

    def test_cycles_leave_nothing(self) -> None:
        with self.manager.acquire(self.path(), serve=hello) as reference:
            self.assertEqual(answer_of(reference.connect()), b"hello")
        before, threads = self.descriptors(), threading.active_count()
        for _ in range(200):
            with self.manager.acquire(self.path(), serve=hello) as reference:
                self.assertEqual(reference.role, "owner")
            self.assertEqual(self.left(), [])
        self.assertEqual(self.descriptors(), before)
        self.assertLessEqual(threading.active_count(), threads)

    def descriptors(self) -> int:
        return len(os.listdir("/proc/self/fd"))

    def test_an_acquire_during_the_stop_gets_a_fresh_socket(self) -> None:
        for _ in range(50):
            first = self.manager.acquire(self.path(), serve=hello)
            closed, second = in_threads(
                2, lambda index, first=first: first.close() if index == 0 else self.manager.acquire(self.path(), serve=hello)
            )
            self.assertIsNone(closed)
            self.assertTrue(second.is_active)
            self.assertEqual(second.reference_count, 1)
            self.assertEqual(answer_of(second.connect()), b"hello")
            second.close()
            self.assertEqual(self.left(), [])

    def test_open_connections_drain(self) -> None:
        began, go_on = threading.Event(), threading.Event()

        def slow(connection: socket.socket) -> None:
            began.set()
            go_on.wait()
            connection.sendall(b"done")

        reference = self.manager.acquire(self.path(), serve=slow)
        connection = reference.connect()
        began.wait()
        closing = threading.Thread(target=reference.close)
        closing.start()
        self.eventually(lambda: self.left() == ["app.sock.lock"])
        info = self.manager.inspect(self.path())
        assert info is not None
        self.assertEqual((info.state, info.references), ("stopping", None))
        record = Path(f"{self.path()}.lock").read_text()
        self.assertEqual(record.count('{"stopping":true}'), 1)
        go_on.set()
        self.assertEqual(answer_of(connection), b"done")
        closing.join()
        self.assertEqual(self.left(), [])

    def test_a_connection_that_does_not_end_is_cut(self) -> None:
        ended = threading.Event()

        def endless(connection: socket.socket) -> None:
            connection.sendall(b"x")
            connection.recv(1)
            ended.set()

        reference = self.manager.acquire(self.path(), serve=endless, drain_timeout=0.05)
        connection = reference.connect()
        self.assertEqual(connection.recv(1), b"x")
        reference.close()
        self.assertEqual(connection.recv(1), b"")
        self.assertTrue(ended.wait(10))
        connection.close()

    def test_a_handler_may_close_the_last_reference(self) -> None:
        references: list[sockref.SocketReference] = []

        def last(connection: socket.socket) -> None:
            references[0].close(wait=False)
            connection.sendall(b"closed")

        reference = self.manager.acquire(self.path(), serve=last)
        references.append(reference)
        self.assertEqual(answer_of(reference.connect()), b"closed")
        self.eventually(lambda: self.left() == [])

    def test_linger(self) -> None:
        self.manager.acquire(self.path(), serve=hello, linger=60).close()
        info = self.manager.inspect(self.path())
        assert info is not None
        self.assertEqual((info.state, info.references), ("lingering", 0))
        with self.manager.acquire(self.path()) as reference:
            self.assertEqual(answer_of(reference.connect()), b"hello")
        self.assertTrue(self.manager.force_cleanup_socket(self.path()))
        self.assertEqual(self.left(), [])
        self.manager.acquire(self.path(), serve=hello, linger=0.01).close()
        self.eventually(lambda: self.left() == [])

    def test_forced_clean_up(self) -> None:
        one = self.manager.acquire(self.path("one.sock"), serve=hello)
        two = self.manager.acquire(self.path("two.sock"), serve=hello)
        self.assertFalse(self.manager.force_cleanup_socket(self.path("three.sock")))
        self.assertTrue(self.manager.force_cleanup_socket(self.path("one.sock")))
        self.assertEqual((one.is_active, one.reference_count, two.is_active), (False, 0, True))
        reason = one.wait_inactive()
        assert reason is not None
        self.assertEqual((reason.code, reason.reason), ("ERR_SOCKREF_CLOSED", "cleaned-up"))
        successor = self.manager.acquire(self.path("one.sock"), serve=hello)
        one.close()
        self.assertTrue(successor.is_active)
        self.manager.cleanup_all_sockets()
        self.assertEqual((successor.is_active, two.is_active, self.left()), (False, False, []))
        two.close()

    def test_wait_inactive(self) -> None:
        reference = self.manager.acquire(self.path(), serve=hello)
        self.assertIsNone(reference.wait_inactive(timeout=0.01))
        waiting = threading.Thread(target=reference.wait_inactive)
        waiting.start()
        reference.close()
        waiting.join(10)
        self.assertFalse(waiting.is_alive())

    def test_a_closed_manager_refuses(self) -> None:
        reference = self.manager.acquire(self.path(), serve=hello)
        self.manager.close()
        self.manager.close()
        self.assertFalse(reference.is_active)
        with self.assertRaises(SocketReferenceError) as raised:
            self.manager.acquire(self.path(), serve=hello)
        self.assertEqual(raised.exception.code, "ERR_SOCKREF_CLOSED")
        default = sockref.default_manager()
        default.close()
        self.assertIsNot(sockref.default_manager(), default)

    def test_removed_files_are_repaired(self) -> None:
        with SocketManager(heal_interval=0.01) as manager:
            reference = manager.acquire(self.path(), serve=hello)
            for name in (self.path(), self.path() + ".ctl", self.path() + ".lock"):
                os.unlink(name)
                self.eventually(lambda name=name: os.path.exists(name))
            self.assertEqual(answer_of(reference.connect()), b"hello")
            with self.manager.acquire(self.path()) as member:
                self.assertEqual(member.role, "member")
            self.assertGreaterEqual(manager.stats().healed, 3)
            reference.close()
            self.assertEqual(self.left(), [])

    def test_a_connection_in_the_owner_repairs_at_once(self) -> None:
        with self.manager.acquire(self.path(), serve=hello) as reference:
            os.unlink(self.path())
            self.assertEqual(answer_of(reference.connect()), b"hello")

    def test_a_replaced_lock_file_deposes(self) -> None:
        with SocketManager(heal_interval=0.01) as manager, self.manager:
            deposed = manager.acquire(self.path(), serve=hello)
            for name in (".lock", ".ctl", ""):
                os.unlink(self.path() + name)
            successor = self.manager.acquire(self.path(), serve=hello)
            self.eventually(lambda: {deposed.reference_count, successor.reference_count} == {2})
            self.assertEqual(sorted([deposed.role, successor.role]), ["member", "owner"])
            self.assertEqual(answer_of(deposed.connect()), b"hello")
            deposed.close()
            successor.close()
            self.assertEqual(self.left(), [])

    def test_a_removed_directory_ends_the_references(self) -> None:
        os.mkdir(f"{self.directory}/d", 0o700)
        with SocketManager(heal_interval=0.01) as manager:
            reference = manager.acquire(f"{self.directory}/d/app.sock", serve=hello)
            os.rename(f"{self.directory}/d", f"{self.directory}/e")
            reason = reference.wait_inactive()
            assert reason is not None
            self.assertEqual((reason.code, reason.reason), ("ERR_SOCKREF_CLOSED", "directory-replaced"))
            self.eventually(lambda: os.listdir(f"{self.directory}/e") == [])
            os.rmdir(f"{self.directory}/e")

    def test_timeouts_say_what_they_waited_for(self) -> None:
        with self.assertRaises(SocketReferenceError) as raised:
            self.manager.acquire(self.path())
        self.assertEqual(raised.exception.code, "ERR_SOCKREF_NOT_SERVED")
        go_on = threading.Event()
        reference = self.manager.acquire(self.path(), serve=lambda connection: go_on.wait())
        connection = reference.connect()
        self.eventually(lambda: self.manager.stats().connections.accepted == 1)
        reference.close(wait=False)
        with self.assertRaises(SocketReferenceError) as raised:
            self.manager.acquire(self.path(), serve=hello, timeout=0.05)
        error = raised.exception
        self.assertEqual((error.code, error.timeout), ("ERR_SOCKREF_TIMEOUT", 0.05))
        self.assertEqual(error.waiting_for, "the previous server to stop")
        go_on.set()
        connection.close()
        self.eventually(lambda: self.left() == [])

    def test_no_signal_handlers_and_no_other_hooks(self) -> None:
        before = [signal.getsignal(number) for number in signal.valid_signals()]
        hooks = (threading.excepthook, signal.set_wakeup_fd(-1))
        with self.manager.acquire(self.path(), serve=hello):
            self.assertEqual([signal.getsignal(number) for number in signal.valid_signals()], before)
        self.assertEqual((threading.excepthook, signal.set_wakeup_fd(-1)), hooks)

    def test_ctrl_c_ends_the_waiting(self) -> None:
        # A shell makes the programs that it runs in the background ignore it.
        self.addCleanup(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, signal.default_int_handler))
        go_on = threading.Event()
        reference = self.manager.acquire(self.path(), serve=lambda connection: go_on.wait())
        connection = reference.connect()
        self.eventually(lambda: self.manager.stats().connections.accepted == 1)
        reference.close(wait=False)

        def interrupt() -> None:
            self.eventually(lambda: self.manager.stats().pending_acquires == 1)
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=interrupt).start()
        with self.assertRaises(KeyboardInterrupt):
            self.manager.acquire(self.path(), serve=hello)
        go_on.set()
        connection.close()
        # An acquire that was given up has no effect later.
        self.eventually(lambda: self.left() == [])
        self.assertEqual(self.manager.active_socket_count, 0)


class Leaks(Case):
    def test_a_dropped_handle_is_released_with_a_warning(self) -> None:
        with SocketManager() as manager, manager.acquire(self.path(), serve=hello) as reference:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                clone = reference.clone()
                self.assertEqual(reference.reference_count, 2)
                del clone
            self.assertEqual([(each.category, self.path() in str(each.message)) for each in caught], [(ResourceWarning, True)])
            self.eventually(lambda: reference.reference_count == 1)
            self.assertEqual(manager.stats().leaked, 1)

    def test_the_last_handle_dropped_ends_the_socket(self) -> None:
        with SocketManager(trace_leaks=True) as manager:
            events: list[sockref.Event] = []
            manager.subscribe(events.append)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                manager.acquire(self.path(), serve=hello)
            self.eventually(lambda: self.left() == [])
            self.eventually(lambda: any(event.kind == "leak" for event in events))
            [leak] = [event for event in events if event.kind == "leak"]
            self.assertIn("test_life.py", leak.trace or "")

    def test_closed_and_collected_handles_are_counted_once(self) -> None:
        with SocketManager() as manager, manager.acquire(self.path(), serve=hello) as reference:
            clone = reference.clone()
            clone.close()
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                del clone
            self.assertEqual((reference.reference_count, manager.stats().leaked), (1, 0))


class Handlers(Case):
    def test_a_handler_that_raises_ends_its_connection(self) -> None:
        def failing(connection: socket.socket) -> None:
            raise ValueError("no")

        events: list[sockref.Event] = []
        with SocketManager() as manager, manager.acquire(self.path(), serve=failing) as reference:
            manager.subscribe(events.append)
            self.assertEqual(answer_of(reference.connect()), b"")
            self.eventually(lambda: [str(event.error) for event in events if event.kind == "fault"] == ["no"])
            self.assertEqual(manager.stats().connections.failed, 1)
            self.assertTrue(reference.is_active)

    def test_a_peer_that_goes_away_is_no_fault(self) -> None:
        def chatty(connection: socket.socket) -> None:
            while True:
                connection.sendall(b"x" * 65_536)

        with SocketManager() as manager, manager.acquire(self.path(), serve=chatty) as reference:
            reference.connect().close()
            self.eventually(lambda: manager.stats().connections.open == 0)
            self.assertEqual((manager.stats().faults, manager.stats().connections.accepted), (0, 1))

    def test_threads_are_bounded_and_reused(self) -> None:
        go_on = threading.Event()
        running: set[int] = set()

        def waiting(connection: socket.socket) -> None:
            running.add(threading.get_ident())
            connection.sendall(b"x")
            go_on.wait()

        limits = sockref.Limits(handler_threads=2)
        with SocketManager(limits=limits) as manager, manager.acquire(self.path(), serve=waiting) as reference:
            connections = [reference.connect() for _ in range(5)]
            self.eventually(lambda: len(running) == 2 and manager.stats().connections.open == 5)
            go_on.set()
            self.assertEqual([answer_of(connection) for connection in connections], [b"x"] * 5)
            self.assertEqual(len(running), 2)

    def test_more_connections_than_allowed_are_closed(self) -> None:
        go_on = threading.Event()
        limits = sockref.Limits(max_connections_per_socket=1)
        with SocketManager(limits=limits) as manager:
            reference = manager.acquire(self.path(), serve=lambda connection: go_on.wait())
            first = reference.connect()
            self.eventually(lambda: manager.stats().connections.open == 1)
            self.assertEqual(answer_of(reference.connect()), b"")
            self.assertEqual(manager.stats().connections.dropped, 1)
            go_on.set()
            first.close()
            reference.close()

    def test_a_fault_without_a_listener_is_a_warning(self) -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with SocketManager() as manager, manager.acquire(self.path(), serve=lambda _: 1 / 0) as reference:
                for _ in range(3):
                    self.assertEqual(answer_of(reference.connect()), b"")
                self.eventually(lambda: manager.stats().faults == 3)
                self.eventually(lambda: caught)
        self.assertEqual([each.category for each in caught], [RuntimeWarning])


class Options(Case):
    def test_wrong_options_are_refused(self) -> None:
        wrong: list[tuple[str, object]] = [
            ("serve", 5),
            ("mode", 0o400),
            ("mode", True),
            ("linger", -1),
            ("linger", float("nan")),
            ("drain_timeout", "5"),
            ("timeout", 0),
            ("timeout", float("inf")),
            ("failover_timeout", 3e9),
            ("reclaim", "all"),
            ("label", "x" * 201),
        ]
        with SocketManager() as manager:
            for name, value in wrong:
                with self.subTest(name, value=value), self.assertRaises(SocketReferenceError) as raised:
                    manager.acquire(self.path(), **{name: value})  # type: ignore[arg-type]
                self.assertEqual(raised.exception.code, "ERR_SOCKREF_INVALID_OPTION")
                self.assertEqual(raised.exception.option, name)
            with self.assertRaises(TypeError):
                manager.acquire(self.path(), lingerMs=5)  # type: ignore[call-arg]
        for limits in ({"max_sockets": 0}, {"cleanup_concurrency": 1.5}):
            with self.assertRaises(SocketReferenceError) as raised:
                sockref.Limits(**limits)  # type: ignore[arg-type]
            self.assertTrue((raised.exception.option or "").startswith("limits."))

    def test_allowed_directories(self) -> None:
        with SocketManager(allowed_directories=[self.directory]) as manager:
            manager.acquire(self.path(), serve=hello).close()
            with self.assertRaises(SocketReferenceError) as raised:
                manager.acquire("/tmp/app.sock", serve=hello)
            self.assertEqual(raised.exception.reason, "not-allowed")
        for wrong in ("relative", [], ["/tmp", "relative"], [5]):
            with self.assertRaises(SocketReferenceError):
                SocketManager(allowed_directories=wrong)  # type: ignore[arg-type]

    def test_mode(self) -> None:
        before = os.umask(0)
        try:
            with SocketManager() as manager:
                with manager.acquire(self.path(), serve=hello):
                    self.assertEqual(os.stat(self.path()).st_mode & 0o777, 0o600)
                with manager.acquire(self.path(), serve=hello, mode=0o666):
                    self.assertEqual(os.stat(self.path()).st_mode & 0o777, 0o666)
                    self.assertEqual(os.stat(self.path() + ".ctl").st_mode & 0o777, 0o600)
                    self.assertEqual(os.stat(self.path() + ".lock").st_mode & 0o777, 0o600)
        finally:
            os.umask(before)

    def test_a_stale_socket_of_ours_is_reclaimed_on_request(self) -> None:
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(self.path())
        with SocketManager() as manager:
            with self.assertRaises(SocketReferenceError) as raised:
                manager.acquire(self.path(), serve=hello)
            self.assertEqual((raised.exception.code, raised.exception.found), ("ERR_SOCKREF_ADDRESS_IN_USE", "socket"))
            manager.acquire(self.path(), serve=hello, reclaim="stale").close()
            with socket.socket(socket.AF_UNIX) as alive:
                alive.bind(self.path())
                alive.listen()
                with self.assertRaises(SocketReferenceError):
                    manager.acquire(self.path(), serve=hello, reclaim="stale")
                os.unlink(self.path())
