"""Each layer knows only those below it, as in docs/architecture.md."""

from __future__ import annotations

import ast
import tempfile
import unittest
from pathlib import Path

from support import SOURCE

_LAYERS = ("_protocol", "_processes", "_files", "_control", "_serving", "_ownership", "_endpoint", "_runtime", "_api")
"""The lowest first. `_runtime` is the thread in which the endpoints live."""


def _imported(module: Path, package: Path) -> set[str]:
    """The layers that a module imports from."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level > 0:
            base = module.parent
            for _ in range(node.level - 1):
                base = base.parent
            parts = base.joinpath(*(node.module or "").split(".")).relative_to(package).parts
            found.update(parts[:1] if parts else (name.name for name in node.names))
    return found & set(_LAYERS)


def _arrows(package: Path) -> dict[str, set[str]]:
    """The layers that each module of each layer imports from."""
    modules = (module for layer in _LAYERS for module in (package / layer).rglob("*.py"))
    return {str(module.relative_to(package)): _imported(module, package) for module in modules}


def _upward(arrows: dict[str, set[str]]) -> list[str]:
    height = {layer: at for at, layer in enumerate(_LAYERS)}
    return sorted(
        f"{module} imports {layer}"
        for module, imported in arrows.items()
        for layer in imported
        if height[layer] > height[module.split("/")[0]]
    )


class Layers(unittest.TestCase):
    def test_no_import_goes_up(self) -> None:
        arrows = _arrows(SOURCE / "sockref")
        self.assertEqual(_upward(arrows), [])
        # Each layer but the highest is used by another one: the imports were found.
        used = {layer for module, imported in arrows.items() for layer in imported if not module.startswith(layer)}
        self.assertEqual(used, set(_LAYERS) - {"_api"})

    def test_every_folder_is_a_layer(self) -> None:
        folders = {module.parent.name for module in (SOURCE / "sockref").glob("*/*.py")}
        self.assertEqual(folders, set(_LAYERS))

    def test_an_import_that_goes_up_is_found(self) -> None:
        with tempfile.TemporaryDirectory(prefix="sockref-test-") as directory:
            package = Path(directory)
            for layer in _LAYERS:
                (package / layer).mkdir()
            (package / "_files" / "down.py").write_text("from .._processes.end import a\nfrom . import up\n")
            (package / "_files" / "up.py").write_text("from .._control import a\n")
            (package / "_processes" / "whole.py").write_text("from .. import _api, errors\n")
            (package / "_serving" / "late.py").write_text("def f():\n    from .._ownership.claim import a\n")
            self.assertEqual(
                _upward(_arrows(package)),
                [
                    "_files/up.py imports _control",
                    "_processes/whole.py imports _api",
                    "_serving/late.py imports _ownership",
                ],
            )


if __name__ == "__main__":
    unittest.main()
