"""What was measured: every request through the front door, and values set by hand.

Survives `kill -9`; a second is the finest that is kept of a request.
"""

from __future__ import annotations

import json
import math
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KEPT_SECONDS = 3 * 24 * 3600.0
_FOREVER = 10**12  # seconds
_TABLES = """
CREATE TABLE IF NOT EXISTS requests (
    second INTEGER NOT NULL, service TEXT NOT NULL, revision TEXT NOT NULL,
    class TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (second, service, revision, class)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gauges (
    name TEXT NOT NULL, labels TEXT NOT NULL, at REAL NOT NULL, value REAL,
    PRIMARY KEY (name, labels, at)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests that ended alike, and the newest second of them.

    `code_class` is as Google has it: `2xx`.
    """

    second: int
    service: str
    revision: str
    code_class: str
    count: int

    @property
    def labels(self) -> dict[str, str]:
        """Which series of `request_count` they belong to."""
        return {
            "service_name": self.service,
            "revision_name": self.revision,
            "response_code_class": self.code_class,
        }


@dataclass(frozen=True, slots=True)
class Gauge:
    """One value of one series, at an instant in Unix seconds."""

    name: str
    labels: Mapping[str, str]
    at: float
    value: float


class Samples:
    """The samples in one SQLite file. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=OFF")  # only a power failure would lose any
        self._database.executescript(_TABLES)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def forget(self, now: float) -> None:
        """Delete what is older than is kept."""
        oldest = now - KEPT_SECONDS
        self._write("DELETE FROM requests WHERE second < ?", oldest)
        self._write("DELETE FROM gauges WHERE at < ?", oldest)

    def add_requests(
        self, service: str, revision: str, status: int, at: float, count: int = 1
    ) -> None:
        """Count requests that were answered at this instant."""
        self._write(
            "INSERT INTO requests VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET count = count + excluded.count",
            *(math.floor(at), service, revision, f"{status // 100}xx", count),
        )

    def set_gauge(self, gauge: Gauge) -> None:
        """Note a value; SQLite has no NaN and keeps NULL in its place."""
        labels = json.dumps(dict(gauge.labels), sort_keys=True)
        value = None if math.isnan(gauge.value) else gauge.value
        self._write(
            "INSERT OR REPLACE INTO gauges VALUES (?, ?, ?, ?)", gauge.name, labels, gauge.at, value
        )

    def counted(self, after: float, until: float) -> list[Requests]:
        """The requests of (after, until], added up for each series, each at its newest second."""
        return self._requests(after, until, _FOREVER)

    def each_minute(self, after: float, until: float) -> list[Requests]:
        """The requests of (after, until], added up for each series and whole minute."""
        return self._requests(after, until, 60)

    def gauges(self, name: str, after: float, until: float) -> list[Gauge]:
        """The values of (after, until] of every series with this name, oldest first."""
        found = self._read(
            "SELECT labels, at, value FROM gauges"
            " WHERE name = ? AND at > ? AND at <= ? ORDER BY at",
            *(name, after, until),
        )
        return [
            Gauge(name, json.loads(labels), at, math.nan if value is None else value)
            for labels, at, value in found
        ]

    def _requests(self, after: float, until: float, together: int) -> list[Requests]:
        found = self._read(
            "SELECT MAX(second), service, revision, class, SUM(count) FROM requests"
            " WHERE second > ? AND second <= ?"
            " GROUP BY second / ?, service, revision, class ORDER BY 1",
            *(after, until, together),
        )
        return [Requests(*row) for row in found]

    def _write(self, statement: str, *values: object) -> None:
        with self._lock:
            self._database.execute(statement, values)

    def _read(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._database.execute(statement, values).fetchall()
