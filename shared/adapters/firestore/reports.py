"""Reading for people, on Firestore."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from shared.adapters.firestore import documents
from shared.adapters.firestore.access import Access
from shared.domain.alert import AlertRow
from shared.domain.decision import AuditRow, DrillRow, RejectedRow, TimelineRow
from shared.domain.ids import stamp
from shared.domain.incident import Incident, stack_of
from shared.ports import HeadView, IncidentView
from shared.wire import stored

if TYPE_CHECKING:
    from google.cloud.firestore import DocumentSnapshot

_COUNTS_AT_ONCE: Final = 8


class FirestoreReports(Access):
    """`ports.Reports`."""

    def received(
        self, since: datetime, until: datetime, after: AlertRow | None = None, limit: int = 500
    ) -> tuple[AlertRow, ...]:
        """Alerts that began in this time; a document's name comes second by itself."""
        from google.cloud.firestore import FieldFilter

        alerts = self._client.collection(documents.ALERTS)
        query = (
            alerts.where(filter=FieldFilter("starts_at", ">=", stamp(since)))
            .where(filter=FieldFilter("starts_at", "<", stamp(until)))
            .order_by("starts_at")
            .order_by("__name__")
        )
        if after is not None:
            query = query.start_after(
                {"starts_at": stamp(after.starts_at), "__name__": alerts.document(after.id)}
            )
        return tuple(
            stored.ALERT.decode(row.get("body")) for row in self._stream(query.limit(limit))
        )

    def incidents(self, limit: int = 100) -> tuple[IncidentView, ...]:
        """Every open incident and the last closed ones, newest first."""
        found = [*self._in_heads(), *self._closed(limit)]
        found.sort(key=lambda incident: incident.opened_at, reverse=True)
        return self._views(found)

    def incident(self, incident_id: str) -> IncidentView | None:
        """One incident, open or closed."""
        closed = self._get(documents.INCIDENTS, incident_id)
        if closed.exists:
            return self._views([stored.INCIDENT.decode(closed.get("body"))])[0]
        head = self._get(documents.STACKS, stack_of(incident_id) or "-")
        stack = stored.HEAD.decode(head.get("body")) if head.exists else None
        incident = stack.incident(incident_id) if stack else None
        return self._views([incident])[0] if incident else None

    def timeline(self, incident_id: str) -> tuple[TimelineRow, ...]:
        """The incident's story by time; what happened at once, as it was written.

        Sorted here: all of it is read anyway, and the time of writing is no field.
        """
        from google.cloud.firestore import FieldFilter

        query = self._client.collection(documents.TIMELINE).where(
            filter=FieldFilter("incident", "==", incident_id)
        )
        rows = sorted(self._stream(query), key=_when_written)
        return tuple(stored.TIMELINE.decode(row.get("body")) for row in rows)

    def drills(self, limit: int = 20) -> tuple[DrillRow, ...]:
        """Drills, newest first."""
        query = self._client.collection(documents.DRILLS)
        rows = self._stream(query.order_by("at", direction="DESCENDING").limit(limit))
        return tuple(stored.DRILL.decode(row.get("body")) for row in rows)

    def rejected(self, limit: int = 100) -> tuple[RejectedRow, ...]:
        """Messages that could not be read, newest first."""
        query = self._client.collection(documents.REJECTED)
        rows = self._stream(query.order_by("at", direction="DESCENDING").limit(limit))
        return tuple(stored.REJECTED.decode(row.get("body")) for row in rows)

    def audit(self, limit: int = 100) -> tuple[AuditRow, ...]:
        """What people told Switchman to do and what came of it, newest first."""
        query = self._client.collection(documents.AUDIT)
        rows = self._stream(query.order_by("at", direction="DESCENDING").limit(limit))
        return tuple(stored.AUDIT.decode(row.get("body")) for row in rows)

    def heads(self) -> tuple[HeadView, ...]:
        """Every stack's head; Firestore does not count writes."""
        rows = self._stream(self._client.collection(documents.STACKS))
        return tuple(
            HeadView(stack=stored.HEAD.decode(row.get("body")), writes=None) for row in rows
        )

    def _in_heads(self) -> Iterator[Incident]:
        for head in self._stream(self._client.collection(documents.STACKS)):
            yield from stored.HEAD.decode(head.get("body")).incidents

    def _closed(self, limit: int) -> Iterator[Incident]:
        query = self._client.collection(documents.INCIDENTS)
        for row in self._stream(query.order_by("opened_at", direction="DESCENDING").limit(limit)):
            yield stored.INCIDENT.decode(row.get("body"))

    def _views(self, incidents: Sequence[Incident]) -> tuple[IncidentView, ...]:
        """With counts; Firestore has no grouped ones, so a few are asked for at a time."""
        with ThreadPoolExecutor(_COUNTS_AT_ONCE) as pool:
            counts = pool.map(self._count_alerts, incidents)
            pairs = zip(incidents, counts, strict=True)
            return tuple(
                IncidentView(incident=each, alerts=max(count, each.alerts)) for each, count in pairs
            )

    def _count_alerts(self, incident: Incident) -> int:
        """What is counted is more than what was counted when it was filed, until rows are pruned."""
        return sum(self._alerts_under(each) for each in incident.alerts_of)

    def _alerts_under(self, incident_id: str) -> int:
        from google.cloud.firestore import FieldFilter

        query = self._client.collection(documents.ALERTS).where(
            filter=FieldFilter("incident", "==", incident_id)
        )
        return self._count(query)


def _when_written(row: DocumentSnapshot[Any]) -> tuple[str, str, int]:
    return row.get("at"), documents.to_text(row.create_time), row.get("place")
