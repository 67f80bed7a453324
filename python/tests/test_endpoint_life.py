"""The state of an endpoint: what it has in each phase, and what it tells."""

from __future__ import annotations

import asyncio
import unittest
from unittest.mock import Mock

from support import Case

from sockref._endpoint.endpoint_life import EndpointLife


class Life(Case, unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.first, self.second = Mock(), Mock()
        self.lease = Mock(role="owner")
        self.life = EndpointLife(self.loop, self.first)

    def _is(self, live: bool, lease: object, attempt: object, role: str) -> None:
        life = self.life
        self.assertEqual((life.live, life.lease, life.attempt, life.role), (live, lease, attempt, role))

    async def test_it_has_a_lease_while_it_is_active_and_an_attempt_while_it_claims(self) -> None:
        self._is(False, None, self.first, "member")
        self.life.activate(self.lease)
        self._is(True, self.lease, None, "owner")
        self.life.recover(self.second, "owner-died")
        self._is(True, None, self.second, "member")
        self.assertIsNone(self.life.ending)

    async def test_it_keeps_its_last_role_and_has_an_end(self) -> None:
        self.life.activate(self.lease)
        done: asyncio.Future[None] = self.loop.create_future()
        self.life.stop(done)
        self._is(False, None, None, "owner")
        self.assertIs(self.life.ending, done)
        self.life.end()
        self._is(False, None, None, "owner")
        assert self.life.ending
        self.assertTrue(self.life.ending.done())

    async def test_it_tells_that_clients_can_connect_or_cannot_any_more_and_not_that_it_recovers(self) -> None:
        changed = self.life.changed
        self.life.activate(self.lease)
        self.assertTrue(changed.done())
        changed = self.life.changed
        self.life.recover(self.second, "deposed")
        self.assertFalse(changed.done())
        self.assertIs(self.life.changed, changed)
        self.life.stop(self.loop.create_future())
        self.assertTrue(changed.done())


if __name__ == "__main__":
    unittest.main()
