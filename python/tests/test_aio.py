"""References for asyncio."""

from __future__ import annotations

import asyncio
import threading
import warnings
from typing import Any

from support import Case

from sockref import SocketManager, SocketReferenceError, aio


async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write((await reader.readline()).upper())
    await writer.drain()


class Aio(Case):
    def setUp(self) -> None:
        super().setUp()
        self.manager = SocketManager()

    def tearDown(self) -> None:
        self.manager.close()

    def acquire(self, **options: Any) -> aio.Acquiring:
        return aio.acquire(self.path(), manager=self.manager, **options)

    def test_with_streams(self) -> None:
        async def main() -> None:
            async with self.acquire(serve=shout) as reference:
                self.assertEqual((reference.role, reference.reference_count), ("owner", 1))
                async with self.acquire() as second:
                    self.assertEqual(reference.reference_count, 2)
                    reader, writer = await second.open_connection()
                    writer.write(b"hello\n")
                    self.assertEqual(await reader.read(), b"HELLO\n")
                    writer.close()
                    await writer.wait_closed()
                clone = reference.clone()
                self.assertEqual(reference.reference_count, 2)
                await clone.close()
                await clone.close()
                self.assertEqual((reference.reference_count, clone.is_active), (1, False))
            self.assertEqual(self.left(), [])

        asyncio.run(main())

    def test_blocking_and_asyncio_share(self) -> None:
        async def main() -> None:
            reference = await self.acquire(serve=shout)

            def from_a_thread() -> bytes:
                with self.manager.acquire(self.path()) as other, other.connect() as connection:
                    connection.sendall(b"thread\n")
                    return connection.recv(100)

            self.assertEqual(await asyncio.to_thread(from_a_thread), b"THREAD\n")
            await reference.close()

        asyncio.run(main())

    def test_many_at_once(self) -> None:
        async def main() -> None:
            references = await asyncio.gather(*(self.acquire(serve=shout) for _ in range(200)))
            self.assertEqual({reference.reference_count for reference in references}, {200})
            self.assertEqual(self.manager.stats().started, 1)
            await asyncio.gather(*(reference.close() for reference in references))
            self.assertEqual(self.left(), [])

        asyncio.run(main())

    def test_errors(self) -> None:
        async def main() -> None:
            with self.assertRaises(SocketReferenceError) as raised:
                await self.acquire()
            self.assertEqual(raised.exception.code, "ERR_SOCKREF_NOT_SERVED")
            reference = await self.acquire(serve=shout)
            await reference.close()
            with self.assertRaises(SocketReferenceError) as raised:
                await reference.open_connection()
            self.assertEqual(raised.exception.code, "ERR_SOCKREF_CLOSED")

        asyncio.run(main())

    def test_cancelling_undoes_the_acquire(self) -> None:
        async def main() -> None:
            go_on = asyncio.Event()

            async def waits(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                writer.write(b"x")
                await go_on.wait()

            reference = await self.acquire(serve=waits)
            reader, writer = await reference.open_connection()
            self.assertEqual(await reader.read(1), b"x")
            closing = asyncio.create_task(reference.close())
            while reference.is_active:
                await asyncio.sleep(0.001)
            with self.assertRaises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await self.acquire(serve=shout)
            go_on.set()
            await closing
            writer.close()
            self.assertEqual((self.left(), self.manager.active_socket_count), ([], 0))
            # At any moment.
            for delay in range(60):
                task = asyncio.ensure_future(self.acquire_now())
                await asyncio.sleep(delay / 20_000)
                task.cancel()
                try:
                    await (await task).close()
                except asyncio.CancelledError:
                    pass
            # The last one may still be about to acquire, and to release what it gets.
            while self.left() or self.held():
                await asyncio.sleep(0.001)

        asyncio.run(main())

    def held(self) -> int:
        stats = self.manager.stats()
        return stats.active_sockets + stats.pending_acquires + stats.references

    async def acquire_now(self) -> aio.SocketReference:
        return await self.acquire(serve=shout)

    def test_a_coroutine_that_raises_ends_its_connection(self) -> None:
        async def main() -> None:
            async def failing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                raise ValueError("no")

            faults: list[str] = []
            heard = threading.Event()

            def listen(event: Any) -> None:
                if event.kind == "fault":
                    faults.append(str(event.error))
                    heard.set()

            self.manager.subscribe(listen)
            async with self.acquire(serve=failing) as reference:
                reader, writer = await reference.open_connection()
                self.assertEqual(await reader.read(), b"")
                writer.close()
                self.assertTrue(await asyncio.to_thread(heard.wait, 10))
                self.assertEqual(faults, ["no"])
                self.assertTrue(reference.is_active)

        asyncio.run(main())

    def test_a_loop_that_has_ended_serves_no_client_and_harms_none(self) -> None:
        async def main() -> aio.SocketReference:
            return await self.acquire(serve=shout)

        reference = asyncio.run(main())
        self.manager.subscribe(lambda event: None)
        with self.manager.acquire(self.path()) as other, other.connect() as connection:
            self.assertEqual(connection.recv(10), b"")
            self.assertEqual(other.reference_count, 2)
        asyncio.run(reference.close())

    def test_dropped_handles(self) -> None:
        async def main() -> None:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                await self.acquire(serve=shout)
            self.assertEqual([each.category for each in caught], [ResourceWarning])

        asyncio.run(main())
        self.eventually(lambda: self.left() == [])
