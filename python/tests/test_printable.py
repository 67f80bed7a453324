"""How foreign text is shown on a terminal."""

from __future__ import annotations

import unittest

from support import Case

from sockref import SocketManager, SocketReferenceError
from sockref._printable import printable
from sockref.errors import quote

HIDDEN = {
    "\u001b": "\\u001b",
    "\u009b": "\\u009b",
    "\u202e": "\\u202e",
    "\u2066": "\\u2066",
    "\u2028": "\\u2028",
    "\u007f": "\\u007f",
    "\n": "\\n",
    "\r": "\\r",
    "\U000e0041": "\\udb40\\udc41",
    "\ud800": "\\ud800",
}


class Printable(Case):
    def test_characters_that_a_terminal_obeys_are_escaped(self) -> None:
        for letter, escaped in HIDDEN.items():
            with self.subTest(escaped):
                self.assertEqual(printable(f"a{letter}b"), f"a{escaped}b")
                error = SocketReferenceError("ERR_SOCKREF_NOT_SERVED", f"No process serves /tmp/a{letter}b")
                self.assertEqual(str(error), f"No process serves /tmp/a{escaped}b")
                self.assertEqual(quote(f"a{letter}b"), f'"a{escaped}b"')

    def test_everything_else_stays(self) -> None:
        for text in ("", "plain", "naïve café", "日本語 😀", "a\tb", "\\u001b"):
            self.assertEqual(printable(text), text)

    def test_a_long_value_is_cut_off_within_its_quotes(self) -> None:
        self.assertEqual(quote("x" * 200), f'"{"x" * 119}…"')

    def test_messages_are_sentences(self) -> None:
        manager = SocketManager()
        cases: list[tuple[object, str]] = [
            (5, "Invalid path: it is 5, and a path is a string; "),
            (object(), "Invalid path: it is an object, and a path is a string; "),
            (b"x", "Invalid path: it is a bytes, and a path is a string; "),
        ]
        for path, message in cases:
            with self.assertRaises(SocketReferenceError) as raised:
                manager.acquire(path)  # type: ignore[arg-type]
            self.assertTrue(str(raised.exception).startswith(message), str(raised.exception))
        with self.assertRaises(SocketReferenceError) as raised:
            manager.acquire("x", mode="0600")  # type: ignore[arg-type]
        self.assertRegex(str(raised.exception), '^The option "mode" must be permission bits .*, and is "0600"$')


if __name__ == "__main__":
    unittest.main()
