"""Hours that come again each week, on a clock on a wall somewhere.

What such a clock shows jumps twice a year. An hour that comes twice counts as it comes for the
first time; one that is left out counts as if the clock had not been put forward yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY: Final = timedelta(days=1)
_MIDNIGHT: Final = time()


@dataclass(frozen=True, slots=True)
class Span:
    """From one instant until another, which is not in it any more."""

    start: datetime
    end: datetime

    def covers(self, at: datetime) -> bool:
        """Whether the instant is in it."""
        return self.start <= at < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyHours:
    """Hours of these weekdays, 0 being Monday; until as early or earlier means the next day.

    The weekday is that on which the hours begin: Friday from 22:00 until 08:00 ends on Saturday.
    """

    zone: str
    weekdays: frozenset[int] = frozenset(range(7))
    start: time = _MIDNIGHT
    end: time = _MIDNIGHT

    @property
    def always(self) -> bool:
        """Whether there is no other time."""
        return self.start == self.end and len(self.weekdays) == len(WEEKDAYS)

    def covering(self, at: datetime) -> Span | None:
        """The hours in which the instant falls, as they are that day."""
        day = at.astimezone(time_zone(self.zone)).date()
        around = (self._on(day), self._on(day - _DAY))
        return next((span for span in around if span and span.covers(at)), None)

    def between(self, start: datetime, end: datetime) -> Iterator[Span]:
        """All that begin before `end` and end after `start`."""
        zone = time_zone(self.zone)
        day, last = start.astimezone(zone).date() - _DAY, end.astimezone(zone).date()
        while day <= last:
            span = self._on(day)
            if span is not None and span.end > start and span.start < end:
                yield span
            day += _DAY

    def _on(self, day: date) -> Span | None:
        if day.weekday() not in self.weekdays:
            return None
        last = day if self.start < self.end else day + _DAY
        begins = datetime.combine(day, self.start)
        return Span(
            instant(begins, self.zone), instant(datetime.combine(last, self.end), self.zone)
        )


def instant(wall: datetime, zone: str) -> datetime:
    """When the clock there shows this for the first time, in UTC."""
    return wall.replace(tzinfo=time_zone(zone), fold=0).astimezone(UTC)


def on_the_wall(at: datetime, zone: str) -> datetime:
    """What the clock there shows at that instant, without its zone."""
    return at.astimezone(time_zone(zone)).replace(tzinfo=None, fold=0)


def in_words(at: datetime, zone: str) -> str:
    """The instant as the clock there shows it, with the zone's name."""
    return f"{at.astimezone(time_zone(zone)):%Y-%m-%d %H:%M} {zone}"


def time_zone(name: str) -> ZoneInfo:
    """The time zone of this name. Its module reads the environment as soon as it is imported."""
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)
