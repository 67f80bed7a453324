"""test/vectors/shapes.json: which messages and lines of records are understood, field by field."""

from __future__ import annotations

import json
import unittest
from copy import deepcopy
from typing import Any

from support import VECTORS

from sockref._files.record import parse_record
from sockref._control.messages import MalformedMessage, parse_to_member, parse_to_owner

_FILE = json.loads((VECTORS / "shapes.json").read_text(encoding="utf-8"))


def changed(whole: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """A copy with one value replaced or removed."""
    copy = deepcopy(whole)
    inner: Any = copy
    *path, last = change["at"]
    for name in path:
        inner = inner[name]
    if change.get("missing"):
        del inner[last]
    else:
        inner[last] = change["value"]
    return copy


def counts(kind: str, line: dict[str, Any]) -> bool:
    """Whether a line adds anything to a record."""
    if kind == "header":
        return parse_record(f"{json.dumps(line)}\n") is not None
    header = json.dumps({**_FILE["record"]["header"]["whole"], "pid": 7})
    return parse_record(f"{header}\n{json.dumps(line)}\n") != parse_record(f"{header}\n")


class Shapes(unittest.TestCase):
    def test_messages(self) -> None:
        for to, parse in (("toOwner", parse_to_owner), ("toMember", parse_to_member)):
            for kind, shape in _FILE[to].items():
                with self.subTest(to=to, kind=kind):
                    self.assertEqual(parse(json.dumps({**shape["whole"], "later": [1]})), shape["whole"])
                for change in shape["changes"]:
                    with self.subTest(to=to, kind=kind, change=change):
                        message = changed(shape["whole"], change)
                        if change["fine"]:
                            self.assertEqual(parse(json.dumps(message)), message)
                        else:
                            with self.assertRaises(MalformedMessage):
                                parse(json.dumps(message))

    def test_lines_of_records(self) -> None:
        for kind, shape in _FILE["record"].items():
            with self.subTest(kind):
                self.assertTrue(counts(kind, {**shape["whole"], "later": [1]}))
            for change in shape["changes"]:
                with self.subTest(kind=kind, change=change):
                    self.assertEqual(counts(kind, changed(shape["whole"], change)), change["fine"])
