"""test/vectors/errors.json: every code, with its fields."""

from __future__ import annotations

import json
import pickle
import typing
import unittest

from support import VECTORS

from sockref import ErrorCode, SocketReferenceError
from sockref.error_codes import ERROR_FIELDS, WIRE_FIELDS

_CODES = json.loads((VECTORS / "errors.json").read_text(encoding="utf-8"))["codes"]


class Errors(unittest.TestCase):
    def test_codes_and_fields(self) -> None:
        own = {code: tuple(WIRE_FIELDS.get(name, name) for name in fields) for code, fields in _CODES.items()}
        self.assertEqual(ERROR_FIELDS, own)
        self.assertEqual(typing.get_args(ErrorCode), tuple(_CODES))

    def test_fields_that_do_not_belong_are_refused(self) -> None:
        with self.assertRaises(TypeError):
            SocketReferenceError("ERR_SOCKREF_CLOSED", "closed", limit="maxSockets")

    def test_an_error_can_be_sent_to_another_process(self) -> None:
        error = SocketReferenceError("ERR_SOCKREF_TIMEOUT", "late", path="/a", timeout=1.5, waiting_for="it")
        copy = pickle.loads(pickle.dumps(error))
        self.assertEqual((copy.code, copy.message, copy.fields()), (error.code, "late", error.fields()))
        self.assertEqual(copy.pid, None)
