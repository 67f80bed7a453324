"""test/vectors/messages.json: what is understood on a control connection."""

from __future__ import annotations

import json
import unittest

from support import VECTORS

from sockref._protocol.constants import MAX_MESSAGE_BYTES
from sockref._control.lines import BadLine, LineSplitter
from sockref._control.messages import MalformedMessage, parse_to_member, parse_to_owner

_FILE = json.loads((VECTORS / "messages.json").read_text(encoding="utf-8"))


def split(chunks: list[bytes]) -> tuple[list[str], bool]:
    """The lines, and whether it ended in an error."""
    splitter = LineSplitter()
    lines: list[str] = []
    try:
        for chunk in chunks:
            lines.extend(splitter.push(chunk))
    except BadLine:
        return lines, True
    return lines, False


def split_one_by_one(chunks: list[bytes]) -> tuple[list[str], bool]:
    """Splits bytes into lines, and keeps the lines before an error."""
    splitter = LineSplitter()
    lines: list[str] = []
    try:
        for chunk in chunks:
            for line in splitter.push(chunk):
                lines.append(line)
    except BadLine:
        return lines, True
    return lines, False


class Messages(unittest.TestCase):
    def test_length_limit(self) -> None:
        self.assertEqual(MAX_MESSAGE_BYTES, _FILE["maxBytes"])

    def test_verdicts(self) -> None:
        for case in _FILE["messages"]:
            with self.subTest(to=case["to"], name=case["name"]):
                parse = parse_to_owner if case["to"] == "owner" else parse_to_member
                verdict = case["verdict"]
                if not verdict.get("malformed"):
                    self.assertEqual(parse(case["line"]), verdict["message"])
                    continue
                with self.assertRaises(MalformedMessage) as raised:
                    parse(case["line"])
                self.assertEqual(raised.exception.theirs, verdict.get("theirs"))

    def test_bytes_to_lines(self) -> None:
        for case in _FILE["lines"]:
            with self.subTest(case["name"]):
                lines, error = split_one_by_one([bytes.fromhex(chunk) for chunk in case["chunks"]])
                self.assertEqual(lines, case["lines"])
                self.assertEqual(error, case.get("error", False))

    def test_lengths(self) -> None:
        for case in _FILE["lengths"]:
            with self.subTest(case["name"]):
                chunks = [bytes.fromhex(case["byte"]) * size for size in case["sizes"]]
                lines, error = split([*chunks, b"\n"] if case["end"] else chunks)
                whole = b"".join(chunks).decode(errors="replace")
                self.assertEqual(lines, [whole] if case["verdict"] == "line" else [])
                self.assertEqual(error, case["verdict"] == "error")
