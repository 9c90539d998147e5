"""The whole store in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

from shared.adapters.memory.heads import MemoryHeads
from shared.adapters.memory.outbox import MemoryOutbox
from shared.adapters.memory.tables import Tables
from shared.domain.alert import AlertRow
from shared.domain.decision import AuditRow, DrillRow, RejectedRow, TimelineRow
from shared.domain.event import Timer
from shared.domain.incident import Incident
from shared.ports import Clock, HeadView, IncidentView


class MemoryStore(MemoryHeads, MemoryOutbox):
    """`ports.Store` that lasts as long as its process. Nothing in it is ever forgotten."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tables = Tables()

    def received(
        self, since: datetime, until: datetime, after: AlertRow | None = None, limit: int = 500
    ) -> tuple[AlertRow, ...]:
        """Alerts that began in this time, by their start and their id."""
        with self._tables.lock:
            rows = [row for row in self._tables.alerts.values() if since <= row.starts_at < until]
        rows.sort(key=_begun)
        return tuple(row for row in rows if after is None or _begun(row) > _begun(after))[:limit]

    def incidents(self, limit: int = 100) -> tuple[IncidentView, ...]:
        """Every incident of a head, and the last closed ones, newest first."""
        with self._tables.lock:
            closed = sorted(self._tables.closed.values(), key=_opened_at, reverse=True)
            found = sorted([*self._in_heads(), *closed[:limit]], key=_opened_at, reverse=True)
            return self._views(found)

    def incident(self, incident_id: str) -> IncidentView | None:
        """One incident, open or closed."""
        with self._tables.lock:
            closed = self._tables.closed.get(incident_id)
            known = [closed] if closed else [i for i in self._in_heads() if i.id == incident_id]
            return next(iter(self._views(known)), None)

    def timeline(self, incident_id: str) -> tuple[TimelineRow, ...]:
        """The incident's story by time; what happened at once, as it was written."""
        with self._tables.lock:
            rows = [row for row in self._tables.timeline.values() if row.incident == incident_id]
        return tuple(sorted(rows, key=_at))

    def said_since(self, count: int) -> tuple[TimelineRow, ...]:
        """Every line of every incident but for the first `count`, as they were written."""
        with self._tables.lock:
            return tuple(islice(self._tables.timeline.values(), count, None))

    def waiting(self) -> tuple[Timer, ...]:
        """Every timer that is set, the earliest first."""
        with self._tables.lock:
            return tuple(sorted(self._tables.timers.values(), key=lambda each: (each.due, each.id)))

    def drills(self, limit: int = 20) -> tuple[DrillRow, ...]:
        """Drills, newest first."""
        with self._tables.lock:
            rows = sorted(self._tables.drills.values(), key=lambda row: row.id)
        return tuple(sorted(rows, key=lambda row: row.at, reverse=True)[:limit])

    def rejected(self, limit: int = 100) -> tuple[RejectedRow, ...]:
        """Messages that could not be read, newest first."""
        with self._tables.lock:
            rows = sorted(self._tables.rejected.values(), key=lambda row: row.id)
        return tuple(sorted(rows, key=lambda row: row.at, reverse=True)[:limit])

    def audit(self, limit: int = 100) -> tuple[AuditRow, ...]:
        """What people told Switchman to do and what came of it, newest first."""
        with self._tables.lock:
            rows = sorted(self._tables.audit.values(), key=lambda row: row.id)
        return tuple(sorted(rows, key=lambda row: row.at, reverse=True)[:limit])

    def heads(self) -> tuple[HeadView, ...]:
        """Every stack's head."""
        with self._tables.lock:
            found = sorted(self._tables.heads.items())
        return tuple(HeadView(stack=stack, writes=writes) for _, (stack, writes) in found)

    def prune(self, now: datetime) -> int:  # noqa: ARG002  # nothing is kept for long
        """Nothing goes: this store is gone soon enough."""
        return 0

    def close(self) -> None:
        """There is nothing to let go of."""

    def _in_heads(self) -> Iterator[Incident]:
        for stack, _ in self._tables.heads.values():
            yield from stack.incidents

    def _views(self, incidents: Iterable[Incident]) -> tuple[IncidentView, ...]:
        counted = [(each, sum(map(self.alerts, each.alerts_of))) for each in incidents]
        return tuple(
            IncidentView(incident=each, alerts=max(count, each.alerts)) for each, count in counted
        )


def _opened_at(incident: Incident) -> datetime:
    return incident.opened_at


def _begun(row: AlertRow) -> tuple[datetime, str]:
    return row.starts_at, row.id


def _at(row: TimelineRow) -> datetime:
    return row.at
