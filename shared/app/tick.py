"""What happens each minute: timers that are due, and messages that may have been lost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from shared.app.announce import Announcer
from shared.app.handle import Handle
from shared.domain.errors import SwitchmanError
from shared.domain.event import Timer, TimerDue
from shared.ports import Clock, Outbox, Timers

LOST_AFTER = timedelta(seconds=30)
"""An action neither done nor held for so long is published again."""


@dataclass(frozen=True, slots=True)
class Ticked:
    """What a tick did."""

    timers: int
    published_again: int
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What `tick` does. Running it twice, or two at once, changes nothing more."""

    handle: Handle
    timers: Timers
    outbox: Outbox
    announcer: Announcer
    clock: Clock

    def __call__(self) -> Ticked:
        """Let due timers take effect, and publish what was not published."""
        due = self.timers.due(self.clock.now())
        failed = tuple(error for timer in due if (error := self._fire(timer)))
        lost = self.outbox.unsettled(LOST_AFTER)
        self.announcer.again(lost)
        return Ticked(len(due) - len(failed), len(lost), failed)

    def _fire(self, timer: Timer) -> str:
        """One timer in trouble does not hold up the others; it stays due."""
        try:
            self.handle(TimerDue(timer=timer, firing=0))
        except SwitchmanError as error:
            return f"{timer.id}: {error}"
        except Exception as error:
            return f"{timer.id}: unforeseen {type(error).__name__}"
        return ""
