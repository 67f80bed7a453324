"""The one background thread of a process, and what happens to it at a fork and at the exit."""

from __future__ import annotations

import atexit
import os
import sys
import threading

from .._files import held_locks, inherited
from .._processes.generation import next_generation
from .background import Background

_EXIT_SECONDS = 5.0
"""How long the exit waits until the background thread is idle. The thread makes no call that blocks."""

_lock = threading.Lock()
_background: Background | None = None
_kept: Background | None = None
_hooked = False


def background() -> Background:
    """The background thread of this process. It starts at first need."""
    global _background
    with _lock:
        if _background is None:
            _background = Background()
            _hook()
        return _background


def _hook() -> None:
    """Registers the clean-up at exit, once in a process, even after forks."""
    global _hooked
    if not _hooked:
        _hooked = True
        atexit.register(_at_exit)
        os.register_at_fork(before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
    _hook_multiprocessing()


def _hook_multiprocessing() -> None:
    """A child of multiprocessing ends by `os._exit`, and calls only the exit handlers of multiprocessing."""
    process, util = sys.modules.get("multiprocessing.process"), sys.modules.get("multiprocessing.util")
    if process is not None and util is not None and process.parent_process() is not None:
        util.Finalize(None, _at_exit, exitpriority=0)


def _at_exit() -> None:
    """Removes the files of the sockets that this process still owns. Members in other processes fail over."""
    current = _background
    if current is None or current.ended:
        return
    # The thread stays idle: its gate is never opened again.
    if current.gate.close(_EXIT_SECONDS):
        current.ended = True
        held_locks.clean_up()


def _before_fork() -> None:
    global _kept
    current = _background
    # The thread is idle, so the open descriptors are known and the child can close its copies. Wait for the thread first and
    # take the lock then: the thread may need the lock, in a finalizer.
    if current is not None and not current.is_current and not current.ended:
        current.gate.close()
        _kept = current
    _lock.acquire()


def _after_in_parent() -> None:
    global _kept
    _lock.release()
    kept, _kept = _kept, None
    if kept is not None:
        kept.gate.open()


def _after_in_child() -> None:
    global _lock, _background, _kept
    _lock, _kept = threading.Lock(), None
    parents, _background = _background, None
    next_generation()
    held_locks.forget_all()
    inherited.close_all_in_child()
    if parents is not None:
        parents.close_in_child()
