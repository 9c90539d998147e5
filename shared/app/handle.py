"""The one way for an event to take effect: load, decide, commit, publish."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeVar

from shared.app.announce import Announcer
from shared.domain import retention
from shared.domain.alert import AlertStatus
from shared.domain.decide import decide
from shared.domain.decision import Decision, Reason
from shared.domain.event import (
    MOST_ENDED,
    ActionFinished,
    AlertReceived,
    Event,
    Instructed,
    TimerDue,
)
from shared.domain.paging import Choice
from shared.domain.policy import Policy
from shared.domain.series import place, said_within
from shared.domain.stack import Stack
from shared.ports import Clock, Commit, Committed, Heads, Series, Settlement

T = TypeVar("T")
MOST_LOOKED_AT: Final = 20
"""Rows of a series, the newest first, among which a "firing" finds its place; a "resolved" looks
at as many as it can end."""


class Retrying(Protocol):
    """Calls again, with backoff and jitter, while the call raises `Conflict`."""

    def __call__(self, call: Callable[[], T], /) -> T:
        """The result of the first call that does not raise `Conflict`."""
        ...


@dataclass(frozen=True, slots=True)
class Handled:
    """What an event led to. `reason` is None for an event that had taken effect before."""

    event: str
    stack: str
    reason: Reason | None


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
        if isinstance(event, AlertReceived):
            event, series = self._placed(event)
        pending = self.heads.seen(event.id)
        if pending is not None:
            self.announcer.again(pending)
            return Handled(event.id, event.stack, None)
        stack, token = self.heads.load(event.stack)
        event = self._with_what_fires(event, stack)
        now = self.clock.now()
        decision = decide(self.policy, stack, event, now)
        commit = Commit(
            event=event.id,
            kind=type(event).__name__,
            at=now,
            stack_id=stack.id,
            stack=None if decision.stack == stack else decision.stack,
            rows=decision.rows,
            actions=decision.actions,
            timers=decision.timers,
            cleared=decision.cleared,
            settles=settles,
            series=series,
        )
        return self._publish(event, decision, self.heads.commit(commit, token))

    def _publish(self, event: Event, decision: Decision, committed: Committed) -> Handled:
        if committed is Committed.ALREADY:
            self.announcer.again(self.heads.seen(event.id) or ())
            return Handled(event.id, event.stack, None)
        self.announcer.new(decision.actions)
        return Handled(event.id, event.stack, decision.reason)

    def _placed(self, event: AlertReceived) -> tuple[AlertReceived, Series]:
        """Which time of firing the message is about, and what was known of its series then."""
        alert = event.alert
        resolved = alert.status is AlertStatus.RESOLVED
        series = Series(id=alert.series, limit=MOST_ENDED if resolved else MOST_LOOKED_AT)
        rows = self.heads.series(series.id, series.limit)
        own = None
        if all(row.id != alert.row_id for row in rows):
            own = self.heads.alert(alert.row_id)  # too old to be among them
        now = self.clock.now()
        told = place(alert, rows if own is None else (*rows, own), now)
        event = replace(
            event,
            alert=told.alert,
            row=told.row,
            overtaken_by=told.overtaken_by,
            ends=told.ends,
            again="" if told.row or said_within(retention.EVENTS, alert, now) else f"{now:%Y%m%d}",
        )
        return event, replace(series, rows=rows)

    def _with_what_fires(self, event: Event, stack: Stack) -> Event:
        """Look up, after the head was read, what the decision needs to know about alerts."""
        match event:
            case TimerDue():
                firing = self.heads.firing(event.timer.incident)
                trigger = self._trigger(stack, event.timer.incident)
                return replace(event, firing=firing, trigger=trigger)
            case Instructed():
                return self._with_what_it_may_end(event)
            case ActionFinished():
                return replace(event, trigger=self._trigger(stack, event.action.incident))
            case _:
                return event

    def _with_what_it_may_end(self, event: Instructed) -> Instructed:
        incident = event.instruction.incident
        firing = self.heads.firing(incident)
        if not firing or event.instruction.choice is not Choice.RESOLVE:
            return replace(event, firing=firing)
        fires = self.heads.firing_rows(incident, MOST_ENDED)
        return replace(event, firing=firing, fires=fires)

    def _trigger(self, stack: Stack, incident_id: str) -> AlertStatus | None:
        """Whether the alert that set the incident's rollback off still fires.

        A rollback that no alert set off has none to wait for: that counts as ended.
        """
        incident = stack.incident(incident_id)
        if incident is None or incident.rollback is None:
            return None
        if not incident.rollback.trigger:
            return AlertStatus.RESOLVED
        row = self.heads.alert(incident.rollback.trigger)
        return row.status if row else None
