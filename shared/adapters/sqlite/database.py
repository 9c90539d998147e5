"""One SQLite file, used from many threads and from other processes too."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar, final

from shared.adapters.sqlite.schema import bring_up_to_date
from shared.adapters.sqlite.together import WriteTogether
from shared.domain.errors import StoreAway

T = TypeVar("T")

_FULL: Final = 2
"""What `PRAGMA synchronous` says for FULL (https://www.sqlite.org/pragma.html#pragma_synchronous)."""

_PASSING: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOMEM,
    }
)
"""Primary result codes that are about the machine and not about us
(https://www.sqlite.org/rescode.html)."""


class NotDurable(RuntimeError):
    """The file system or the SQLite library will not keep what is committed."""


class Database:
    """A file in WAL mode: one writer at a time, readers beside it.

    A commit that returned is on the disk (`synchronous=FULL`, read back on every connection).
    Every method raises `StoreAway` when the file is locked, full, read-only or away.
    """

    def __init__(self, path: Path, patience: timedelta) -> None:
        self._path = path
        self._patience = patience
        self._idle: list[sqlite3.Connection] = []
        with _SORTED:
            self._writer = self._connect()
            try:
                bring_up_to_date(self._writer)
            except BaseException:
                self._writer.close()
                raise
        self._writes = WriteTogether(self._writer)

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work` in a transaction: all of it is on the disk afterwards, or nothing.

        Whatever `work` raises undoes it. Our own threads wait for one another here, and share a
        transaction where they can, instead of polling for SQLite's lock, which only keeps other
        processes out.
        """
        with _SORTED:
            return self._writes.write(work)

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a single query, which is a snapshot by itself."""
        with _SORTED:
            connection = self._borrow()
            try:
                return connection.execute(sql, values).fetchall()
            finally:
                self._idle.append(connection)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One snapshot for as many queries as needed."""
        with _SORTED:
            connection = self._borrow()
            try:
                connection.execute("BEGIN")
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                self._idle.append(connection)

    def pragma(self, name: str) -> object:
        """What the writing connection says of one of its settings."""
        return self._writer.execute(f"PRAGMA {name}").fetchone()[0]

    def close(self) -> None:
        """Close every connection. Nothing may be under way."""
        for connection in (*self._idle, self._writer):
            connection.close()
        self._idle.clear()

    def _borrow(self) -> sqlite3.Connection:
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path,
            timeout=self._patience.total_seconds(),
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            _make_durable(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def _make_durable(connection: sqlite3.Connection) -> None:
    journal: str = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    connection.execute("PRAGMA synchronous = FULL")
    synchronous: int = connection.execute("PRAGMA synchronous").fetchone()[0]
    if journal != "wal" or synchronous != _FULL:
        raise NotDurable(f"journal_mode is {journal} and synchronous is {synchronous}")


@final
class _Sorted:
    """Tells trouble of the machine, which may pass, from mistakes of ours, which do not.

    A class, because each alert comes by here several times and a generator costs thrice as much.
    """

    def __enter__(self) -> None:
        """Nothing has gone wrong yet."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Raises `StoreAway` for what may pass; whatever else was raised goes on."""
        if not isinstance(error, sqlite3.OperationalError):
            return
        if error.sqlite_errorcode & 0xFF in _PASSING:
            raise StoreAway(f"the database cannot be used now: {error}") from error


_SORTED: Final = _Sorted()
