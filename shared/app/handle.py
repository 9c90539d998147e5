"""The one way for an event to take effect: load, decide, commit, publish."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeVar

from shared.app.announce import Announcer
from shared.app.placing import MOST_LOOKED_AT, looked_at, names_one_message, placed, with_older
from shared.domain.alert import Alert, AlertRow, AlertStatus
from shared.domain.classify import classify
from shared.domain.decide import decide
from shared.domain.decision import Decision, IncidentRow, Reason, Row
from shared.domain.event import (
    MOST_ENDED,
    ActionFinished,
    AlertReceived,
    DrillDue,
    Event,
    Instructed,
    LookDue,
    MessageRejected,
    TimerDue,
    TimerKind,
)
from shared.domain.paging import Choice
from shared.domain.policy import Policy
from shared.domain.stack import Stack
from shared.ports import Clock, Commit, Committed, Heads, Series, Settlement

T = TypeVar("T")
Happening = Alert | Instructed | ActionFinished | TimerDue | DrillDue | LookDue | MessageRejected
"""What can take effect: an alert as its sender told it, and every event but the one it becomes."""
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

    def __call__(self, what: Happening, settles: Settlement | None = None) -> Handled:
        """Let it take effect. What an alert is about shows in what is known of its series.

        Raises `Transient` when the store or the bus is away (deliver the event again), and
        `StaleHolder` when it settles an action whose lease has passed on.
        """
        if isinstance(what, Alert):
            alert = what
            return self.retrying(lambda: self._told(alert))
        event = what
        return self.retrying(lambda: self._once(event, settles))

    def _told(self, alert: Alert) -> Handled:
        """A repeat is recognised before anything is made of it."""
        event_id = alert.event_id if names_one_message(alert) else ""
        known = self.heads.recall(event_id, alert.row_id, alert.series, looked_at(alert))
        if known.pending is not None:
            self.announcer.again(known.pending)
            stack = known.own.stack if known.own else classify(self.policy, alert).stack
            return Handled(event_id, stack, None)
        series = with_older(alert, known, self.heads)
        event = placed(alert, classify(self.policy, alert), series, self.clock.now())
        if event.id == event_id:
            return self._decided(event, series, None)
        return self._once(event, None, series)

    def _once(
        self, event: Event, settles: Settlement | None, series: Series | None = None
    ) -> Handled:
        pending = self.heads.seen(event.id)
        if pending is not None:
            self.announcer.again(pending)
            return Handled(event.id, event.stack, None)
        return self._decided(event, series, settles)

    def _decided(self, event: Event, series: Series | None, settles: Settlement | None) -> Handled:
        stack, token = self.heads.load(event.stack)
        event, trigger = self._with_what_fires(event, stack)
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
            series=series or trigger,
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

        A rollback that no alert set off, and a release, wait for whatever belongs to the incident:
        where nothing of that fires, it counts as ended.
        """
        incident = stack.incident(incident_id)
        if incident is None or incident.rollback is None:
            return None, None
        wanted = incident.rollback.trigger
        by_all = incident.rollback.release or not wanted
        if by_all and self._firing(incident.alerts_of):
            return AlertStatus.FIRING, None
        if not wanted:
            return AlertStatus.RESOLVED, None
        row = self.heads.alert(wanted)
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
