"""What comes next: entries of the timeline, ends of actions, timers, each at its instant."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, TypeVar

from shared.app.act import Performer
from shared.app.announce import Announcer
from shared.app.handle import Handle, Handled
from shared.app.play.words import action_in_words
from shared.app.play.world import PlayedStore, Published, SettableClock
from shared.domain.action import Action, ActionKind, GaveUp, Outcome
from shared.domain.errors import Refused, Transient, UnknownOutcome
from shared.domain.event import ActionFinished, Instructed, LookDue, Timer, TimerDue
from shared.domain.play import Line
from shared.domain.policy import Policy
from shared.ports import Lease, Settlement

T = TypeVar("T")
Happening = Callable[[], object]
_HELD: Final = timedelta(days=7)


class Course:
    """The course of a play: `run_to` lets everything happen that is due.

    Pages are delivered at once, and timers fire when they are due (the tick is up to a minute
    later). An action is carried out in time of its own; its end is an event of the instant at
    which it ends, so that whatever happens meanwhile happens meanwhile.
    """

    def __init__(
        self,
        policy: Policy,
        store: PlayedStore,
        clock: SettableClock,
        performers: Mapping[ActionKind, Performer],
    ) -> None:
        self.store = store
        self.clock = clock
        self.lines: list[Line] = []
        self.begun: list[Action] = []
        self.performers = performers
        self._published = Published()
        self.handle = Handle(
            policy=policy,
            heads=store,
            announcer=Announcer(self._published),
            clock=clock,
            retrying=_once,
        )
        self._to_come: list[tuple[datetime, int, Happening]] = []
        self._counted = 0
        self._said = 0
        self._fired: set[str] = set()

    def later(self, at: datetime, what: Happening) -> None:
        """Let this happen then, after what is to happen at the same instant already."""
        self._counted += 1
        heapq.heappush(self._to_come, (at, self._counted, what))

    def say(self, kind: str, text: str, incident: str = "") -> None:
        """Write a line down."""
        self.lines.append(Line(at=self.clock.now(), kind=kind, text=text, incident=incident))

    def run_to(self, until: datetime) -> None:
        """Let everything happen that happens by then, and make it then."""
        while (what := self._next(until)) is not None:
            what()
            self._begin_actions()
            self._write_down()
        self.clock.set(max(self.clock.now(), until))

    def happens(
        self,
        event: Instructed | ActionFinished | TimerDue | LookDue,
        settles: Settlement | None = None,
    ) -> Handled:
        """The event takes effect, by the real use case."""
        return self.handle(event, settles)

    def _next(self, until: datetime) -> Happening | None:
        """What comes next; at the same instant timers come last."""
        timer = next((t for t in self.store.waiting() if _event_id(t) not in self._fired), None)
        queued = self._to_come[0][0] if self._to_come else None
        first = timer is not None and (queued is None or timer.due < queued)
        due = timer.due if timer is not None and first else queued
        if due is None or due > until:
            return None
        self.clock.set(max(self.clock.now(), due))
        if timer is not None and first:
            return lambda: self._fire(timer)
        return heapq.heappop(self._to_come)[2]

    def _fire(self, timer: Timer) -> None:
        self._fired.add(_event_id(timer))
        self.happens(TimerDue(timer=timer, firing=0))

    def _begin_actions(self) -> None:
        for action_id in self._published.take():
            lease = self.store.claim(action_id, _HELD)
            if isinstance(lease, Lease):
                self._begin(lease)

    def _begin(self, lease: Lease) -> None:
        """Find out how the action ends, and when."""
        action = lease.action
        stack, _ = self.store.load(action.stack)
        words = action_in_words(action, stack.incident(action.incident))
        if words:
            self.say(action.kind.value, words, action.incident)
        self.begun.append(action)
        with self.clock.aside():
            outcome = self._outcome(lease)
            ended = self.clock.now()
        self.later(ended, lambda: self._finish(lease, outcome))

    def _outcome(self, lease: Lease) -> Outcome:
        try:
            return self.performers[lease.action.kind](lease)
        except (Refused, Transient, UnknownOutcome) as error:
            return GaveUp(str(error))

    def _finish(self, lease: Lease, outcome: Outcome) -> None:
        settles = Settlement(action=lease.action.id, fence=lease.fence, outcome=outcome)
        event = ActionFinished(action=lease.action, attempt=lease.attempt, outcome=outcome)
        self.happens(event, settles)

    def _write_down(self) -> None:
        """Every line of an incident's story that is new."""
        rows = self.store.said_since(self._said)
        self._said += len(rows)
        for row in rows:
            self.say(row.kind.value, row.text, row.incident)


def _event_id(timer: Timer) -> str:
    return TimerDue(timer=timer, firing=0).id


def _once(call: Callable[[], T], /) -> T:
    """`Retrying`: nobody else writes."""
    return call()
