"""Who holds how many references to an endpoint, as its owner counts them. Pure: no clock, no socket."""

from __future__ import annotations


class Tally:
    """References of the owner itself, and of each member."""

    def __init__(self) -> None:
        self.own = 0
        self.others = 0
        self._members: dict[object, int] = {}

    @property
    def total(self) -> int:
        """All references (I5)."""
        return self.own + self.others

    @property
    def members(self) -> int:
        """The number of members."""
        return len(self._members)

    def set(self, key: object, references: int) -> None:
        """Sets the count of a member; 0 removes it."""
        self.others += references - self.of(key)
        if references == 0:
            self._members.pop(key, None)
        else:
            self._members[key] = references

    def of(self, key: object) -> int:
        """The count of a member; 0 for one that is not known."""
        return self._members.get(key, 0)
