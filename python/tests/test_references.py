"""The references of one endpoint, and the errors for using them after their end."""

from __future__ import annotations

import unittest

from support import Case

from sockref import SocketReferenceError
from sockref._endpoint.references import References

_PATH = "/tmp/a.sock"


class Ended(Case):
    def test_they_are_counted(self) -> None:
        references = References()
        references.add()
        references.add()
        references.remove()
        self.assertEqual(references.count, 1)

    def test_the_error_says_who_ended_them(self) -> None:
        references = References()
        for inherited, process_ended, reason in [
            (False, False, "closed"),
            (False, True, "cleaned-up"),
            (True, False, "forked"),
            (True, True, "forked"),
        ]:
            with self.subTest(reason=reason):
                error = references.closed_error(_PATH, inherited, process_ended)
                self.assertEqual((error.code, error.path, error.reason), ("ERR_SOCKREF_CLOSED", _PATH, reason))

    def test_the_reason_for_their_end_comes_before_the_end_of_the_process_and_is_another_object_each_time(self) -> None:
        references = References()
        reason = SocketReferenceError("ERR_SOCKREF_OWNER_LOST", "lost", path=_PATH, timeout=1)
        references.end(reason)
        told = [references.closed_error(_PATH, False, ended) for ended in (False, True)]
        self.assertEqual([error.fields() for error in told], [reason.fields()] * 2)
        self.assertEqual([error.code for error in told], [reason.code] * 2)
        self.assertIsNot(told[0], told[1])
        self.assertEqual(references.closed_error(_PATH, True, False).reason, "forked")


if __name__ == "__main__":
    unittest.main()
