"""Requests for the holders, and requests to stop: one answer at a time for each connection."""

from __future__ import annotations

import unittest
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

from support import Case

from sockref import SocketReferenceError
from sockref._ownership.answers import Answers, listed
from sockref._protocol.constants import MAX_LISTED_MEMBERS, MAX_MESSAGE_BYTES
from sockref._protocol.json_text import write_json


class _Asking:
    """A connection that reads when the test says so."""

    def __init__(self) -> None:
        self.channel = Mock(backed_up=False, when_read=self._when_read)
        self.end = Mock()
        self._waiting: list[Callable[[], None]] = []

    def _when_read(self, call: Callable[[], None]) -> None:
        self._waiting.append(call)

    def read(self) -> None:
        self.channel.backed_up = False
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            call()

    @property
    def sent(self) -> list[Any]:
        return [call.args[0] for call in self.channel.send.call_args_list]


def _member(label: str) -> Any:
    return Mock(describe=lambda: {"pid": 1, "references": 1, "since": 0, "canServe": True, "label": label})


class Holders(Case):
    def setUp(self) -> None:
        super().setUp()
        self.members: list[Any] = [_member("a"), _member("b")]
        owner = Mock(describe=lambda shown, more: {"members": [each["label"] for each in shown], "more": more})
        self.answers = Answers(owner, self.members)
        self.asking: Any = _Asking()

    def test_who_asks_gets_the_members(self) -> None:
        self.answers.who(self.asking)
        self.assertEqual(self.asking.sent, [{"members": ["a", "b"], "more": 0}])

    def test_who_asks_faster_than_it_reads_gets_one_answer_the_newest(self) -> None:
        self.asking.channel.backed_up = True
        for _ in range(3):
            self.answers.who(self.asking)
        self.assertEqual(self.asking.sent, [])
        self.members.append(_member("c"))
        self.asking.read()
        self.assertEqual(self.asking.sent, [{"members": ["a", "b", "c"], "more": 0}])

    def test_a_connection_that_has_ended_gets_no_answer(self) -> None:
        self.asking.channel.backed_up = True
        self.answers.who(self.asking)
        self.answers.forget(self.asking)
        self.asking.read()
        self.assertEqual(self.asking.sent, [])

    def test_as_many_are_listed_as_the_protocol_allows_and_the_others_are_counted(self) -> None:
        self.members.extend(_member("x") for _ in range(MAX_LISTED_MEMBERS))
        self.answers.who(self.asking)
        [answer] = self.asking.sent
        self.assertEqual((len(answer["members"]), answer["more"]), (MAX_LISTED_MEMBERS, 2))

    def test_as_many_are_listed_as_fit_into_a_message_the_oldest_first(self) -> None:
        members = [_member(f"{number:0>5000}") for number in range(MAX_MESSAGE_BYTES // 5000 + 1)]
        shown = listed(members)
        self.assertLess(len(shown), len(members))
        self.assertEqual([holder.get("label") for holder in shown], [f"{number:0>5000}" for number in range(len(shown))])
        self.assertLess(len(write_json(shown)), MAX_MESSAGE_BYTES)


class Stopping(Case):
    def setUp(self) -> None:
        super().setUp()
        self.answers = Answers(Mock(), [])

    def test_who_asked_to_stop_is_told_once_when_everything_has_ended(self) -> None:
        asking: Any = _Asking()
        self.assertEqual([self.answers.when_ended(asking) for _ in range(2)], [True, False])
        asking.end.assert_not_called()
        self.answers.ended(None)
        asking.end.assert_called_once_with({"type": "bye", "last": True})

    def test_who_asked_to_stop_is_told_what_could_not_be_removed(self) -> None:
        asking: Any = _Asking()
        self.answers.when_ended(asking)
        self.answers.ended(SocketReferenceError("ERR_SOCKREF_SYSTEM", "it stays", path="/tmp/a.sock", errno="EBUSY"))
        [message] = asking.end.call_args.args
        self.assertEqual((message["type"], message["last"]), ("bye", False))
        self.assertEqual((message["failed"]["code"], message["failed"]["message"]), ("ERR_SOCKREF_SYSTEM", "it stays"))

    def test_a_connection_that_has_ended_is_not_told(self) -> None:
        gone, there = _Asking(), _Asking()
        asking: Any
        for asking in (gone, there):
            self.answers.when_ended(asking)
        self.answers.forget(gone)  # type: ignore[arg-type]
        self.answers.ended(None)
        gone.end.assert_not_called()
        there.end.assert_called_once()


if __name__ == "__main__":
    unittest.main()
