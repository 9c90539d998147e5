"""What happens each minute: due timers, a look at every service, lost messages, housekeeping."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from shared.app.announce import Announcer
from shared.app.handle import Handle
from shared.domain.errors import SwitchmanError
from shared.domain.event import LookDue, Timer, TimerDue, TimerKind
from shared.domain.incident_state import State
from shared.ports import Clock, Housekeeping, Outbox, Reports, Timers

LOST_AFTER = timedelta(seconds=30)
"""An action neither done nor held for so long is published again."""


@dataclass(frozen=True, slots=True)
class Ticked:
    """What a tick did. `failed` says what it could not do, for each a line."""

    timers: int
    published_again: int
    pruned: int
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What `tick` does. Running it twice, or two at once, changes nothing more."""

    handle: Handle
    timers: Timers
    outbox: Outbox
    reports: Reports
    housekeeping: Housekeeping
    announcer: Announcer
    clock: Clock

    def __call__(self) -> Ticked:
        """Let due timers take effect, have services looked at, publish what was lost, tidy up."""
        due = self.timers.due(self.clock.now())
        failed = tuple(error for timer in due if (error := self._fire(timer)))
        looks = self._look()
        lost = self.outbox.unsettled(LOST_AFTER)
        self.announcer.again(lost)
        done = len(due) - len(failed)
        failed += looks + self._sweep()
        pruned = self._prune()
        if isinstance(pruned, str):
            return Ticked(done, len(lost), 0, (*failed, pruned))
        return Ticked(done, len(lost), pruned, failed)

    def _fire(self, timer: Timer) -> str:
        """One timer in trouble does not hold up the others; it stays due."""
        return self._handle(timer.id, TimerDue(timer=timer, firing=0))

    def _handle(self, what: str, event: LookDue | TimerDue) -> str:
        try:
            self.handle(event)
        except Exception as error:
            return _trouble(what, error)
        return ""

    def _look(self) -> tuple[str, ...]:
        """Have the services of every stack looked at; for what could not be asked, each a line."""
        now = self.clock.now()
        with_services = (stack.id for stack in self.handle.policy.stacks.values() if stack.services)
        due = (LookDue(stack=stack, at=now) for stack in with_services)
        return tuple(error for event in due if (error := self._handle(event.stack, event)))

    def _sweep(self) -> tuple[str, ...]:
        """No alert fires on a resolved incident; should one all the same, it is looked at again.

        Nothing we know of leads there. It would be an incident that nobody sees.
        """
        try:
            return tuple(error for timer in self._overlooked() if (error := self._fire(timer)))
        except Exception as error:
            return (_trouble("looking for firing alerts", error),)

    def _overlooked(self) -> Iterator[Timer]:
        incidents = (each for view in self.reports.heads() for each in view.stack.incidents)
        for each in incidents:
            over = each.resolved_at if each.state is State.RESOLVED else None
            if over is not None and any(map(self.handle.heads.firing, each.alerts_of)):
                kind = TimerKind.SETTLE
                yield Timer(kind=kind, stack=each.stack, incident=each.id, due=over)

    def _prune(self) -> int | str:
        """How many rows were forgotten, or what was in the way; it can wait for the next tick."""
        try:
            return self.housekeeping.prune(self.clock.now())
        except Exception as error:
            return _trouble("pruning", error)


def _trouble(what: str, error: Exception) -> str:
    if isinstance(error, SwitchmanError):
        return f"{what}: {error}"
    return f"{what}: unforeseen {type(error).__name__}"
