"""The commit port on Firestore."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.adapters.firestore import documents
from shared.adapters.firestore.access import Access
from shared.adapters.firestore.errors import lost_race
from shared.adapters.firestore.writes import Writes, perhaps_known
from shared.domain.action import Action
from shared.domain.alert import AlertRow, AlertStatus
from shared.domain.errors import Conflict, StaleHolder, StoreAway
from shared.domain.ids import stamp
from shared.domain.stack import Stack
from shared.ports import Commit, Committed, Recalled, Series, Settlement, Token
from shared.wire import stored

if TYPE_CHECKING:
    from google.cloud.firestore import DocumentSnapshot, Query, Transaction


class FirestoreHeads(Access):
    """`ports.Heads`.

    A commit is sent once: were the client to send it again after a lost answer, the second
    attempt would fail although the first succeeded. What became of it is told by the event's
    row, which every commit creates.
    """

    def load(self, stack_id: str) -> tuple[Stack, Token]:
        """The head and its update time."""
        head = self._get(documents.STACKS, stack_id)
        if not head.exists:
            return Stack(id=stack_id), ""
        return stored.HEAD.decode(head.get("body")), documents.to_text(head.update_time)

    def seen(self, event_id: str) -> tuple[Action, ...] | None:
        """The unsettled actions of an event, or None if it was never committed.

        An action that is gone was settled long ago.
        """
        event = self._get(documents.EVENTS, event_id)
        if not event.exists:
            return None
        names: list[str] = event.get("actions")
        actions = self._get_all(documents.ACTIONS, names)
        fields = [actions[name].to_dict() or {} for name in names if name in actions]
        return tuple(stored.ACTION.decode(f["body"]) for f in fields if "waiting_since" in f)

    def alert(self, row_id: str) -> AlertRow | None:
        """The alert's row."""
        row = self._get(documents.ALERTS, row_id)
        return stored.ALERT.decode(row.get("body")) if row.exists else None

    def series(self, series: str, limit: int = 20) -> tuple[AlertRow, ...]:
        """The rows of one series, the newest start first."""
        from google.cloud.firestore import FieldFilter

        query = (
            self._client.collection(documents.ALERTS)
            .where(filter=FieldFilter("series", "==", series))
            .order_by("starts_at", direction="DESCENDING")
            .limit(limit)
        )
        return tuple(stored.ALERT.decode(row.get("body")) for row in self._stream(query))

    def recall(self, event_id: str, row_id: str, series: str, limit: int) -> Recalled:
        """One after the other; of an event that was seen nobody asks for the series."""
        pending = self.seen(event_id) if event_id else None
        if pending is not None:
            return Recalled(pending=pending, own=self.alert(row_id))
        rows = self.series(series, limit)
        own = next((row for row in rows if row.id == row_id), None) or self.alert(row_id)
        return Recalled(pending=None, own=own, rows=rows)

    def firing(self, incident_id: str) -> int:
        """How many alerts of the incident fire."""
        return self._count(self._which_fire(incident_id))

    def alerts(self, incident_id: str) -> int:
        """How many alerts the incident has."""
        return self._count(self._of_incident(incident_id))

    def firing_rows(self, incident_id: str, limit: int) -> tuple[AlertRow, ...]:
        """Alerts of the incident that fire, by their ids."""
        found = self._stream(self._which_fire(incident_id).limit(limit))
        return tuple(stored.ALERT.decode(row.get("body")) for row in found)

    def _which_fire(self, incident_id: str) -> Query:
        from google.cloud.firestore import FieldFilter

        fires = FieldFilter("status", "==", AlertStatus.FIRING.value)
        return self._of_incident(incident_id).where(filter=fires)

    def _of_incident(self, incident_id: str) -> Query:
        from google.cloud.firestore import FieldFilter

        alerts = self._client.collection(documents.ALERTS)
        return alerts.where(filter=FieldFilter("incident", "==", incident_id))

    def commit(self, commit: Commit, token: Token) -> Committed:
        """Write all of it or nothing; see `ports.Heads` for what is raised."""
        from google.api_core import exceptions

        try:
            if commit.stack is None or commit.series is not None:
                self._commit_checked(commit, token)
            else:
                self._commit_head(commit, commit.stack, token)
        except exceptions.InvalidArgument:
            raise
        except (exceptions.GoogleAPIError, Conflict) as error:
            return self._what_became_of(commit, error)
        return Committed.NEW

    def _commit_head(self, commit: Commit, stack: Stack, token: Token) -> None:
        """One batch. The head is updated or created, never set: a set has no precondition."""
        batch = self._client.batch()
        writes = Writes(self._client, batch, self._clock.now())
        writes.add(commit, self._known_alerts(commit), self._stale_timers(commit))
        writes.head(stack, token, commit.event)
        batch.commit(retry=None, timeout=self._deadline.total_seconds())

    def _commit_checked(self, commit: Commit, token: Token) -> None:
        """A transaction that reads the head and the series' mark, so that no other may change them.

        The client lets nobody choose how long it begins and commits one: up to 60 s.
        """
        from google.api_core import exceptions
        from google.cloud import firestore

        mark = self._mark_of(commit.series)

        def work(transaction: Transaction) -> None:
            head = self._get(documents.STACKS, commit.stack_id, transaction)
            if (documents.to_text(head.update_time) if head.exists else "") != token:
                raise Conflict("the head is another by now")
            if self._mark(commit.series, transaction) != mark:
                raise Conflict("the series is another by now")
            known = self._known_alerts(commit, transaction)
            stale = self._stale_timers(commit, transaction)
            writes = Writes(self._client, transaction, self._clock.now())
            writes.add(commit, known, stale)
            if commit.stack is not None:
                writes.head(commit.stack, token, commit.event)
            if commit.series is not None:
                writes.mark(commit.series.id, commit.event)

        try:
            firestore.transactional(work)(self._client.transaction())
        except ValueError as error:
            # So the client wraps the last answer when the transaction was aborted too often.
            if isinstance(error.__cause__, exceptions.Aborted):
                raise error.__cause__ from error
            raise

    def _mark_of(self, series: Series | None) -> str:
        """The series' mark while its rows are what was decided on. Raises `Conflict` if they are not.

        Each commit about a series changes the mark, which a transaction can read alone: a query
        within one would lock every row that it looks at, and those that come after.
        """
        mark = self._mark(series)
        if series is not None and self.series(series.id, series.limit) != series.rows:
            raise Conflict("the series is another by now")
        return mark

    def _mark(self, series: Series | None, transaction: Transaction | None = None) -> str:
        if series is None:
            return ""
        found = self._get(documents.SERIES, series.id, transaction)
        return documents.to_text(found.update_time) if found.exists else ""

    def _what_became_of(self, commit: Commit, error: Exception) -> Committed:
        """Tells by the event's row. Raises `Conflict`, `StaleHolder` or `StoreAway`."""
        if self._get(documents.EVENTS, commit.event).exists:
            return Committed.ALREADY
        if not lost_race(error):
            raise StoreAway(f"event {commit.event} was not committed: {error}") from error
        if commit.settles and not self._holds(commit.settles):
            raise StaleHolder(f"action {commit.settles.action} has passed on") from error
        raise Conflict(f"event {commit.event} was raced: {error}") from error

    def _holds(self, settlement: Settlement) -> bool:
        action = self._get(documents.ACTIONS, settlement.action)
        return action.exists and documents.to_text(action.update_time) == settlement.fence

    def _stale_timers(
        self, commit: Commit, transaction: Transaction | None = None
    ) -> dict[str, datetime]:
        """The timers to delete that have not been set anew for another time."""
        found = {
            timer: self._get(documents.TIMERS, timer.id, transaction) for timer in commit.cleared
        }
        return {
            timer.id: row.update_time
            for timer, row in found.items()
            if row.exists and row.get("due") == stamp(timer.due)
        }

    def _known_alerts(
        self, commit: Commit, transaction: Transaction | None = None
    ) -> dict[str, DocumentSnapshot[Any]]:
        return self._get_all(documents.ALERTS, perhaps_known(commit), transaction)
