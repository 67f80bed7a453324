"""No function is too long to be read at once. `test/size.test.ts` counts the lines of files."""

from __future__ import annotations

import ast
import unittest

from support import SOURCE

_MAX_LINES = 60


def _functions(text: str) -> dict[str, int]:
    """The lines of each function, with its comments and without its decorators."""
    return {
        f"{node.name}:{node.lineno}": (node.end_lineno or 0) - node.lineno + 1
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }


def _too_long(text: str) -> list[str]:
    return [name for name, lines in _functions(text).items() if lines > _MAX_LINES]


class Size(unittest.TestCase):
    def test_no_function_is_too_long(self) -> None:
        texts = {str(module.relative_to(SOURCE)): module.read_text() for module in SOURCE.rglob("*.py")}
        self.assertIn("sockref/_api/manager.py", texts)
        self.assertEqual({name: _too_long(text) for name, text in texts.items() if _too_long(text)}, {})

    def test_a_function_that_is_too_long_is_found(self) -> None:
        body = "    pass\n" * (_MAX_LINES - 1)
        self.assertEqual(_too_long(f"def short():\n{body}"), [])
        self.assertEqual(_too_long(f"class A:\n  async def long():\n{body}    pass\n"), ["long:2"])


if __name__ == "__main__":
    unittest.main()
