"""Helpers of the tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import unittest
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "python" / "src"
VECTORS = ROOT / "test" / "vectors"

sys.path.insert(0, str(SOURCE))

_WATCHDOG = 120.0
"""A watchdog, in seconds: what takes longer hangs. It measures nothing."""


class Case(unittest.TestCase):
    """A test with its own directory, which must be empty at the end."""

    directory: str

    def setUp(self) -> None:
        self.directory = tempfile.mkdtemp(prefix="sockref-test-")
        self.addCleanup(self._remove)

    def path(self, name: str = "app.sock") -> str:
        return f"{self.directory}/{name}"

    def left(self) -> list[str]:
        return sorted(os.listdir(self.directory))

    def eventually(self, holds: Callable[[], Any], what: str = "it holds") -> None:
        """Waits for the work of other processes, which causes no event here."""
        until(holds, what)

    def _remove(self) -> None:
        # Sockets that end in the background of another process need a moment.
        left = self.left()
        subprocess.run(["rm", "-rf", self.directory], check=True)
        self.assertEqual(left, [], "something was left in the directory")


def until(holds: Callable[[], Any], what: str = "it holds") -> None:
    deadline = time.monotonic() + _WATCHDOG
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {_WATCHDOG} s")
        time.sleep(0.002)


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SOURCE), **more}


def run_program(program: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs a program of Python to its end."""
    command = [sys.executable, "-c", textwrap.dedent(program), *arguments]
    env = environment(**options.pop("env", {}))
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=_WATCHDOG, check=False, **options)


@contextmanager
def started_program(program: str, *arguments: str) -> Generator[subprocess.Popen[str]]:
    """Starts a program of Python, and kills it at the end of the test if it still runs."""
    command = [sys.executable, "-c", textwrap.dedent(program), *arguments]
    child = subprocess.Popen(command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()


def stop(child: int) -> None:
    """Stops a child by SIGSTOP, and waits until all of its threads have stopped: the signal takes effect later."""
    os.kill(child, signal.SIGSTOP)
    _, status = os.waitpid(child, os.WUNTRACED)
    assert os.WIFSTOPPED(status), "it ended instead"


def in_threads(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Runs a function in so many threads at once. Returns what each returned; raises what one raised."""
    results: list[Any] = [None] * count
    errors: list[BaseException] = []
    barrier = threading.Barrier(count)

    def run(index: int) -> None:
        try:
            barrier.wait()
            results[index] = work(index)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=[index], daemon=True) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_WATCHDOG)
    if errors:
        raise errors[0]
    assert not any(thread.is_alive() for thread in threads), "a thread hangs"
    return results
