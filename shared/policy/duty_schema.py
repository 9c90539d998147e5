"""The policy file's shape: who is on call when, who comes after them, and when pages wait."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from msgspec import field

from shared.domain.schedule import SHORTEST_SHIFT
from shared.domain.severity import Severity
from shared.policy.durations import parse_duration
from shared.policy.kinds import (
    Duration,
    Entry,
    Hours,
    LaneRef,
    LocalTime,
    PageRef,
    PersonRef,
    StackRef,
    TeamRef,
    Text,
    TimeZone,
    Weekday,
)

Faults = Iterator[tuple[str, str]]


class LayerEntry(Entry, frozen=True):
    """People who take turns. Without weekdays and hours it is always one of them."""

    people: tuple[PersonRef, ...]
    start: LocalTime
    shift: Duration = "7d"
    weekdays: tuple[Weekday, ...] = ()
    hours: Hours = ""
    time_zone: TimeZone = ""

    def faults(self) -> Faults:
        """Somebody takes turns, and each turn is long enough to tell from the next."""
        if not self.people:
            yield "people", "a rotation must have people: name one at least"
        if parse_duration(self.shift) < SHORTEST_SHIFT:
            yield "shift", "shift must be an hour or longer, such as 12h, 24h or 7d"


class OverrideEntry(Entry, frozen=True):
    """This person, whatever the rotations say."""

    person: PersonRef
    until: LocalTime
    begins: LocalTime = field(name="from")


class ScheduleEntry(Entry, frozen=True):
    """Rotations, of which a later one counts where it covers the time, and overrides."""

    time_zone: TimeZone
    layers: tuple[LayerEntry, ...]
    overrides: tuple[OverrideEntry, ...] = ()

    def faults(self) -> Faults:
        """There is somebody."""
        if not self.layers:
            yield "layers", "a schedule must have layers: one such as {people: [ana], start: ...}"


class EscalationEntry(Entry, frozen=True):
    """Nobody has acknowledged for so long: then this team, person or schedule is paged."""

    after: Duration
    page: PageRef

    def faults(self) -> Faults:
        """Whoever is paged has time to acknowledge."""
        if parse_duration(self.after) < timedelta(seconds=1):
            yield "after", "after must be a second or longer, such as 5m"


class QuietHoursEntry(Entry, frozen=True):
    """Hours in which incidents of these severities wake nobody, of these teams or of all."""

    time_zone: TimeZone
    hours: Hours = "00:00-24:00"
    weekdays: tuple[Weekday, ...] = ()
    severity: tuple[Severity, ...] = (Severity.SEV3, Severity.SEV4)
    teams: tuple[TeamRef, ...] = ()


class MaintenanceEntry(Entry, frozen=True):
    """Work that was announced: once, or each week; of a stack, or of some lanes or services."""

    name: Text
    time_zone: TimeZone
    stack: StackRef = ""
    lanes: tuple[LaneRef, ...] = ()
    services: tuple[Text, ...] = ()
    begins: LocalTime = field(name="from", default="")
    until: LocalTime = ""
    weekdays: tuple[Weekday, ...] = ()
    hours: Hours = ""

    def faults(self) -> Faults:
        """It is once, with its beginning and its end, or comes again."""
        if bool(self.begins) != bool(self.until):
            given, lacks = ("from", "until") if self.begins else ("until", "from")
            yield given, f"maintenance with {given} must have {lacks} as well"
        elif self.begins and _in_order(self.until) <= _in_order(self.begins):
            yield (
                "until",
                f"maintenance must end after it begins: until must be after {self.begins}",
            )
        if not (self.begins or self.until or self.weekdays or self.hours):
            yield "", "maintenance must say when: from and until, or weekdays and hours"


def _in_order(local: str) -> str:
    """Days and times as texts that sort as they follow each other, be they on the calendar or not."""
    return local.replace("T", " ")
