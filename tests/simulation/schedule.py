"""Tasks that take turns on a virtual clock: the same draws always give the same history.

A task runs until it pauses; nothing else happens meanwhile. Greenlets let production code pause
inside an ordinary function call, without a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final, TypeVar

from greenlet import getcurrent, greenlet  # type: ignore[import-untyped]  # ships no types

_NEVER: Final = datetime.min.replace(tzinfo=UTC)

A = TypeVar("A")
B = TypeVar("B")


class Killed(BaseException):
    """The process ended here: nothing may catch it, and nothing follows."""


@dataclass(slots=True, eq=False)
class Worker:
    """One process at one piece of work; when it dies, everything it started is gone.

    `ended` is called once with what the work raised; `Killed` when it died.
    """

    name: str
    ended: Callable[[BaseException | None], None]
    action: str = ""
    dead: bool = False
    takes_others_along: bool = False
    frozen_until: datetime = _NEVER
    tasks: list[Task] = field(default_factory=list)


class Task:
    """One line of execution of a worker."""

    def __init__(self, worker: Worker, work: Callable[[], object], hub: Any) -> None:
        self.worker = worker
        self.result: Any = None
        self.error: Exception | None = None
        self.done = False
        self.waiters: list[Task] = []
        self.greenlet = greenlet(lambda: self._run(work), hub)
        worker.tasks.append(self)

    def _run(self, work: Callable[[], object]) -> None:
        try:
            self.result = work()
        except Killed:
            self.worker.dead = True
        except Exception as error:
            self.error = error
        self.done = True


class Schedule:
    """What happens when. `now` is the true time, whatever a process's clock says."""

    def __init__(self, start: datetime) -> None:
        self.now = start
        self.workers: dict[Worker, None] = {}
        self.restarted: Callable[[], None] = lambda: None
        self._queue: list[tuple[datetime, int, Callable[[], None]]] = []
        self._count = count()
        self._hub = getcurrent()
        self._running: Task | None = None

    @property
    def worker(self) -> Worker | None:
        """The worker whose turn it is, if it is a worker's."""
        return self._running.worker if self._running else None

    def at(self, when: datetime, call: Callable[[], None]) -> None:
        """Call this then; what is due at once happens in the order in which it was asked for."""
        heappush(self._queue, (when, next(self._count), call))

    def step(self, until: datetime) -> bool:
        """Let the next thing happen; False if there is none before `until`."""
        if not self._queue or self._queue[0][0] > until:
            self.now = max(self.now, until)
            return False
        when, _, call = heappop(self._queue)
        self.now = max(self.now, when)
        call()
        return True

    def start(self, worker: Worker, work: Callable[[], object]) -> Task:
        """Have the worker do this, beside whatever else it does."""
        self.workers[worker] = None
        task = Task(worker, work, self._hub)
        self.at(self.now, lambda: self._resume(task))
        return task

    def pause(self, duration: timedelta) -> None:
        """Let others take their turns. Raises `Killed` when the worker dies meanwhile."""
        task = self._running
        assert task is not None, "only a task can pause"
        if task.worker.dead:
            raise Killed
        self.at(self.now + duration, lambda: self._resume(task))
        self._hub.switch()

    def wait(self, tasks: Sequence[Task]) -> None:
        """Let others take their turns until these tasks have ended."""
        for task in tasks:
            waiter = self._running
            assert waiter is not None, "only a task can wait"
            if waiter.worker.dead:
                raise Killed
            if not task.done:
                task.waiters.append(waiter)
                self._hub.switch()

    def kill(self, worker: Worker) -> None:
        """End the worker wherever it is."""
        worker.dead = True
        self.workers.pop(worker, None)
        for task in worker.tasks:
            if not task.done and task.greenlet:
                self._running = task
                task.greenlet.throw(Killed())
            task.done = True
        self._running = None
        worker.ended(Killed())
        if worker.takes_others_along:
            for other in list(self.workers):
                other.takes_others_along = False
                self.kill(other)
            self.restarted()

    def in_parallel(self, call: Callable[[A], B], items: Sequence[A], /) -> tuple[B, ...]:
        """`shared.app.parallel.Parallel` with a task for each item."""
        worker = self.worker
        assert worker is not None
        tasks = [self.start(worker, partial(call, item)) for item in items]
        self.wait(tasks)
        for task in tasks:
            if task.error is not None:
                raise task.error
        return tuple(task.result for task in tasks)

    def repeating(self, work: Callable[[], bool], pause: timedelta, /) -> Callable[[], None]:
        """`shared.app.keep_lease.Repeating` with a task of its own."""
        worker, stopped, busy = self.worker, False, False
        assert worker is not None

        def run() -> None:
            nonlocal busy
            again = True
            while again:
                self.pause(pause)
                busy = not stopped
                again = busy and work()
                busy = False

        task = self.start(worker, run)

        def stop() -> None:
            nonlocal stopped
            stopped = True
            if busy:
                self.wait([task])

        return stop

    def _resume(self, task: Task) -> None:
        worker = task.worker
        if task.done:
            return
        if worker.frozen_until > self.now:
            self.at(worker.frozen_until, lambda: self._resume(task))
            return
        self._running = task
        task.greenlet.switch()
        self._running = None
        self._follow_up(task)

    def _follow_up(self, task: Task) -> None:
        """The task gave up its turn: see what has become of it."""
        if task.worker.dead:
            self.kill(task.worker)
        elif task.done:
            self._end(task)

    def _end(self, task: Task) -> None:
        for waiter in task.waiters:
            self.at(self.now, partial(self._resume, waiter))
        if task is task.worker.tasks[0]:
            self.workers.pop(task.worker, None)
            task.worker.ended(task.error)
