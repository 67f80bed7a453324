"""test/vectors/records.json: what a lock file names."""

from __future__ import annotations

import json
import os
import tempfile
import unittest
from dataclasses import asdict
from typing import Any

from support import VECTORS

from sockref._files.descriptor_text import read_text
from sockref._files.record import (
    OwnerRecord,
    looks_like_record,
    parse_record,
)
from sockref._protocol.constants import MAX_RECORD_BYTES, RECORD_MAGIC

_FILE = json.loads((VECTORS / "records.json").read_text(encoding="utf-8"))


def bytes_of(case: dict[str, Any]) -> bytes:
    return bytes.fromhex(case["hex"]) if "hex" in case else case["text"].encode()


def names_of(record: OwnerRecord | None) -> dict[str, Any] | None:
    """A record in the form of the vectors, which leave out missing values."""
    if record is None:
        return None
    names = {key: value for key, value in asdict(record).items() if value is not None}
    servers = [
        {"graceMs" if key == "grace_ms" else key: value for key, value in server.items() if value is not None}
        for server in names.pop("servers")
    ]
    return {**names, **({"servers": servers} if servers else {})}


class Records(unittest.TestCase):
    def test_size_limit(self) -> None:
        self.assertEqual(MAX_RECORD_BYTES, _FILE["maxBytes"])

    def test_what_they_name(self) -> None:
        for case in _FILE["cases"]:
            with self.subTest(case["name"]), tempfile.TemporaryFile() as file:
                file.write(bytes_of(case))
                file.flush()
                self.assertEqual(names_of(parse_record(read_text(file.fileno(), MAX_RECORD_BYTES))), case["names"])
                start = read_text(file.fileno(), len(RECORD_MAGIC))
                self.assertEqual(looks_like_record(start), case["ours"])
                self.assertEqual(os.fstat(file.fileno()).st_size, len(bytes_of(case)))

    def test_torn_at_any_byte_they_name_nothing_else(self) -> None:
        for case in _FILE["cases"]:
            with self.subTest(case["name"]):
                data = bytes_of(case)
                whole = parse_record(data.decode(errors="replace"))
                for length in range(len(data)):
                    torn = parse_record(data[:length].decode(errors="replace"))
                    if torn is None:
                        continue
                    assert whole is not None
                    for kind in ("published", "temporaries", "servers"):
                        for one in getattr(torn, kind):
                            self.assertIn(one, getattr(whole, kind))
