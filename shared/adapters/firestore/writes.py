"""Turning a commit into Firestore's writes, for a batch and for a transaction alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, assert_never

from shared.adapters.firestore import documents
from shared.adapters.firestore.access import reference
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
from shared.domain.event import Timer
from shared.domain.stack import Stack
from shared.ports import Commit, Settlement, Token

if TYPE_CHECKING:
    from google.cloud.firestore import (
        Client,
        DocumentReference,
        DocumentSnapshot,
        Transaction,
        WriteBatch,
    )


class Writes:
    """The writes of one commit, added to `batch`; a transaction is one as well.

    Everything is created or bound to an update time, so that a race shows as an error.
    """

    def __init__(self, client: Client, batch: WriteBatch | Transaction, now: datetime) -> None:
        self._client = client
        self._batch = batch
        self._now = now

    def add(
        self,
        commit: Commit,
        known_alerts: Mapping[str, DocumentSnapshot[Any]],
        stale: Mapping[str, datetime],
    ) -> None:
        """Add all but the head.

        `known_alerts` are the alerts' rows that are there, `stale` the update times
        of the timers to delete.
        """
        event = self._reference(documents.EVENTS, commit.event)
        self._batch.create(event, documents.event_fields(commit, self._now))
        if commit.settles:
            self._settle(commit.settles)
        for place, row in enumerate(commit.rows):
            self._add_row(row, place, known_alerts)
        self._add_actions(commit.actions, commit.event)
        self._add_timers(commit.timers, stale)

    def head(self, stack: Stack, token: Token, event: str) -> None:
        """Update or create the head; it is never set, because a set has no precondition."""
        head = self._reference(documents.STACKS, stack.id)
        fields = documents.head_fields(stack, event)
        if token:
            loaded_at = documents.to_time(token)
            option = self._client.write_option(last_update_time=loaded_at)
            self._batch.update(head, fields, option=option)
        else:
            self._batch.create(head, fields)

    def mark(self, series: str, event: str) -> None:
        """Change the series' mark: whoever decided on what it was before has to look again."""
        where = self._reference(documents.SERIES, series)
        self._batch.set(where, documents.mark_fields(event, self._now))

    def _settle(self, settlement: Settlement) -> None:
        from google.cloud.firestore import DELETE_FIELD

        try:
            fence = documents.to_time(settlement.fence)
        except ValueError as error:
            raise StaleHolder(f"no lease ever had the fence {settlement.fence!r}") from error
        self._batch.update(
            self._reference(documents.ACTIONS, settlement.action),
            {
                "waiting_since": DELETE_FIELD,
                **documents.settled_fields(settlement.outcome, self._now),
            },
            option=self._client.write_option(last_update_time=fence),
        )

    def _add_row(
        self, row: Row, place: int, known_alerts: Mapping[str, DocumentSnapshot[Any]]
    ) -> None:
        match row:
            case AlertRow():
                self._add_alert(row, known_alerts.get(row.id))
            case MovedAlert():
                self._move_alert(row, known_alerts.get(row.id))
            case TimelineRow():
                fields = documents.timeline_fields(row, place)
                self._batch.create(self._reference(documents.TIMELINE, row.id), fields)
            case IncidentRow(incident=incident):
                fields = documents.incident_fields(row)
                self._batch.create(self._reference(documents.INCIDENTS, incident.id), fields)
            case DrillRow():
                fields = documents.drill_fields(row)
                self._batch.create(self._reference(documents.DRILLS, row.id), fields)
            case RejectedRow():
                fields = documents.rejected_fields(row)
                self._batch.create(self._reference(documents.REJECTED, row.id), fields)
            case AuditRow():
                fields = documents.audit_fields(row)
                self._batch.create(self._reference(documents.AUDIT, row.id), fields)
            case _:
                assert_never(row)

    def _move_alert(self, row: MovedAlert, known: DocumentSnapshot[Any] | None) -> None:
        """Only as long as nobody else writes the row: an end that is told now must not be lost."""
        if known is None:
            raise Conflict(f"alert {row.id} was forgotten meanwhile")
        option = self._client.write_option(last_update_time=known.update_time)
        fields = documents.moved_fields(known.get("body"), row)
        self._batch.update(self._reference(documents.ALERTS, row.id), fields, option=option)

    def _add_alert(self, row: AlertRow, known: DocumentSnapshot[Any] | None) -> None:
        where = self._reference(documents.ALERTS, row.id)
        if known is None:
            self._batch.create(where, documents.alert_fields(row, self._now))
        else:
            told = documents.told(known.get("body"), row)
            self._batch.update(where, documents.alert_fields(told, self._now))

    def _add_actions(self, actions: Iterable[Action], event: str) -> None:
        for action in actions:
            where = self._reference(documents.ACTIONS, action.id)
            self._batch.create(where, documents.action_fields(action, event))

    def _add_timers(self, timers: Iterable[Timer], stale: Mapping[str, datetime]) -> None:
        setting = {timer.id: timer for timer in timers}
        for name, updated_at in stale.items():
            if name not in setting:
                option = self._client.write_option(last_update_time=updated_at)
                self._batch.delete(self._reference(documents.TIMERS, name), option=option)
        for name, timer in setting.items():
            where = self._reference(documents.TIMERS, name)
            self._batch.set(where, documents.timer_fields(timer))

    def _reference(self, collection: str, name: str) -> DocumentReference:
        return reference(self._client, collection, name)


def perhaps_known(commit: Commit) -> tuple[str, ...]:
    """The alerts whose row must be looked up: if it is there, it is ended, confirmed or moved.

    One that fires is new unless it was found to be of its series, or is so old that it has none.
    """
    series = commit.series
    known = {row.id for row in (*series.rows, *series.older)} if series else set()
    return tuple(
        row.id
        for row in commit.rows
        if isinstance(row, MovedAlert)
        or (
            isinstance(row, AlertRow)
            and (row.status is AlertStatus.RESOLVED or row.id in known or not row.series)
        )
    )
