"""The simulation's memory: one SQLite file, every change durable before it is answered."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from infra.local.cloud_run.faults import Fault
from infra.local.cloud_run.model import Landing, LogEntry, Operation, Revision, Service
from shared.wire.decoders import decoder

_SCHEMA = """
CREATE TABLE IF NOT EXISTS services (name TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS revisions (
    service TEXT, name TEXT, created_at REAL NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (service, name));
CREATE TABLE IF NOT EXISTS operations (
    name TEXT PRIMARY KEY, created_at REAL NOT NULL, due_at REAL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS landings (
    id INTEGER PRIMARY KEY, due_at REAL NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY, service TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS revisions_by_service ON revisions (service, created_at);
CREATE INDEX IF NOT EXISTS operations_by_due_time ON operations (due_at);
"""


class StateStore:
    """Reads and writes the state. The caller serialises its calls; it has one connection."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All the writes within are made durable together, or none is made."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def service(self, name: str) -> Service | None:
        """The service of that short name."""
        found = self._bodies("SELECT body FROM services WHERE name = ?", name)
        return decoder(Service).decode(found[0]) if found else None

    def services(self) -> list[Service]:
        """All services, by name."""
        found = self._bodies("SELECT body FROM services ORDER BY name")
        return [decoder(Service).decode(body) for body in found]

    def save_service(self, service: Service) -> None:
        """Write a service, new or changed."""
        self._write("REPLACE INTO services VALUES (?, ?)", service.name, _body(service))

    def revisions(self, service: str) -> list[Revision]:
        """All revisions of a service, newest first."""
        query = "SELECT body FROM revisions WHERE service = ? ORDER BY created_at DESC, rowid DESC"
        found = self._bodies(query, service)
        return [decoder(Revision).decode(body) for body in found]

    def revision(self, service: str, name: str) -> Revision | None:
        """The service's revision of that short name."""
        query = "SELECT body FROM revisions WHERE service = ? AND name = ?"
        found = self._bodies(query, service, name)
        return decoder(Revision).decode(found[0]) if found else None

    def save_revision(self, revision: Revision) -> None:
        """Write a revision, new or changed."""
        self._write(
            "INSERT INTO revisions VALUES (?, ?, ?, ?) "
            "ON CONFLICT (service, name) DO UPDATE SET body = excluded.body",
            revision.service,
            revision.name,
            revision.created_at,
            _body(revision),
        )

    def operation(self, name: str) -> Operation | None:
        """The operation of that full name."""
        found = self._bodies("SELECT body FROM operations WHERE name = ?", name)
        return decoder(Operation).decode(found[0]) if found else None

    def operations(self) -> list[Operation]:
        """All operations, newest first."""
        found = self._bodies("SELECT body FROM operations ORDER BY created_at DESC, rowid DESC")
        return [decoder(Operation).decode(body) for body in found]

    def save_operation(self, operation: Operation) -> None:
        """Write an operation; one that is done is no longer due."""
        self._write(
            "REPLACE INTO operations VALUES (?, ?, ?, ?)",
            operation.name,
            operation.created_at,
            None if operation.done else operation.due_at,
            _body(operation),
        )

    def due_operations(self, now: float) -> list[Operation]:
        """The operations to finish by now, in the order they were due."""
        query = "SELECT body FROM operations WHERE due_at <= ? ORDER BY due_at, rowid"
        return [decoder(Operation).decode(body) for body in self._bodies(query, now)]

    def next_due(self) -> float | None:
        """When the next operation or landing is due; None when none is."""
        query = (
            "SELECT min(due_at) FROM "
            "(SELECT due_at FROM operations UNION ALL SELECT due_at FROM landings)"
        )
        due: float | None = self._db.execute(query).fetchone()[0]
        return due

    def add_landing(self, landing: Landing) -> None:
        """Remember a change that lands later."""
        statement = "INSERT INTO landings (due_at, body) VALUES (?, ?)"
        self._write(statement, landing.due_at, _body(landing))

    def take_landings(self, now: float) -> list[Landing]:
        """Remove the changes that land by now, and return them in their order."""
        query = "SELECT body FROM landings WHERE due_at <= ? ORDER BY due_at, id"
        found = [decoder(Landing).decode(body) for body in self._bodies(query, now)]
        self._write("DELETE FROM landings WHERE due_at <= ?", now)
        return found

    def faults(self, service: str) -> list[tuple[int, Fault]]:
        """The faults ordered for a service with their numbers, oldest first."""
        query = "SELECT id, body FROM faults WHERE service = ? ORDER BY id"
        rows = self._db.execute(query, (service,)).fetchall()
        return [(number, decoder(Fault).decode(body)) for number, body in rows]

    def add_fault(self, fault: Fault) -> None:
        """Order a fault, after those ordered before."""
        self._write("INSERT INTO faults (service, body) VALUES (?, ?)", fault.service, _body(fault))

    def replace_fault(self, number: int, fault: Fault) -> None:
        """Write a fault's new count; one that is used up is removed."""
        if fault.times == 0:
            self._write("DELETE FROM faults WHERE id = ?", number)
        else:
            self._write("UPDATE faults SET body = ? WHERE id = ?", _body(fault), number)

    def clear_faults(self) -> None:
        """Cancel every fault ordered."""
        self._write("DELETE FROM faults")

    def add_log(self, entry: LogEntry) -> None:
        """Note a mutating call."""
        self._write("INSERT INTO log (body) VALUES (?)", _body(entry))

    def log(self) -> list[LogEntry]:
        """Every mutating call, oldest first."""
        found = self._bodies("SELECT body FROM log ORDER BY id")
        return [decoder(LogEntry).decode(body) for body in found]

    def _bodies(self, query: str, *values: str | float) -> list[bytes]:
        return [row[0] for row in self._db.execute(query, values)]

    def _write(self, statement: str, *values: str | float | bytes | None) -> None:
        self._db.execute(statement, values)


def _body(value: Service | Revision | Operation | Landing | Fault | LogEntry) -> bytes:
    return msgspec.json.encode(value)
