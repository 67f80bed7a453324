"""test/vectors/placeholders.json: misspelt placeholders."""

from __future__ import annotations

import json
import unittest

from support import VECTORS

from sockref import SocketManager, SocketReferenceError
from sockref._serving.placeholders import misspelt_placeholder

_CASES = json.loads((VECTORS / "placeholders.json").read_text(encoding="utf-8"))


class Placeholders(unittest.TestCase):
    def test_cases(self) -> None:
        for case in _CASES:
            with self.subTest(command=case["command"]):
                expected = (case["given"], case["meant"]) if "given" in case else None
                self.assertEqual(misspelt_placeholder(case["command"]), expected)

    def test_is_refused_before_anything_is_started(self) -> None:
        with SocketManager() as manager, self.assertRaises(SocketReferenceError) as caught:
            manager.acquire("a.sock", server=["serve", "{sock}"])
        self.assertEqual(caught.exception.code, "ERR_SOCKREF_INVALID_OPTION")
        self.assertEqual(
            caught.exception.message,
            'The option "server.command" must be a command with {socket}, and is one with {sock}, which stands for nothing',
        )
