"""The examples of python/README.md work when they are pasted."""

from __future__ import annotations

import re
import tempfile

from support import ROOT, Case, run_program

_README = (ROOT / "python" / "README.md").read_text(encoding="utf-8")


class Readme(Case):
    def test_examples(self) -> None:
        examples = re.findall(r"^```python\n(.*?)^```$", _README, re.MULTILINE | re.DOTALL)
        self.assertEqual(len(examples), 2)
        for example in examples:
            # A comment after each print has the printed text.
            expected = re.findall(r"print\(.*\)  # (.*)$", example, re.MULTILINE)
            with self.subTest(example), tempfile.TemporaryDirectory(prefix="sockref-test-") as directory:
                result = run_program(example, env={"SOCKREF_DIR": directory, "PYTHONWARNINGS": "error"})
                self.assertEqual((result.stdout.splitlines(), result.stderr), (expected, ""))

    def test_every_public_name_is_in_the_page(self) -> None:
        import sockref

        for name in ("acquire", "SocketManager", "SocketReference", "SocketReferenceError", "Limits", "ServerCommand"):
            self.assertIn(name, sockref.__all__)
            self.assertIn(name, _README)
        for cls in (sockref.SocketManager, sockref.SocketReference):
            for name in vars(cls):
                if not name.startswith("_") and name not in ("core", "prepare"):
                    self.assertIn(f"`{name}", _README, f"{cls.__name__}.{name}")
