"""Peers that break the protocol."""

from __future__ import annotations

import json
import os
import random
import socket
from typing import Any

from support import Case

from sockref import SocketManager, SocketReferenceError


def serve(connection: object) -> None:
    """Serves nothing."""


class Hostile(Case):
    def setUp(self) -> None:
        super().setUp()
        self.manager = SocketManager()
        self.faults: list[Any] = []
        self.manager.subscribe(lambda event: self.faults.append(event.error) if event.kind == "fault" else None)

    def tearDown(self) -> None:
        self.manager.close()

    def control(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(self.path() + ".ctl")
        return sock

    def test_malformed_bytes_end_that_connection_alone(self) -> None:
        choose = random.Random(3)
        with self.manager.acquire(self.path(), serve=serve) as reference:
            hello = {"type": "hello", "v": 1, "pid": 1, "references": 1, "canServe": False}
            said: list[bytes] = [
                choose.randbytes(10_000) + b"\n",
                b"\xff\xfe\n",
                b"{}\n",
                b'{"type":"references","n":5}\n',
                b'{"type":"bye"}\n',
                b"x" * 70_000,
                b"[" * 60_000 + b"\n",
                json.dumps(hello).encode() + b"\n" + json.dumps(hello).encode() + b"\n",
                json.dumps(hello | {"references": 70_000}).encode() + b"\n" + b'{"type":"references","n":9}\n',
            ]
            for data in said:
                with self.subTest(data[:40]), self.control() as sock:
                    try:
                        sock.sendall(data)
                        while sock.recv(65_536):
                            pass
                    except (ConnectionResetError, BrokenPipeError):
                        pass
                self.eventually(lambda: reference.reference_count == 1)
            self.assertTrue(reference.is_active)
            with SocketManager() as other, other.acquire(self.path()) as member:
                self.assertEqual(member.reference_count, 2)

    def test_a_peer_of_another_version_is_told(self) -> None:
        with self.manager.acquire(self.path(), serve=serve), self.control() as sock:
            sock.sendall(b'{"type":"hello","v":2,"pid":1}\n')
            answer = json.loads(sock.makefile().readline())
            self.assertEqual((answer["type"], answer["code"]), ("failed", "ERR_SOCKREF_PROTOCOL"))
            self.assertEqual(answer["detail"], {"ours": 2, "theirs": 1})

    def test_a_malformed_message_of_an_owner_is_a_protocol_error(self) -> None:
        with socket.socket(socket.AF_UNIX) as fake, open(self.path() + ".lock", "wb"):
            os.chmod(self.path() + ".lock", 0o600)
            fake.bind(self.path() + ".ctl")
            fake.listen()
            for answer, theirs in ((b"nonsense\n", None), (b'{"type":"welcome","v":3}\n', 3), (b'{"type":"ready"}\n', None)):
                with self.subTest(answer):
                    import threading

                    def answer_once(answer: bytes = answer) -> None:
                        peer, _ = fake.accept()
                        peer.recv(1000)
                        peer.sendall(answer)
                        peer.recv(1000)
                        peer.close()

                    thread = threading.Thread(target=answer_once)
                    thread.start()
                    with self.assertRaises(SocketReferenceError) as raised:
                        self.manager.acquire(self.path(), serve=serve)
                    thread.join()
                    self.assertEqual(raised.exception.code, "ERR_SOCKREF_PROTOCOL")
                    self.assertEqual(raised.exception.theirs, theirs)
        os.unlink(self.path() + ".ctl")
        os.unlink(self.path() + ".lock")

    def test_a_member_that_does_not_read_costs_no_memory(self) -> None:
        with self.manager.acquire(self.path(), serve=serve) as reference, self.control() as sock:
            sock.sendall(b'{"type":"hello","v":1,"pid":1,"references":1,"canServe":false}\n')
            self.eventually(lambda: reference.reference_count == 2)
            for _ in range(6_000):
                reference.clone().close(wait=False)
            [connection] = self.connections(reference)
            self.assertLess(len(connection.channel._unsent), 500)
            # When it reads again, the newest number comes last.
            sock.settimeout(10)
            stream = sock.makefile()
            self.eventually(lambda: json.loads(stream.readline()).get("total") == 2)
            self.assertEqual(reference.reference_count, 2)

    def connections(self, reference: Any) -> Any:
        return reference._state.endpoint.lease.members._connections

    def test_a_peer_that_asks_without_reading(self) -> None:
        with self.manager.acquire(self.path(), serve=serve) as reference, self.control() as sock:
            sock.setblocking(False)
            for _ in range(20_000):
                try:
                    sock.send(b'{"type":"who"}\n')
                except BlockingIOError:
                    break
            self.eventually(lambda: self.connections(reference))
            self.assertLess(len(next(iter(self.connections(reference))).channel._unsent), 5_000)
            self.assertIsNotNone(self.manager.inspect(self.path()))
