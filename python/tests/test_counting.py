"""Counts, within one process and across managers."""

from __future__ import annotations

import random

from support import Case, in_threads

import sockref
from sockref import Limits, SocketManager, SocketReferenceError


def serve(connection: object) -> None:
    """Serves nothing."""


class Counting(Case):
    def setUp(self) -> None:
        super().setUp()
        self.manager = SocketManager()

    def tearDown(self) -> None:
        self.manager.close()

    def test_every_handle_reads_the_same(self) -> None:
        first = self.manager.acquire(self.path(), serve=serve)
        self.assertEqual((first.reference_count, first.is_active, first.role), (1, True, "owner"))
        handles = [first]
        for count in range(2, 50):
            handles.append(first.clone() if count % 2 else self.manager.acquire(self.path()))
            self.assertEqual({handle.reference_count for handle in handles}, {count})
        random.Random(7).shuffle(handles)
        while len(handles) > 1:
            gone = handles.pop()
            gone.close()
            gone.close()
            self.assertEqual((gone.reference_count, gone.is_active), (0, False))
            self.assertEqual({handle.reference_count for handle in handles}, {len(handles)})
        self.assertEqual(self.left(), ["app.sock", "app.sock.ctl", "app.sock.lock"])
        handles[0].close()
        self.assertEqual(self.left(), [])

    def test_closed_handles_say_so(self) -> None:
        reference = self.manager.acquire(self.path(), serve=serve)
        self.assertIsNone(reference.reason)
        reference.close()
        self.assertEqual(reference.path, self.path())
        for use in (reference.clone, reference.connect):
            with self.assertRaises(SocketReferenceError) as raised:
                use()
            self.assertEqual((raised.exception.code, raised.exception.reason), ("ERR_SOCKREF_CLOSED", "closed"))
        assert reference.reason is not None
        self.assertEqual(reference.reason.code, "ERR_SOCKREF_CLOSED")

    def test_many_threads_at_once_share_one_server(self) -> None:
        handles = in_threads(100, lambda _: self.manager.acquire(self.path(), serve=serve))
        self.assertEqual({handle.reference_count for handle in handles}, {100})
        self.assertEqual(self.manager.stats().started, 1)
        in_threads(100, lambda index: handles[index].close())
        self.assertEqual(self.left(), [])
        self.assertEqual(self.manager.stats().stopped, 1)

    def test_threads_that_clone_and_close_lose_no_count(self) -> None:
        with self.manager.acquire(self.path(), serve=serve) as reference:

            def churn(seed: int) -> int:
                choose = random.Random(seed)
                own: list[sockref.SocketReference] = []
                for _ in range(200):
                    if own and choose.random() < 0.5:
                        own.pop(choose.randrange(len(own))).close()
                    else:
                        own.append(reference.clone())
                left = len(own)
                kept.extend(own)
                return left

            kept: list[sockref.SocketReference] = []
            total = sum(in_threads(8, churn))
            self.assertEqual(reference.reference_count, 1 + total)
            for one in kept:
                one.close()
            self.assertEqual(reference.reference_count, 1)

    def test_managers_share_as_processes_do(self) -> None:
        others = [SocketManager() for _ in range(3)]
        first = self.manager.acquire(self.path(), serve=serve)
        members = [other.acquire(self.path(), serve=serve) for other in others]
        self.assertEqual([member.role for member in members], ["member"] * 3)
        for handle in (first, *members):
            self.eventually(lambda handle=handle: handle.reference_count == 4)
        # The owner's references are closed, and it continues to serve.
        first.close()
        for handle in members:
            self.eventually(lambda handle=handle: handle.reference_count == 3)
        self.manager.cleanup_all_sockets()
        # Its end makes one of them the owner.
        self.eventually(lambda: sorted(member.role for member in members) == ["member", "member", "owner"])
        for member in members:
            self.eventually(lambda member=member: member.reference_count == 3)
        for other in others:
            other.close()
        self.assertEqual(self.left(), [])

    def test_each_socket_counts_its_own_references(self) -> None:
        one = self.manager.acquire(self.path("one.sock"), serve=serve)
        two = self.manager.acquire(self.path("two.sock"), serve=serve)
        more = two.clone()
        self.assertEqual((one.reference_count, two.reference_count), (1, 2))
        self.assertEqual(self.manager.active_socket_count, 2)
        self.assertEqual(self.manager.reference_count(self.path("two.sock")), 2)
        self.assertTrue(self.manager.is_socket_active(f"{self.directory}//./one.sock"))
        for nothing in ("", "sub/x", self.path("none.sock"), "\0"):
            self.assertFalse(self.manager.is_socket_active(nothing))
            self.assertEqual(self.manager.reference_count(nothing), 0)
        for reference in (one, two, more):
            reference.close()
        self.assertEqual(self.manager.active_socket_count, 0)

    def test_get_existing(self) -> None:
        self.assertIsNone(self.manager.get_existing(self.path()))
        with self.manager.acquire(self.path(), serve=serve) as reference:
            found = self.manager.get_existing(self.path())
            assert found is not None
            self.assertEqual(reference.reference_count, 2)
            found.close()
            self.assertEqual(reference.reference_count, 1)
        self.assertIsNone(self.manager.get_existing(self.path()))

    def test_limits(self) -> None:
        with SocketManager(limits=Limits(max_references_per_socket=2, max_sockets=1)) as small:
            first = small.acquire(self.path(), serve=serve)
            second = first.clone()
            for use in (first.clone, lambda: small.acquire(self.path()), lambda: small.get_existing(self.path())):
                with self.assertRaises(SocketReferenceError) as raised:
                    use()
                error = raised.exception
                self.assertEqual((error.code, error.limit), ("ERR_SOCKREF_LIMIT_EXCEEDED", "maxReferencesPerSocket"))
                self.assertEqual((error.max, first.reference_count), (2, 2))
            with self.assertRaises(SocketReferenceError) as raised:
                small.acquire(self.path("other.sock"), serve=serve)
            self.assertEqual(raised.exception.limit, "maxSockets")
            # The owner's limits hold for other processes.
            with self.assertRaises(SocketReferenceError) as raised:
                self.manager.acquire(self.path())
            self.assertEqual(raised.exception.limit, "maxReferencesPerSocket")
            second.close()
            with self.manager.acquire(self.path()) as member:
                with self.assertRaises(SocketReferenceError):
                    member.clone()
                self.assertEqual(member.reference_count, 2)

    def test_no_more_members_than_allowed(self) -> None:
        with SocketManager(limits=Limits(max_members_per_socket=1)) as owner, SocketManager() as second:
            reference = owner.acquire(self.path(), serve=serve)
            member = second.acquire(self.path())
            with self.assertRaises(SocketReferenceError) as raised:
                self.manager.acquire(self.path())
            self.assertEqual(raised.exception.limit, "maxMembersPerSocket")
            self.assertEqual(reference.reference_count, 2)
            member.close()
            reference.close()
