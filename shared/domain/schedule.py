"""Who is on call when: rotations in layers, and overrides. Pure arithmetic of time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from itertools import count
from typing import Final

from shared.domain.hours import Span, WeeklyHours, instant, on_the_wall

SHORTEST_SHIFT: Final = timedelta(hours=1)
"""As long as a clock is put back by: shorter shifts could begin before the ones before them."""


class Gap(Enum):
    """Why a schedule has nobody at an instant."""

    NOT_BEGUN = "none of its rotations has begun yet"
    OUTSIDE_HOURS = "none of its rotations covers this hour"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """People who take turns, each for a shift; the first begins at `start`, by the clock there.

    Hand-over is at the same local time whatever the clock does. `hours`: only then, if given;
    shifts go on being counted meanwhile.
    """

    zone: str
    people: tuple[str, ...]
    start: datetime
    shift: timedelta
    hours: WeeklyHours | None = None

    def who(self, at: datetime) -> str | Gap:
        """Whose turn it is."""
        turn = self.turn(at)
        if turn < 0:
            return Gap.NOT_BEGUN
        if self.hours is not None and self.hours.covering(at) is None:
            return Gap.OUTSIDE_HOURS
        return self.people[turn % len(self.people)]

    def turn(self, at: datetime) -> int:
        """Which shift this is, counted from 0; negative before the first one."""
        turn = (on_the_wall(at, self.zone) - self.start) // self.shift
        while self.handover(turn + 1) <= at:
            turn += 1
        while self.handover(turn) > at:
            turn -= 1
        return turn

    def handover(self, turn: int) -> datetime:
        """When this shift begins."""
        return instant(self.start + turn * self.shift, self.zone)

    def changes(self, span: Span) -> Iterator[datetime]:
        """Every instant in the span at which somebody else may come on."""
        for turn in count(max(0, self.turn(span.start))):
            at = self.handover(turn)
            if at >= span.end:
                break
            yield at
        for each in self.hours.between(span.start, span.end) if self.hours else ():
            yield each.start
            yield each.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """This person, whatever the rotations say."""

    person: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Layers, of which a later one counts where it covers the time, and overrides, the last first.

    `zone` is the one in which its times are said.
    """

    id: str
    zone: str
    layers: tuple[Layer, ...]
    overrides: tuple[Override, ...] = ()

    @property
    def rotating(self) -> tuple[str, ...]:
        """Everybody who takes turns, each once; whoever stands in for somebody is not among them."""
        return tuple(dict.fromkeys(person for layer in self.layers for person in layer.people))


@dataclass(frozen=True, slots=True)
class Duty:
    """One person's time on call without a break, or a gap."""

    who: str | Gap
    span: Span


def who(schedule: Schedule, at: datetime) -> str | Gap:
    """Who is on call, or why nobody is."""
    for override in reversed(schedule.overrides):
        if override.span.covers(at):
            return override.person
    gap = Gap.NOT_BEGUN
    for layer in reversed(schedule.layers):
        found = layer.who(at)
        if isinstance(found, str):
            return found
        gap = Gap.OUTSIDE_HOURS if found is Gap.OUTSIDE_HOURS else gap
    return gap


def duties(schedule: Schedule, span: Span) -> Iterator[Duty]:
    """Who is on call from the span's start to its end, one after the other."""
    changes = sorted({at for at in _changes(schedule, span) if span.start < at < span.end})
    since, now = span.start, who(schedule, span.start)
    for at in changes:
        then = who(schedule, at)
        if then != now:
            yield Duty(now, Span(since, at))
            since, now = at, then
    yield Duty(now, Span(since, span.end))


def first_gap(schedule: Schedule, span: Span) -> Duty | None:
    """The first time in the span at which nobody is on call."""
    return next((each for each in duties(schedule, span) if isinstance(each.who, Gap)), None)


def _changes(schedule: Schedule, span: Span) -> Iterator[datetime]:
    for layer in schedule.layers:
        yield from layer.changes(span)
    for override in schedule.overrides:
        yield override.span.start
        yield override.span.end
