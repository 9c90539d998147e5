"""The one way for an event to take effect: load, decide, commit, publish."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeVar

from shared.app.announce import Announcer
from shared.domain import retention
from shared.domain.alert import Alert, AlertRow, AlertStatus
from shared.domain.decide import decide
from shared.domain.decision import Decision, IncidentRow, Reason, Row
from shared.domain.event import (
    MOST_ENDED,
    ActionFinished,
    AlertReceived,
    Event,
    Instructed,
    TimerDue,
    TimerKind,
)
from shared.domain.paging import Choice
from shared.domain.policy import Policy
from shared.domain.series import last_incident, place, said_within
from shared.domain.stack import Stack
from shared.ports import Clock, Commit, Committed, Heads, Series, Settlement

T = TypeVar("T")
MOST_LOOKED_AT: Final = 20
"""Rows of a series, the newest first, among which a "firing" finds its place; a "resolved" looks
at as many as it can end."""
_ABOUT_ALERTS: Final = (Choice.RESOLVE, Choice.SPLIT)


class Retrying(Protocol):
    """Calls again, with backoff and jitter, while the call raises `Conflict`."""

    def __call__(self, call: Callable[[], T], /) -> T:
        """The result of the first call that does not raise `Conflict`."""
        ...


@dataclass(frozen=True, slots=True)
class Handled:
    """What an event led to. `reason` is None for an event that had taken effect before.

    `more`: an alert has ended of which one event could not end every row; handle it once more.
    """

    event: str
    stack: str
    reason: Reason | None
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Handle:
    """`handle(event)`: the event takes effect once, however often it is delivered."""

    policy: Policy
    heads: Heads
    announcer: Announcer
    clock: Clock
    retrying: Retrying

    def __call__(self, event: Event, settles: Settlement | None = None) -> Handled:
        """Let the event take effect.

        Raises `Transient` when the store or the bus is away (deliver the event again), and
        `StaleHolder` when it settles an action whose lease has passed on.
        """
        return self.retrying(lambda: self._once(event, settles))

    def _once(self, event: Event, settles: Settlement | None) -> Handled:
        series = None
        pending = self.heads.seen(event.id) if _names_one_message(event) else None
        if isinstance(event, AlertReceived) and pending is None:
            message = event
            event, series = self._placed(message)
            if event.id != message.id or not _names_one_message(message):
                pending = self.heads.seen(event.id)
        if pending is not None:
            self.announcer.again(pending)
            return Handled(event.id, event.stack, None)
        stack, token = self.heads.load(event.stack)
        event, looked_at = self._with_what_fires(event, stack)
        now = self.clock.now()
        decision = decide(self.policy, stack, event, now)
        commit = Commit(
            event=event.id,
            kind=type(event).__name__,
            at=now,
            stack_id=stack.id,
            stack=None if decision.stack == stack else decision.stack,
            rows=tuple(self._counted(row) for row in decision.rows),
            actions=decision.actions,
            timers=decision.timers,
            cleared=decision.cleared,
            settles=settles,
            series=series or looked_at,
        )
        return self._publish(event, decision, self.heads.commit(commit, token))

    def _counted(self, row: Row) -> Row:
        """A closed incident knows how many alerts it had: their rows are pruned in time."""
        if not isinstance(row, IncidentRow):
            return row
        alerts = sum(self.heads.alerts(each) for each in row.incident.alerts_of)
        return replace(row, incident=replace(row.incident, alerts=alerts))

    def _publish(self, event: Event, decision: Decision, committed: Committed) -> Handled:
        if committed is Committed.ALREADY:
            self.announcer.again(self.heads.seen(event.id) or ())
            return Handled(event.id, event.stack, None)
        self.announcer.new(decision.actions)
        more = isinstance(event, AlertReceived) and event.more
        return Handled(event.id, event.stack, decision.reason, more)

    def _placed(self, event: AlertReceived) -> tuple[AlertReceived, Series]:
        """Which time of firing the message is about, and what was known of its series then."""
        alert = event.alert
        resolved = alert.status is AlertStatus.RESOLVED
        series = Series(id=alert.series, limit=MOST_ENDED if resolved else MOST_LOOKED_AT)
        rows = self.heads.series(series.id, series.limit)
        series = replace(series, rows=rows, older=self._older(alert, rows))
        now = self.clock.now()
        told = place(alert, (*rows, *series.older), now)
        event = replace(
            event,
            alert=told.alert,
            row=told.row,
            overtaken_by=told.overtaken_by,
            resumed=told.resumed,
            ends=told.ends,
            more=told.more,
            over=told.over,
            last=last_incident(rows),
            again="" if told.row or said_within(retention.EVENTS, alert, now) else f"{now:%Y%m%d}",
        )
        return event, series

    def _older(self, alert: Alert, rows: tuple[AlertRow, ...]) -> tuple[AlertRow, ...]:
        """The alert's own row, and for an end what else fires, where they are not among `rows`."""
        known = {row.id for row in rows}
        own = None if alert.row_id in known else self.heads.alert(alert.row_id)
        older = [] if own is None else [own]
        if alert.status is AlertStatus.RESOLVED and len(rows) == MOST_ENDED:
            known.add(alert.row_id)
            incident = next((row.incident for row in rows if row.incident), "")
            fires = self.heads.firing_rows(incident, MOST_ENDED)
            older += [r for r in fires if r.series == alert.series and r.id not in known]
        return tuple(older)

    def _with_what_fires(self, event: Event, stack: Stack) -> tuple[Event, Series | None]:
        """Look up, after the head was read, what the decision needs to know about alerts.

        With the series that has to stay as it was, where a rollback's trigger was looked up.
        """
        match event:
            case TimerDue():
                firing = self._firing(_alerts_of(stack, event.timer.incident))
                trigger, series = self._trigger(stack, event.timer.incident)
                event = replace(event, firing=firing, trigger=trigger)
                return self._with_other_lanes(event, stack), series
            case Instructed():
                return self._with_what_it_is_about(event, stack), None
            case ActionFinished():
                trigger, series = self._trigger(stack, event.action.incident)
                return replace(event, trigger=trigger), series
            case _:
                return event, None

    def _with_what_it_is_about(self, event: Instructed, stack: Stack) -> Instructed:
        ids = _alerts_of(stack, event.instruction.incident)
        firing = self._firing(ids)
        if not firing or event.instruction.choice not in _ABOUT_ALERTS:
            return replace(event, firing=firing)
        return replace(event, firing=firing, fires=self._fires(ids))

    def _with_other_lanes(self, event: TimerDue, stack: Stack) -> TimerDue:
        """What fires alert by alert, where an incident that may be over counts other lanes' too."""
        incident = stack.incident(event.timer.incident)
        ends = event.timer.kind in (TimerKind.SETTLE, TimerKind.CONFIRM)
        if not (ends and event.firing and incident is not None and incident.joined_lanes):
            return event
        return replace(event, fires=self._fires(incident.alerts_of))

    def _fires(self, incidents: tuple[str, ...]) -> tuple[AlertRow, ...]:
        fires: tuple[AlertRow, ...] = ()
        for each in incidents:
            fires += self.heads.firing_rows(each, MOST_ENDED - len(fires))
            if len(fires) == MOST_ENDED:
                break
        return fires

    def _firing(self, incidents: tuple[str, ...]) -> int:
        return sum(self.heads.firing(each) for each in incidents)

    def _trigger(self, stack: Stack, incident_id: str) -> tuple[AlertStatus | None, Series | None]:
        """Whether the alert that set the incident's rollback off fires: still, or again.

        A rollback that no alert set off has none to wait for: that counts as ended.
        """
        incident = stack.incident(incident_id)
        if incident is None or incident.rollback is None:
            return None, None
        if not incident.rollback.trigger:
            return AlertStatus.RESOLVED, None
        row = self.heads.alert(incident.rollback.trigger)
        if row is None or row.status is AlertStatus.FIRING or not row.series:
            return (row.status if row else None), None
        rows = self.heads.series(row.series, MOST_LOOKED_AT)
        fires = any(each.status is AlertStatus.FIRING for each in rows)
        series = Series(id=row.series, limit=MOST_LOOKED_AT, rows=rows)
        return (AlertStatus.FIRING if fires else AlertStatus.RESOLVED), series


def _alerts_of(stack: Stack, incident_id: str) -> tuple[str, ...]:
    """The incidents under which its alerts lie: its own, and those that were merged into it."""
    incident = stack.incident(incident_id)
    return incident.alerts_of if incident else (incident_id,)


def _names_one_message(event: Event) -> bool:
    """Whether the event's id is that of a single message, so that having seen it settles it.

    An alert that does not tell when it was published may be about another time of firing than
    the one its id names; and an end may have more to end than one commit could.
    """
    if not isinstance(event, AlertReceived):
        return True
    alert = event.alert
    return alert.status is AlertStatus.FIRING and alert.published_at is not None
