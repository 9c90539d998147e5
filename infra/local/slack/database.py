"""The SQLite file: durable before anything is answered, watched by whoever waits for changes."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

_SCHEMA = """
CREATE TABLE IF NOT EXISTS about (
    one INTEGER PRIMARY KEY CHECK (one = 1), store TEXT NOT NULL, revision INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS channels (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, members TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS messages (
    micros INTEGER PRIMARY KEY, channel TEXT NOT NULL, thread INTEGER, ephemeral INTEGER NOT NULL,
    deleted INTEGER NOT NULL, revision INTEGER NOT NULL, document TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS messages_by_channel ON messages (channel, micros);
CREATE INDEX IF NOT EXISTS messages_by_thread ON messages (channel, thread, micros);
CREATE INDEX IF NOT EXISTS messages_by_revision ON messages (revision);
CREATE TABLE IF NOT EXISTS views (
    id TEXT PRIMARY KEY, user TEXT NOT NULL, external_id TEXT NOT NULL, open INTEGER NOT NULL,
    revision INTEGER NOT NULL, document TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS views_by_revision ON views (revision);
CREATE TABLE IF NOT EXISTS triggers (
    id TEXT PRIMARY KEY, user TEXT NOT NULL, expires_at REAL NOT NULL, used INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS response_urls (
    id TEXT PRIMARY KEY, channel TEXT NOT NULL, user TEXT NOT NULL, message_ts TEXT,
    expires_at REAL NOT NULL, uses_left INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY, method TEXT NOT NULL, fault TEXT NOT NULL, seconds REAL NOT NULL,
    times INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS calls (
    id INTEGER PRIMARY KEY, method TEXT NOT NULL, at REAL NOT NULL, error TEXT
) STRICT;
"""


class Database:
    """One connection behind one lock; every change raises the revision."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._changed = threading.Condition(threading.RLock())
        self._closed = False
        self._raised = False
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.executescript(_SCHEMA)
        self._connection.execute(
            "INSERT OR IGNORE INTO about (one, store, revision) VALUES (1, ?, 0)", (uuid4().hex,)
        )

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; joins the transaction that this thread is already in."""
        with self._changed:
            if self._connection.in_transaction:
                yield self._connection
                return
            self._raised = False
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.rollback()
                raise
            self._connection.commit()
            if self._raised:
                self._changed.notify_all()

    def store(self) -> str:
        """An id that changes when the data is thrown away."""
        return str(self._about("store"))

    def revision(self) -> int:
        """The number of changes to messages and views so far."""
        return int(self._about("revision"))

    def raise_revision(self) -> int:
        """Counts one more change; call inside a transaction."""
        with self.transaction() as connection:
            connection.execute("UPDATE about SET revision = revision + 1")
            self._raised = True
            return self.revision()

    def wait_for_change(self, after: int, seconds: float) -> bool:
        """Waits until the revision is beyond `after`; False once the database is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self.revision() > after, seconds)
            return not self._closed

    def close(self) -> None:
        """Wakes whoever waits and closes the file; closing twice is harmless."""
        with self._changed:
            self._closed = True
            self._connection.close()
            self._changed.notify_all()

    def _about(self, column: str) -> str | int:
        with self._changed:
            row = self._connection.execute("SELECT store, revision FROM about").fetchone()
            value: str | int = row[column]
            return value
