"""test/vectors/paths.json: where each path leads."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import stat
import sys
import tempfile
import unittest
from typing import Any
from unittest import mock

from support import VECTORS

from sockref import SocketManager, SocketReferenceError

_FILE = json.loads((VECTORS / "paths.json").read_text(encoding="utf-8"))
_MAX = _FILE["maxBytes"][sys.platform]


def filling(case: dict[str, Any], directory: str) -> str:
    """The letters for `{fill}`, so that the whole path has the wanted number of bytes."""
    fill = case.get("fill")
    if fill is None:
        return ""
    template = fill.get("in", case.get("input"))
    rest = template.replace("{dir}", directory).replace("{fill}", "")
    size = _MAX + fill["over"] - len(rest.encode())
    letters = fill["with"] * (size // len(fill["with"].encode()))
    return letters + "x" * (size - len(letters.encode()))


def fill_in(value: Any, directory: str, fill: str) -> Any:
    if isinstance(value, str):
        return value.replace("{dir}", directory).replace("{fill}", fill)
    if isinstance(value, list):
        return [fill_in(item, directory, fill) for item in value]
    if isinstance(value, dict):
        return {key: fill_in(item, directory, fill) for key, item in value.items()}
    return value


def make(entry: dict[str, str]) -> None:
    if "directory" in entry:
        os.mkdir(entry["directory"])
        os.chmod(entry["directory"], int(entry["mode"], 8))
    elif "file" in entry:
        with open(entry["file"], "w", encoding="utf-8") as file:
            file.write(entry.get("text", ""))
        os.chmod(entry["file"], int(entry["mode"], 8))
    elif "fifo" in entry:
        os.mkfifo(entry["fifo"])
        os.chmod(entry["fifo"], int(entry["mode"], 8))
    elif "link" in entry:
        os.symlink(entry["to"], entry["link"])
    else:
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(entry["socket"])


def tree_of(directory: str) -> dict[str, Any]:
    """Everything in a directory, to compare: it shows whether a file was created, changed, touched or replaced."""
    tree: dict[str, Any] = {}
    for folder, folders, files in os.walk(directory):
        for name in (*folders, *files):
            path = os.path.join(folder, name)
            stats = os.lstat(path)
            content: Any = None
            if stat.S_ISREG(stats.st_mode):
                with open(path, "rb") as file:
                    content = file.read()
            elif stat.S_ISLNK(stats.st_mode):
                content = os.readlink(path)
            # A directory's time changes when a file in it is made or removed.
            time = None if stat.S_ISDIR(stats.st_mode) else stats.st_mtime_ns
            tree[os.path.relpath(path, directory)] = (stats.st_mode, stats.st_uid, stats.st_ino, time, content)
    return tree


class Paths(unittest.TestCase):
    def test_verdicts(self) -> None:
        for case in _FILE["cases"]:
            directory = tempfile.mkdtemp(prefix="sockref-test-")
            try:
                with self.subTest(case["name"]), mock.patch.dict(os.environ):
                    self.run_case(case, directory)
            finally:
                shutil.rmtree(directory)

    def run_case(self, raw: dict[str, Any], directory: str) -> None:
        case = fill_in(raw, directory, filling(raw, directory))
        for entry in case.get("setup", []):
            make(entry)
        os.environ.pop("XDG_RUNTIME_DIR", None)
        for name, value in {"SOCKREF_DIR": f"{directory}/default", **case.get("env", {})}.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        before = tree_of(directory)
        with SocketManager() as manager:
            if "code" in case["verdict"]:
                self.refused(manager, case)
            else:
                self.accepted(manager, case, directory)
        left = tree_of(directory)
        # A default directory that was missing stays, empty.
        for name in ("default", "sockref", "s/default"):
            if name not in before:
                left.pop(name, None)
        self.assertEqual(left, before)

    def refused(self, manager: SocketManager, case: dict[str, Any]) -> None:
        verdict = dict(case["verdict"])
        over = verdict.pop("over", None)
        if over is not None:
            verdict |= {"max": _MAX, "length": _MAX + over}
        with self.assertRaises(SocketReferenceError) as raised:
            manager.acquire(case.get("input"), serve=lambda sock: None)
        for name, value in verdict.items():
            self.assertEqual(getattr(raised.exception, name), value)
        given: Any = case.get("input")
        self.assertFalse(manager.is_socket_active(given))
        self.assertEqual(manager.reference_count(given), 0)

    def accepted(self, manager: SocketManager, case: dict[str, Any], directory: str) -> None:
        given, verdict = case.get("input"), case["verdict"]
        with manager.acquire(given, serve=lambda sock: sock.sendall(b"ok")) as reference:
            if "path" in verdict:
                self.assertEqual(reference.path, verdict["path"])
            else:
                pattern = raw_pattern(verdict["pattern"], directory)
                self.assertRegex(reference.path, pattern)
            self.assertTrue(stat.S_ISSOCK(os.lstat(reference.path).st_mode))
            if given is not None:
                self.assertTrue(manager.is_socket_active(given))
            with reference.connect() as connection:
                self.assertEqual(connection.recv(100), b"ok")


def raw_pattern(pattern: str, directory: str) -> str:
    """The directory is to be taken literally."""
    return pattern.replace(directory, re.escape(directory))
