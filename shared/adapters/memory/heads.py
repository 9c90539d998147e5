"""The commit port in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from shared.adapters.memory.tables import KeptAction, Tables
from shared.domain.action import Action
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
from shared.domain.errors import Conflict, StaleHolder
from shared.domain.stack import Stack
from shared.ports import Commit, Committed, Recalled, Settlement, Token

_Kept = AlertRow | TimelineRow | IncidentRow | DrillRow | RejectedRow | AuditRow


class MemoryHeads:
    """`ports.Heads`: what would be refused is looked for first, so that nothing is undone."""

    _tables: Tables

    def load(self, stack_id: str) -> tuple[Stack, Token]:
        """The head and its token."""
        with self._tables.lock:
            found = self._tables.heads.get(stack_id)
        return (found[0], str(found[1])) if found else (Stack(id=stack_id), "")

    def seen(self, event_id: str) -> tuple[Action, ...] | None:
        """The unsettled actions of an event, or None if it was never committed."""
        with self._tables.lock:
            ids = self._tables.events.get(event_id)
            if ids is None:
                return None
            kept = [self._tables.actions[each] for each in ids]
            return tuple(each.action for each in kept if each.outcome is None)

    def alert(self, row_id: str) -> AlertRow | None:
        """The alert's row."""
        with self._tables.lock:
            return self._tables.alerts.get(row_id)

    def series(self, series: str, limit: int = 20) -> tuple[AlertRow, ...]:
        """The rows of one series, the newest start first."""
        with self._tables.lock:
            rows = [self._tables.alerts[each] for each in self._tables.of_series.get(series, ())]
        rows.sort(key=lambda row: row.id)
        rows.sort(key=lambda row: row.starts_at, reverse=True)
        return tuple(rows[:limit])

    def recall(self, event_id: str, row_id: str, series: str, limit: int) -> Recalled:
        """One after the other, in one snapshot."""
        with self._tables.lock:
            return Recalled(
                pending=self.seen(event_id), own=self.alert(row_id), rows=self.series(series, limit)
            )

    def alerts(self, incident_id: str) -> int:
        """How many alerts the incident has."""
        with self._tables.lock:
            return len(self._tables.of_incident.get(incident_id, ()))

    def firing(self, incident_id: str) -> int:
        """How many alerts of the incident fire."""
        with self._tables.lock:
            return len(self._tables.fires.get(incident_id, ()))

    def firing_rows(self, incident_id: str, limit: int) -> tuple[AlertRow, ...]:
        """Alerts of the incident that fire, by their ids."""
        with self._tables.lock:
            ids = sorted(self._tables.fires.get(incident_id, ()))[:limit]
            return tuple(self._tables.alerts[each] for each in ids)

    def commit(self, commit: Commit, token: Token) -> Committed:
        """Write all of it or nothing; see `ports.Heads` for what is raised."""
        tables = self._tables
        with tables.lock:
            if commit.event in tables.events:
                return Committed.ALREADY
            if self.load(commit.stack_id)[1] != token:
                raise Conflict(f"the head of {commit.stack_id} was written since it was loaded")
            series = commit.series
            if series is not None and self.series(series.id, series.limit) != series.rows:
                raise Conflict(f"series {series.id} was written since it was looked up")
            settled = _to_settle(tables, commit.settles)
            rows = [_checked(tables, row) for row in commit.rows]
            if settled is not None and commit.settles is not None:
                settled.outcome, settled.lease_until = commit.settles.outcome, None
            if commit.stack is not None:
                tables.heads[commit.stack_id] = (commit.stack, int(token or 0) + 1)
            for row in rows:
                _write_row(tables, row)
            _write_actions_and_timers(tables, commit)
            return Committed.NEW


def _to_settle(tables: Tables, settlement: Settlement | None) -> KeptAction | None:
    if settlement is None:
        return None
    kept = tables.actions.get(settlement.action)
    if kept is None or kept.outcome is not None or str(kept.fence) != settlement.fence:
        raise StaleHolder(f"action {settlement.action} has passed to another worker")
    return kept


def _checked(tables: Tables, row: Row) -> _Kept:
    """The row as it is to be kept. Raises `Conflict` where another is there already."""
    match row:
        case AlertRow():
            known = tables.alerts.get(row.id)
            told = known.told_as(row) if known else row
            taken = told is None
            row = told or row
        case MovedAlert():
            known = tables.alerts.get(row.id)
            if known is None:
                raise Conflict(f"alert {row.id} was forgotten meanwhile")
            return replace(known, incident=row.incident, lane=row.lane)
        case TimelineRow():
            taken = row.id in tables.timeline
        case IncidentRow():
            taken = row.incident.id in tables.closed
        case DrillRow():
            taken = row.id in tables.drills
        case RejectedRow():
            taken = row.id in tables.rejected
        case AuditRow():
            taken = row.id in tables.audit
        case _:
            assert_never(row)
    if taken:
        raise Conflict("a row was written by another")
    return row


def _write_row(tables: Tables, row: _Kept) -> None:
    match row:
        case AlertRow():
            _write_alert(tables, row)
        case TimelineRow():
            tables.timeline[row.id] = row
        case IncidentRow():
            tables.closed[row.incident.id] = row.incident
        case DrillRow():
            tables.drills[row.id] = row
        case RejectedRow():
            tables.rejected[row.id] = row
        case AuditRow():
            tables.audit[row.id] = row
        case _:
            assert_never(row)


def _write_alert(tables: Tables, row: AlertRow) -> None:
    known = tables.alerts.get(row.id, row)
    tables.of_incident[known.incident].discard(row.id)
    tables.fires[known.incident].discard(row.id)
    tables.alerts[row.id] = row
    tables.of_incident[row.incident].add(row.id)
    if row.series:
        tables.of_series[row.series].add(row.id)
    if row.status is AlertStatus.FIRING:
        tables.fires[row.incident].add(row.id)


def _write_actions_and_timers(tables: Tables, commit: Commit) -> None:
    tables.events[commit.event] = tuple(action.id for action in commit.actions)
    tables.actions.update({action.id: KeptAction(action) for action in commit.actions})
    for timer in commit.cleared:
        kept = tables.timers.get(timer.id)
        if kept is not None and kept.due == timer.due:
            del tables.timers[timer.id]
    tables.timers.update({timer.id: timer for timer in commit.timers})
