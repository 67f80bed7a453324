"""The background thread of this process: it owns all control connections, listeners and counts.

Members must answer while the user's thread blocks, and owners while no user code calls them. Only this thread changes
counts, in one step after the other, so that no lock is held while user code runs.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import selectors
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")


class _Gate:
    """Lets a thread that forks, or ends the interpreter, wait until the background thread is idle, and keep it idle."""

    def __init__(self) -> None:
        self._turnstile: Final = threading.Lock()
        self._running: Final = threading.RLock()

    def enter(self) -> None:
        """The background thread continues, unless another thread keeps it idle."""
        with self._turnstile:
            self._running.acquire()

    def leave(self) -> None:
        """The background thread is idle: it waits for an event."""
        self._running.release()

    def close(self, timeout: float = -1) -> bool:
        """Waits until it is idle, and keeps it idle. Returns whether it was idle in time."""
        if not self._turnstile.acquire(timeout=timeout):
            return False
        if self._running.acquire(timeout=timeout):
            return True
        self._turnstile.release()
        return False

    def open(self) -> None:
        """Lets it continue."""
        self._running.release()
        self._turnstile.release()


class _GatedSelector(selectors.DefaultSelector):
    """A selector that marks the thread as idle while it waits."""

    def __init__(self, gate: _Gate) -> None:
        super().__init__()
        self._gate = gate

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._gate.leave()
        try:
            return super().select(timeout)
        finally:
            self._gate.enter()


class Background:
    """The thread and its event loop. It is a daemon thread: it never keeps the process alive."""

    def __init__(self) -> None:
        self.gate: Final = _Gate()
        self._selector = _GatedSelector(self.gate)
        self.loop: Final = asyncio.SelectorEventLoop(self._selector)
        self.ended = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._thread = threading.Thread(target=self._run, name="sockref", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self.gate.enter()
        try:
            self.loop.run_forever()
        finally:
            self.gate.leave()

    @property
    def is_current(self) -> bool:
        """Whether the caller runs in that thread: a finalizer that runs in it must not wait for it."""
        return threading.current_thread() is self._thread

    def call(self, work: Callable[[], T], undo: Callable[[T], object] | None = None) -> T:
        """Calls a function in the thread, and waits for what it returns or raises.

        `undo` gets the result if the caller was interrupted while it waited.
        """
        if self.is_current:
            return work()
        future: concurrent.futures.Future[T] = concurrent.futures.Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)

        self._assert_running()
        self.soon(run)
        return self._wait(future, undo)

    def submit(
        self,
        start: Callable[[], Coroutine[Any, Any, T]],
        undo: Callable[[T], object] | None = None,
        *,
        cancellable: bool = True,
    ) -> concurrent.futures.Future[T]:
        """Starts a coroutine in the thread.

        Cancelling the future cancels the coroutine, if it is `cancellable`. `undo` gets a result that came in spite of that.
        """
        self._assert_running()
        future: concurrent.futures.Future[T] = concurrent.futures.Future()

        def run() -> None:
            task = self.spawn(start())
            task.add_done_callback(lambda done: _pass_on(done, future, undo))
            if cancellable:
                future.add_done_callback(lambda done: self.soon(task.cancel) if done.cancelled() else None)

        self.soon(run)
        return future

    def wait(
        self,
        start: Callable[[], Coroutine[Any, Any, T]],
        undo: Callable[[T], object] | None = None,
        *,
        cancellable: bool = True,
    ) -> T:
        """Runs a coroutine in the thread, and waits for its outcome. An interrupt ends the wait, and cancels if `cancellable`."""
        if self.is_current:
            raise RuntimeError("sockref's own thread (a finalizer runs in it) cannot wait for itself")
        return self._wait(self.submit(start, undo, cancellable=cancellable), undo)

    async def bring(
        self, start: Callable[[], Coroutine[Any, Any, T]], undo: Callable[[T], object]
    ) -> T:
        """Runs a coroutine in the thread, and waits for its outcome in another event loop."""
        future = self.submit(start, undo)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            # The result may have come by then and be on its way here; no caller will get it.
            self._give_back(future, undo)
            raise

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Runs a coroutine beside the others. Only the thread may call it."""
        task = self.loop.create_task(work)
        # The loop does not keep a task alive.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def soon(self, work: Callable[[], object]) -> None:
        """Calls a function in the thread, without waiting. Any thread may call it, also in a finalizer."""
        with contextlib.suppress(RuntimeError):
            # The loop is closed: there is nothing left to do.
            self.loop.call_soon_threadsafe(work)

    def close_in_child(self) -> None:
        """Closes a forked child's copies. The entries of the selector are also the parent's, so it is only closed."""
        self.ended = True
        self._selector.close()
        for name in ("_ssock", "_csock"):
            sock = getattr(self.loop, name, None)
            if sock is not None:
                sock.close()

    def _assert_running(self) -> None:
        if self.ended:
            raise RuntimeError("sockref cannot be used any more: the interpreter is about to end")

    @staticmethod
    def _wait(future: concurrent.futures.Future[T], undo: Callable[[T], object] | None) -> T:
        try:
            return future.result()
        except BaseException:
            # The caller was interrupted (Ctrl-C), unless this is the outcome of the call.
            Background._give_back(future, undo)
            raise

    @staticmethod
    def _give_back(future: concurrent.futures.Future[T], undo: Callable[[T], object] | None) -> None:
        """The caller does not wait any more. A call that was cancelled in time has no result to undo."""
        if future.cancel() or future.cancelled() or undo is None:
            return
        future.add_done_callback(lambda done: None if done.exception() else undo(done.result()))


def _pass_on(
    task: asyncio.Task[T], future: concurrent.futures.Future[T], undo: Callable[[T], object] | None
) -> None:
    if not future.set_running_or_notify_cancel():
        if undo and not task.cancelled() and task.exception() is None:
            undo(task.result())
        return
    if task.cancelled():
        future.set_exception(asyncio.CancelledError())
        return
    error = task.exception()
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(task.result())
