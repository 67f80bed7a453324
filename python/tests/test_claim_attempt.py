"""An attempt loses no lease: it hands it over, or gives it up. The claim itself ends when the test says so."""

from __future__ import annotations

import asyncio
import unittest
from typing import Any
from unittest.mock import Mock, patch

from support import Case

from sockref._endpoint.claim_attempt import ClaimAttempt
from sockref._ownership.lease import Peers


class Attempts(Case, unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        loop = asyncio.get_running_loop()
        self.endpoint = Mock()
        self.endpoint.context.loop = loop
        self.endpoint.context.spawn = loop.create_task
        self.endpoint.settings.failover_timeout = 0.01
        self.begun = asyncio.Event()
        self.ends: asyncio.Future[None] = loop.create_future()
        self.fails_late = False
        patched = patch("sockref._endpoint.claim_attempt.claim", self._claim)
        patched.start()
        self.addCleanup(patched.stop)

    async def _claim(self, request: Any) -> None:
        """A claim that the test ends."""
        self.begun.set()
        try:
            await self.ends
        except asyncio.CancelledError:
            if self.fails_late:
                raise RuntimeError("late") from None
            raise

    async def _begin(self, lost: Any = None) -> ClaimAttempt:
        attempt = ClaimAttempt(self.endpoint, (), lost)
        attempt.begin()
        await self.begun.wait()
        return attempt

    async def test_it_hands_over_the_lease_in_the_turn_in_which_it_gets_it(self) -> None:
        attempt, lease = await self._begin(), Mock()
        attempt.accept(lease)
        self.endpoint.claimed.assert_called_once_with(lease, attempt)
        lease.abandon.assert_not_called()
        await attempt.abandon()

    async def test_it_says_why_it_failed(self) -> None:
        await self._begin()
        failure = RuntimeError("no")
        told = asyncio.Event()
        self.endpoint.claim_failed.side_effect = lambda _: told.set()
        self.ends.set_exception(failure)
        await told.wait()
        self.endpoint.claim_failed.assert_called_once_with(failure)

    async def test_it_says_nothing_once_it_is_abandoned(self) -> None:
        attempt = await self._begin()
        self.fails_late = True
        await attempt.abandon()
        self.endpoint.claim_failed.assert_not_called()

    async def test_it_can_be_abandoned_before_it_has_begun_to_run(self) -> None:
        attempt = ClaimAttempt(self.endpoint, ())
        attempt.begin()
        await attempt.abandon()
        self.assertFalse(self.begun.is_set())

    async def test_it_gives_up_a_lease_that_comes_too_late_and_waits_for_its_end(self) -> None:
        attempt, lease = await self._begin(), Mock()
        lease.abandon.return_value = given_up = asyncio.get_running_loop().create_future()
        abandoned = attempt.abandon()
        attempt.accept(lease)
        lease.abandon.assert_called_once_with()
        self.endpoint.claimed.assert_not_called()
        for _ in range(10):
            # More turns than the rest of the end needs.
            await asyncio.sleep(0)
        self.assertFalse(abandoned.done())
        given_up.set_result(None)
        await abandoned

    async def test_it_seeks_a_new_owner_for_a_limited_time(self) -> None:
        over = asyncio.Event()
        self.endpoint.claim_timed_out.side_effect = lambda _: over.set()
        lost = Mock(peers=Peers(), owner_pid=1)
        with patch("sockref._endpoint.claim_attempt.remove_leftovers") as remove:
            attempt = await self._begin(lost)
            await over.wait()
            self.endpoint.claim_timed_out.assert_called_once_with(attempt)
            await attempt.abandon()
        remove.assert_awaited_once_with(self.endpoint.place, 1)

    async def test_the_time_is_not_limited_any_more_once_it_has_a_lease(self) -> None:
        loop = asyncio.get_running_loop()
        with patch.object(loop, "call_later", return_value=Mock()) as later:
            attempt = await self._begin(Mock(peers=Peers(), owner_pid=1))
        later.assert_called_once_with(0.01, self.endpoint.claim_timed_out, attempt)
        later.return_value.cancel.assert_not_called()
        attempt.accept(Mock())
        later.return_value.cancel.assert_called_once_with()
        with patch("sockref._endpoint.claim_attempt.remove_leftovers"):
            await attempt.abandon()


if __name__ == "__main__":
    unittest.main()
