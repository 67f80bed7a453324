"""The time in which a successor waits for the members that depended on its predecessor."""

from __future__ import annotations

import unittest
from unittest.mock import Mock

from support import Case

from sockref._ownership.grace import Grace
from sockref._protocol.constants import SUCCESSOR_GRACE_SECONDS


class Graces(Case):
    def setUp(self) -> None:
        super().setUp()
        self.loop = Mock()
        self.loop.time.return_value = 1000.0

    def test_it_lasts_for_its_time(self) -> None:
        grace = Grace(self.loop, 2)
        self.assertEqual(grace.left(0), SUCCESSOR_GRACE_SECONDS)
        self.loop.time.return_value += SUCCESSOR_GRACE_SECONDS / 4
        self.assertAlmostEqual(grace.left(1), SUCCESSOR_GRACE_SECONDS * 3 / 4)
        self.loop.time.return_value += SUCCESSOR_GRACE_SECONDS
        self.assertEqual(grace.left(1), 0)

    def test_it_is_over_when_all_are_back(self) -> None:
        grace = Grace(self.loop, 2)
        self.assertGreater(grace.left(1), 0)
        self.assertEqual(grace.left(2), 0)

    def test_there_is_none_when_no_member_depended_on_the_predecessor(self) -> None:
        self.assertEqual(Grace(self.loop, 0).left(0), 0)


if __name__ == "__main__":
    unittest.main()
