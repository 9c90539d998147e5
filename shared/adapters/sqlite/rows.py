"""The rows of a commit on SQLite: created, and but for an alert's end never changed."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime
from typing import Final, assert_never

from shared.domain.alert import AlertRow, AlertStatus
from shared.domain.decision import (
    AuditRow,
    DrillRow,
    IncidentRow,
    MovedAlert,
    RejectedRow,
    Row,
    TimelineRow,
)
from shared.domain.errors import Conflict
from shared.domain.ids import stamp
from shared.wire import stored

_NEW_ALERT: Final = """
    INSERT INTO alerts (id, incident, status, ended_at, series, starts_at, body)
    VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"""
_TOLD_ALERT: Final = """
    REPLACE INTO alerts (id, incident, status, ended_at, series, starts_at, body)
    VALUES (?, ?, ?, ?, ?, ?, ?)"""


def write_row(write: sqlite3.Connection, row: Row, at: datetime) -> None:
    """Write one row of a commit that is made at `at`."""
    match row:
        case AlertRow():
            _write_alert(write, row, at)
        case MovedAlert():
            _move_alert(write, row)
        case TimelineRow():
            write.execute(
                "INSERT INTO timeline (id, incident, at, body) VALUES (?, ?, ?, ?)",
                (row.id, row.incident, stamp(row.at), stored.TIMELINE.encode(row)),
            )
        case IncidentRow(incident=incident):
            write.execute(
                "INSERT INTO incidents (id, opened_at, body) VALUES (?, ?, ?)",
                (incident.id, stamp(incident.opened_at), stored.INCIDENT.encode(incident)),
            )
        case DrillRow():
            write.execute(
                "INSERT INTO drills (id, at, body) VALUES (?, ?, ?)",
                (row.id, stamp(row.at), stored.DRILL.encode(row)),
            )
        case RejectedRow():
            write.execute(
                "INSERT INTO rejected (id, at, body) VALUES (?, ?, ?)",
                (row.id, stamp(row.at), stored.REJECTED.encode(row)),
            )
        case AuditRow():
            write.execute(
                "INSERT INTO audit (id, at, body) VALUES (?, ?, ?)",
                (row.id, stamp(row.at), stored.AUDIT.encode(row)),
            )
        case _:
            assert_never(row)


def _write_alert(write: sqlite3.Connection, row: AlertRow, at: datetime) -> None:
    """Inserts the row, or ends or confirms the one that is there: it never fires again."""
    if write.execute(_NEW_ALERT, _values(row, at)).rowcount == 1:
        return
    (body,) = write.execute("SELECT body FROM alerts WHERE id = ?", (row.id,)).fetchone()
    told = stored.ALERT.decode(body).told_as(row)
    if told is None:
        raise Conflict(f"alert {row.id} was written by another")
    write.execute(_TOLD_ALERT, _values(told, at))


def _values(row: AlertRow, at: datetime) -> tuple[str | bytes | None, ...]:
    over = row.status is AlertStatus.RESOLVED
    return (
        row.id,
        row.incident,
        row.status,
        stamp(at) if over else None,
        row.series or None,
        stamp(row.starts_at),
        stored.ALERT.encode(row),
    )


def _move_alert(write: sqlite3.Connection, row: MovedAlert) -> None:
    known = write.execute("SELECT body FROM alerts WHERE id = ?", (row.id,)).fetchone()
    if known is None:
        raise Conflict(f"alert {row.id} was forgotten meanwhile")
    moved = replace(stored.ALERT.decode(known[0]), incident=row.incident, lane=row.lane)
    write.execute(
        "UPDATE alerts SET incident = ?, body = ? WHERE id = ?",
        (moved.incident, stored.ALERT.encode(moved), moved.id),
    )
