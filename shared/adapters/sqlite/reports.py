"""Reading for people, on SQLite."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from datetime import datetime

from shared.adapters.sqlite.database import Database
from shared.domain.alert import AlertRow
from shared.domain.decision import AuditRow, DrillRow, RejectedRow, TimelineRow
from shared.domain.ids import stamp
from shared.domain.incident import Incident, stack_of
from shared.ports import HeadView, IncidentView
from shared.wire import stored


class SqliteReports:
    """`ports.Reports`. Each method sees one snapshot of the file."""

    _database: Database

    def received(
        self, since: datetime, until: datetime, after: AlertRow | None = None, limit: int = 500
    ) -> tuple[AlertRow, ...]:
        """Alerts that began in this time; rows of version 1 have no start to be asked for."""
        begun = (stamp(after.starts_at), after.id) if after else (stamp(since), "")
        with self._database.reading() as read:
            rows = read.execute(
                "SELECT body FROM alerts WHERE (starts_at, id) > (?, ?) AND starts_at < ?"
                " ORDER BY starts_at, id LIMIT ?",
                (*begun, stamp(until), limit),
            ).fetchall()
        return tuple(stored.ALERT.decode(body) for (body,) in rows)

    def incidents(self, limit: int = 100) -> tuple[IncidentView, ...]:
        """Every open incident and the last closed ones, newest first."""
        with self._database.reading() as read:
            found = [*_in_heads(read), *_closed(read, limit)]
            found.sort(key=lambda incident: incident.opened_at, reverse=True)
            return _views(read, found)

    def incident(self, incident_id: str) -> IncidentView | None:
        """One incident, open or closed."""
        with self._database.reading() as read:
            row = read.execute("SELECT body FROM incidents WHERE id = ?", (incident_id,)).fetchone()
            incident = stored.INCIDENT.decode(row[0]) if row else _in_head(read, incident_id)
            return _views(read, [incident])[0] if incident else None

    def timeline(self, incident_id: str) -> tuple[TimelineRow, ...]:
        """The incident's story by time; what happened at once, as it was written."""
        with self._database.reading() as read:
            rows = read.execute(
                "SELECT body FROM timeline WHERE incident = ? ORDER BY at, seq", (incident_id,)
            ).fetchall()
        return tuple(stored.TIMELINE.decode(body) for (body,) in rows)

    def drills(self, limit: int = 20) -> tuple[DrillRow, ...]:
        """Drills, newest first."""
        with self._database.reading() as read:
            rows = read.execute(
                "SELECT body FROM drills ORDER BY at DESC, id LIMIT ?", (limit,)
            ).fetchall()
        return tuple(stored.DRILL.decode(body) for (body,) in rows)

    def rejected(self, limit: int = 100) -> tuple[RejectedRow, ...]:
        """Messages that could not be read, newest first."""
        with self._database.reading() as read:
            rows = read.execute(
                "SELECT body FROM rejected ORDER BY at DESC, id LIMIT ?", (limit,)
            ).fetchall()
        return tuple(stored.REJECTED.decode(body) for (body,) in rows)

    def audit(self, limit: int = 100) -> tuple[AuditRow, ...]:
        """What people told Switchman to do and what came of it, newest first."""
        with self._database.reading() as read:
            rows = read.execute(
                "SELECT body FROM audit ORDER BY at DESC, id LIMIT ?", (limit,)
            ).fetchall()
        return tuple(stored.AUDIT.decode(body) for (body,) in rows)

    def heads(self) -> tuple[HeadView, ...]:
        """Every stack's head; each write of one raised its version by one."""
        with self._database.reading() as read:
            rows = read.execute("SELECT body, version FROM heads ORDER BY stack").fetchall()
        return tuple(
            HeadView(stack=stored.HEAD.decode(body), writes=int(version)) for body, version in rows
        )


def _in_heads(read: sqlite3.Connection) -> Iterable[Incident]:
    for (body,) in read.execute("SELECT body FROM heads"):
        yield from stored.HEAD.decode(body).incidents


def _in_head(read: sqlite3.Connection, incident_id: str) -> Incident | None:
    row = read.execute(
        "SELECT body FROM heads WHERE stack = ?", (stack_of(incident_id),)
    ).fetchone()
    return stored.HEAD.decode(row[0]).incident(incident_id) if row else None


def _closed(read: sqlite3.Connection, limit: int) -> Iterable[Incident]:
    for (body,) in read.execute(
        "SELECT body FROM incidents ORDER BY opened_at DESC LIMIT ?", (limit,)
    ):
        yield stored.INCIDENT.decode(body)


def _views(read: sqlite3.Connection, incidents: list[Incident]) -> tuple[IncidentView, ...]:
    counts: dict[str, int] = dict(
        read.execute(
            "SELECT incident, COUNT(*) FROM alerts"
            " WHERE incident IN (SELECT value FROM json_each(?)) GROUP BY incident",
            (json.dumps([each for incident in incidents for each in incident.alerts_of]),),
        )
    )
    return tuple(_view(each, counts) for each in incidents)


def _view(incident: Incident, counts: dict[str, int]) -> IncidentView:
    """What is counted, or what was when it was filed: rows are pruned in time."""
    counted = sum(counts.get(each, 0) for each in incident.alerts_of)
    return IncidentView(incident=incident, alerts=max(counted, incident.alerts))
