"""The one way for an event to take effect: load, decide, commit, publish."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from shared.app.announce import Announcer
from shared.domain.alert import AlertStatus
from shared.domain.decide import decide
from shared.domain.decision import Decision, Reason
from shared.domain.event import ActionFinished, AlertReceived, Event, Instructed, TimerDue
from shared.domain.policy import Policy
from shared.domain.stack import Stack
from shared.ports import Clock, Commit, Committed, Heads, Settlement

T = TypeVar("T")


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
        pending = self.heads.seen(event.id)
        if pending is not None:
            self.announcer.again(pending)
            return Handled(event.id, event.stack, None)
        return self.retrying(lambda: self._once(event, settles))

    def _once(self, event: Event, settles: Settlement | None) -> Handled:
        if isinstance(event, AlertReceived):
            event = replace(event, row=self.heads.alert(event.alert.row_id))
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
        )
        return self._publish(event, decision, self.heads.commit(commit, token))

    def _publish(self, event: Event, decision: Decision, committed: Committed) -> Handled:
        if committed is Committed.ALREADY:
            self.announcer.again(self.heads.seen(event.id) or ())
            return Handled(event.id, event.stack, None)
        self.announcer.new(decision.actions)
        return Handled(event.id, event.stack, decision.reason)

    def _with_what_fires(self, event: Event, stack: Stack) -> Event:
        """Look up, after the head was read, what the decision needs to know about alerts."""
        match event:
            case TimerDue():
                firing = self.heads.firing(event.timer.incident)
                trigger = self._trigger(stack, event.timer.incident)
                return replace(event, firing=firing, trigger=trigger)
            case Instructed():
                return replace(event, firing=self.heads.firing(event.instruction.incident))
            case ActionFinished():
                return replace(event, trigger=self._trigger(stack, event.action.incident))
            case _:
                return event

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
