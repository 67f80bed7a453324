"""Acquires that wait for one endpoint: each has one outcome, and none is lost."""

from __future__ import annotations

import asyncio
import unittest
from types import SimpleNamespace
from typing import Any

from support import Case

from sockref import SocketReferenceError
from sockref._endpoint.reference_state import ReferenceState
from sockref._endpoint.waiter import WaiterOptions
from sockref._endpoint.waiters import Waiters
from sockref._ownership.wait_reason import WaitReason

_PATH = "/tmp/a.sock"


class _Endpoint:
    """An endpoint that gives out references, up to a limit, and writes down what it is told."""

    def __init__(self, most: int) -> None:
        self.place = SimpleNamespace(path=_PATH)
        self.context = SimpleNamespace(loop=asyncio.get_running_loop())
        self.wait_reason = WaitReason("a test")
        self.granted: list[ReferenceState] = []
        self.released: list[ReferenceState] = []
        self.gave_ups = 0
        self._most = most

    @property
    def full(self) -> SocketReferenceError | None:
        if len(self.granted) < self._most:
            return None
        return SocketReferenceError("ERR_SOCKREF_LIMIT_EXCEEDED", "full", path=_PATH)

    def grant(self, trace: str | None) -> ReferenceState:
        endpoint: Any = self
        self.granted.append(ReferenceState(endpoint, trace))
        return self.granted[-1]

    def release(self, reference: ReferenceState) -> asyncio.Future[None]:
        self.released.append(reference)
        return self.context.loop.create_future()

    def gave_up(self) -> None:
        self.gave_ups += 1


async def _outcomes(tasks: list[asyncio.Task[Any]]) -> list[Any]:
    return await asyncio.gather(*tasks, return_exceptions=True)


class Waiting(Case, unittest.IsolatedAsyncioTestCase):
    async def _scene(self, *can_serve: bool, most: int = 10, timeout: float = 100) -> tuple[_Endpoint, Waiters, list[asyncio.Task[Any]]]:
        """So many waiters of an endpoint, and whether each can serve."""
        endpoint: Any = _Endpoint(most)
        waiters = Waiters(endpoint)
        tasks = [
            asyncio.get_running_loop().create_task(waiters.wait(WaiterOptions(timeout, timeout, None, each)))
            for each in can_serve
        ]
        while waiters.count < len(tasks):
            await asyncio.sleep(0)
        return endpoint, waiters, tasks

    async def test_they_get_their_references_in_the_order_of_arrival_up_to_the_limit(self) -> None:
        endpoint, waiters, tasks = await self._scene(True, True, True, most=2)
        waiters.grant()
        self.assertEqual(waiters.count, 0)
        first, second, third = await _outcomes(tasks)
        self.assertEqual([first, second], endpoint.granted)
        self.assertEqual(third.code, "ERR_SOCKREF_LIMIT_EXCEEDED")

    async def test_those_that_can_serve_start_over_after_a_claim_without_a_server(self) -> None:
        _, waiters, tasks = await self._scene(False, True)
        waiters.claim_failed(SocketReferenceError("ERR_SOCKREF_NOT_SERVED", "not served", path=_PATH))
        first, second = await _outcomes(tasks)
        self.assertEqual(first.code, "ERR_SOCKREF_NOT_SERVED")
        self.assertEqual(second, "start-over")

    async def test_all_fail_with_a_claim_that_failed_for_another_reason_each_with_an_error_of_its_own(self) -> None:
        _, waiters, tasks = await self._scene(False, True)
        error = SocketReferenceError("ERR_SOCKREF_SYSTEM", "no memory", path=_PATH)
        waiters.claim_failed(error)
        outcomes = await _outcomes(tasks)
        self.assertEqual([each.code for each in outcomes], ["ERR_SOCKREF_SYSTEM"] * 2)
        self.assertEqual(len({id(each) for each in [error, *outcomes]}), 3)

    async def test_their_endpoint_is_told_when_the_time_of_one_is_over(self) -> None:
        endpoint, waiters, tasks = await self._scene(True, timeout=0)
        with self.assertRaises(SocketReferenceError) as failed:
            await tasks[0]
        self.assertEqual((failed.exception.code, failed.exception.waiting_for), ("ERR_SOCKREF_TIMEOUT", "a test"))
        self.assertEqual((waiters.count, endpoint.gave_ups), (0, 1))

    async def test_their_endpoint_is_told_when_the_caller_of_one_gives_up(self) -> None:
        endpoint, waiters, tasks = await self._scene(True, True)
        tasks[0].cancel()
        with self.assertRaises(asyncio.CancelledError):
            await tasks[0]
        self.assertEqual((waiters.count, endpoint.gave_ups), (1, 1))
        waiters.start_over()
        self.assertEqual(await tasks[1], "start-over")

    async def test_a_reference_that_comes_in_the_turn_in_which_its_caller_gives_up_is_released(self) -> None:
        endpoint, waiters, tasks = await self._scene(True)
        waiters.grant()
        tasks[0].cancel()
        with self.assertRaises(asyncio.CancelledError):
            await tasks[0]
        self.assertEqual(endpoint.released, endpoint.granted)
        self.assertEqual((len(endpoint.granted), endpoint.gave_ups), (1, 0))


if __name__ == "__main__":
    unittest.main()
