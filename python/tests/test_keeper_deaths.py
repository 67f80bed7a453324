from __future__ import annotations

from support import Case

from sockref._ownership.keeper_deaths import KeeperDeaths


class Deaths(Case):
    def test_a_keeper_that_dies_soon_counts(self) -> None:
        deaths = KeeperDeaths()
        counts: list[int] = []
        for up in (1.0, 12.0, 23.0):
            deaths.up(up)
            deaths.owner_lost(up + 9.9)
            counts.append(deaths.in_row)
        self.assertEqual(counts, [1, 2, 3])

    def test_it_counts_from_zero_after_one_that_lived_for_a_while(self) -> None:
        deaths = KeeperDeaths()
        for up, lost in ((0.0, 1.0), (2.0, 3.0), (4.0, 14.0)):
            deaths.up(up)
            deaths.owner_lost(lost)
        self.assertEqual(deaths.in_row, 0)

    def test_each_death_counts_once_and_no_owner_of_another_process(self) -> None:
        deaths = KeeperDeaths()
        deaths.owner_lost(0.0)
        self.assertEqual(deaths.in_row, 0)
        deaths.up(0.0)
        deaths.owner_lost(1.0)
        deaths.owner_lost(2.0)
        self.assertEqual(deaths.in_row, 1)
