"""Writers that wait for one another share one transaction, and so one flush to the disk."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, cast

from shared.domain.errors import StoreAway

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]


class WriteTogether:
    """Writes from many threads over one connection, in the order in which they came.

    Whoever comes while nobody writes, writes at once; who comes meanwhile waits. When a
    transaction has ended, the first of those who wait writes for all of them. What one of them
    raises undoes nothing of the others: if it had written something by then, each of them is done
    again by itself. So work may be called twice, and its first call leaves nothing.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._waiting: list[_Write[Any]] = []
        self._writing = False

    @property
    def waiting(self) -> int:
        """How many writers wait for the transaction under way to end."""
        return len(self._waiting)

    def write(self, work: Work[T]) -> T:
        """Do `work`; when this returns it is on the disk. Raises what `work` or SQLite raises."""
        mine = _Write(work)
        with self._lock:
            self._waiting.append(mine)
            leads, self._writing = not self._writing, True
            if not leads:
                mine.waits()
        if not leads:
            mine.await_turn()
        if not mine.ended:
            self._write_for_all()
        return mine.outcome()

    def _write_for_all(self) -> None:
        with self._lock:
            writes, self._waiting = self._waiting, []
        try:
            _commit(self._connection, writes)
        finally:
            with self._lock:
                heirs = self._waiting[:1]
                self._writing = bool(heirs)
            for each in (*writes, *heirs):
                each.give_turn()


class _Spoilt(Exception):
    """One writer's work failed half-way, so that the transaction of all has to be undone."""


class _Write(Generic[T]):
    """What one thread wants written, and what came of it."""

    def __init__(self, work: Work[T]) -> None:
        self._work = work
        self._result: T | None = None
        self._turn: threading.Lock | None = None
        self.ended = False
        self.error: BaseException | None = None

    def waits(self) -> None:
        """It is not the first, so that somebody else has to give it its turn."""
        self._turn = threading.Lock()
        self._turn.acquire()

    def await_turn(self) -> None:
        """Wait until it was written, or has to be written by who waits."""
        if self._turn is not None:
            self._turn.acquire()

    def give_turn(self) -> None:
        """Wake whoever waits for it; nobody waits for one that leads."""
        if self._turn is not None:
            self._turn.release()

    def do(self, connection: sqlite3.Connection) -> None:
        """Do the work in the transaction that is open."""
        self._result = self._work(connection)

    def do_among_others(self, connection: sqlite3.Connection) -> None:
        """The same, but an error before anything was written is this writer's alone.

        Raises `_Spoilt` for any other. Cheaper than a savepoint, for which SQLite would be called
        twice more for each writer, and each call hands the interpreter to another thread.
        """
        before = connection.total_changes
        try:
            self.do(connection)
        except Exception as error:
            if not connection.in_transaction or connection.total_changes != before:
                raise _Spoilt from error
            self.error = error

    def outcome(self) -> T:
        """The result of the work, or what it raised."""
        if self.error is not None:
            raise self.error
        return cast("T", self._result)


def _commit(connection: sqlite3.Connection, writes: Sequence[_Write[Any]]) -> None:
    try:
        _in_one_transaction(connection, writes)
    except _Spoilt:
        for each in writes:
            each.error = None
            _in_one_transaction(connection, [each])
    finally:
        for each in writes:
            each.ended = True


def _in_one_transaction(connection: sqlite3.Connection, writes: Sequence[_Write[Any]]) -> None:
    """All of it or nothing. An error of the transaction itself is every writer's."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        for each in writes:
            if len(writes) == 1:
                each.do(connection)
            else:
                each.do_among_others(connection)
        connection.execute("COMMIT")
    except BaseException as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if isinstance(error, _Spoilt):
            raise
        for each in writes:
            each.error = each.error or _told(error)
        if not isinstance(error, Exception):
            raise


def _told(error: BaseException) -> Exception:
    """What the other writers hear; an interrupt is only for the thread that it came to."""
    return error if isinstance(error, Exception) else StoreAway("the commit was broken off")
