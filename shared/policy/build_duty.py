"""From the file's structs to who is on call when, who comes after them, and when pages wait."""

from __future__ import annotations

from collections.abc import Sequence

from shared.domain.escalation import EscalationStep
from shared.domain.hours import WEEKDAYS, Span, WeeklyHours, instant
from shared.domain.quiet import Maintenance, QuietHours
from shared.domain.schedule import Layer, Override, Schedule
from shared.policy import duty_schema as schema
from shared.policy.durations import parse_duration
from shared.policy.times import parse_hours, parse_local

_ALL_DAY = "00:00-24:00"


def build_schedule(key: str, entry: schema.ScheduleEntry) -> Schedule:
    """One schedule."""
    return Schedule(
        id=key,
        zone=entry.time_zone,
        layers=tuple(_layer(each, each.time_zone or entry.time_zone) for each in entry.layers),
        overrides=tuple(_override(each, entry.time_zone) for each in entry.overrides),
    )


def build_step(entry: schema.EscalationEntry) -> EscalationStep:
    """One step of a team's escalation."""
    return EscalationStep(parse_duration(entry.after), entry.page)


def build_quiet(entry: schema.QuietHoursEntry) -> QuietHours:
    """One stretch of quiet hours."""
    hours = _weekly(entry.weekdays, entry.hours, entry.time_zone)
    return QuietHours(severities=entry.severity, hours=hours, teams=entry.teams)


def build_maintenance(entry: schema.MaintenanceEntry) -> Maintenance:
    """One announced piece of work."""
    zone, once = entry.time_zone, bool(entry.begins)
    weekly = bool(entry.weekdays or entry.hours)
    return Maintenance(
        name=entry.name,
        zone=zone,
        stack=entry.stack,
        lanes=entry.lanes,
        services=entry.services,
        span=_span(entry.begins, entry.until, zone) if once else None,
        hours=_weekly(entry.weekdays, entry.hours, zone) if weekly else None,
    )


def _layer(entry: schema.LayerEntry, zone: str) -> Layer:
    restricted = bool(entry.weekdays or entry.hours)
    return Layer(
        zone=zone,
        people=entry.people,
        start=parse_local(entry.start),
        shift=parse_duration(entry.shift),
        hours=_weekly(entry.weekdays, entry.hours, zone) if restricted else None,
    )


def _override(entry: schema.OverrideEntry, zone: str) -> Override:
    return Override(person=entry.person, span=_span(entry.begins, entry.until, zone))


def _span(start: str, end: str, zone: str) -> Span:
    return Span(instant(parse_local(start), zone), instant(parse_local(end), zone))


def _weekly(weekdays: Sequence[str], hours: str, zone: str) -> WeeklyHours:
    start, end = parse_hours(hours or _ALL_DAY)
    days = frozenset(map(WEEKDAYS.index, weekdays or WEEKDAYS))
    return WeeklyHours(zone=zone, weekdays=days, start=start, end=end)
