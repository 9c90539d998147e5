"""Who is on call when: rotations, hours, overrides, and clocks that are put forward and back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.domain.hours import Span, WeeklyHours, instant
from shared.domain.schedule import Gap, Layer, Override, Schedule, duties, first_gap, who

wall = datetime.fromisoformat
BERLIN = "Europe/Berlin"
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
PEOPLE = ("ana", "ben", "eve")
ZONES = st.sampled_from([BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"])
STARTS = st.datetimes(wall("2026-01-01 00:00"), wall("2026-02-01 00:00")).map(
    lambda at: at.replace(second=0, microsecond=0)
)
SHIFTS = st.sampled_from([HOUR, 8 * HOUR, 12 * HOUR, DAY, WEEK, 2 * WEEK])
INSTANTS = st.datetimes(wall("2026-02-02 00:00"), wall("2027-06-01 00:00"), timezones=st.just(UTC))
TIMES = st.times().map(lambda at: at.replace(second=0, microsecond=0))
HOURS = st.builds(
    WeeklyHours,
    zone=ZONES,
    weekdays=st.frozensets(st.integers(0, 6), min_size=1),
    start=TIMES,
    end=TIMES,
)
LAYERS = st.builds(
    Layer,
    zone=ZONES,
    people=st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=3).map(tuple),
    start=STARTS,
    shift=SHIFTS,
    hours=st.none() | HOURS,
)
SCHEDULES = st.lists(LAYERS, min_size=1, max_size=3).map(
    lambda layers: Schedule(id="any", zone=BERLIN, layers=tuple(layers))
)
WHOLE = LAYERS.map(lambda layer: replace(layer, hours=None))


def layer(start: datetime, shift: timedelta, *people: str, zone: str = BERLIN) -> Layer:
    """A rotation without hours of its own."""
    return Layer(zone=zone, people=people or PEOPLE, start=start, shift=shift)


def schedule(*layers: Layer, overrides: tuple[Override, ...] = ()) -> Schedule:
    """A schedule of these layers."""
    return Schedule(id="runtime", zone=BERLIN, layers=layers, overrides=overrides)


def local(text: str, zone: str = BERLIN) -> datetime:
    """When the clock there shows this for the first time."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-10", 24)]
)
def test_hand_over_is_at_the_same_local_time_whatever_the_clock_does(day: str, hours: int) -> None:
    """The day on which the clock is put forward has a shift of 23 hours, the other one of 25."""
    rota = schedule(layer(wall("2026-01-05 09:00"), DAY))
    begins = local(f"{day} 09:00") - hours * HOUR
    assert begins.astimezone(ZoneInfo(BERLIN)).hour == 9
    (duty,) = duties(rota, Span(begins, local(f"{day} 09:00")))
    assert (duty.span.end - duty.span.start) == hours * HOUR
    assert who(rota, local(f"{day} 09:00")) != duty.who


def test_an_hour_that_comes_twice_hands_over_once() -> None:
    """At half past two on the night the clock is put back, the first time counts."""
    rota = schedule(layer(wall("2026-10-01 02:30"), DAY))
    night = Span(local("2026-10-24 12:00"), local("2026-10-25 12:00"))
    (_, second) = duties(rota, night)
    assert second.span.start == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_an_hour_that_is_left_out_hands_over_all_the_same() -> None:
    """At half past two on the night the clock is put forward it is half past three."""
    rota = schedule(layer(wall("2026-03-01 02:30"), DAY))
    night = Span(local("2026-03-28 12:00"), local("2026-03-29 12:00"))
    (_, second) = duties(rota, night)
    assert second.span.start == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_a_later_layer_counts_where_it_covers_the_time() -> None:
    """Wes has the working days from nine to five; all else is Ana's."""
    work = WeeklyHours(zone=BERLIN, weekdays=frozenset(range(5)), start=time(9), end=time(17))
    always = layer(wall("2026-01-05 09:00"), WEEK, "ana")
    rota = schedule(always, replace(layer(wall("2026-01-05 09:00"), WEEK, "wes"), hours=work))
    times = ("2026-06-08 08:59", "2026-06-08 09:00", "2026-06-08 17:00", "2026-06-13 12:00")
    assert [who(rota, local(each)) for each in times] == ["ana", "wes", "ana", "ana"]


def test_the_weekday_of_hours_past_midnight_is_that_on_which_they_begin() -> None:
    """Friday from 22:00 until 08:00 ends on Saturday morning."""
    nights = WeeklyHours(zone=BERLIN, weekdays=frozenset({4}), start=time(22), end=time(8))
    rota = schedule(replace(layer(wall("2026-01-05 00:00"), WEEK, "ana"), hours=nights))
    times = ("2026-06-12 21:59", "2026-06-12 22:00", "2026-06-13 07:59", "2026-06-13 08:00")
    out = Gap.OUTSIDE_HOURS
    assert [who(rota, local(each)) for each in times] == [out, "ana", "ana", out]


def test_a_gap_has_a_name() -> None:
    """Before a schedule begins, and outside the hours of its rotations."""
    rota = schedule(layer(wall("2026-06-01 09:00"), DAY))
    assert who(rota, local("2026-06-01 08:59")) is Gap.NOT_BEGUN
    gap = first_gap(rota, Span(local("2026-05-01 00:00"), local("2026-07-01 00:00")))
    assert gap is not None
    assert gap.span == Span(local("2026-05-01 00:00"), local("2026-06-01 09:00"))
    assert first_gap(rota, Span(local("2026-06-01 09:00"), local("2026-07-01 00:00"))) is None


@given(WHOLE, INSTANTS)
def test_one_person_at_every_instant_of_a_schedule_without_gaps(rota: Layer, at: datetime) -> None:
    """A rotation that has begun and has no hours of its own always has somebody."""
    assert who(schedule(rota), at) in rota.people


@given(WHOLE, INSTANTS)
def test_every_turn_is_followed_by_the_next(rota: Layer, at: datetime) -> None:
    """The shift of an instant has begun, and the next one has not; whoever follows is next."""
    turn = rota.turn(at)
    assert rota.handover(turn) <= at < rota.handover(turn + 1)
    then = rota.people[(turn + 1) % len(rota.people)]
    assert who(schedule(rota), rota.handover(turn + 1)) == then


@given(WHOLE, INSTANTS)
def test_a_rotation_comes_round(rota: Layer, at: datetime) -> None:
    """After as many shifts as there are people, by the clock on the wall, it is as it was."""
    there = ZoneInfo(rota.zone)
    wall = at.astimezone(there).replace(tzinfo=None, fold=0)
    then = wall + rota.shift * len(rota.people)
    assume(rota.shift >= DAY and keeps_time(wall, there) and keeps_time(then, there))
    assert who(schedule(rota), instant(then, rota.zone)) == who(schedule(rota), at)


def keeps_time(wall: datetime, zone: ZoneInfo) -> bool:
    """Whether the clock there is neither put forward nor back around then."""
    around = {(wall + n * HOUR).replace(tzinfo=zone).utcoffset() for n in range(-24, 25, 6)}
    return len(around) == 1


@given(SCHEDULES, INSTANTS, INSTANTS, INSTANTS)
def test_an_override_wins(rota: Schedule, at: datetime, one: datetime, other: datetime) -> None:
    """Within it nobody else is on call, and outside it nothing changes."""
    span = Span(min(one, other), max(one, other))
    changed = replace(rota, overrides=(Override(person="wes", span=span),))
    assert who(changed, at) == ("wes" if span.covers(at) else who(rota, at))


@given(SCHEDULES, INSTANTS, st.lists(st.floats(0, 1), max_size=20))
def test_duties_leave_no_instant_out(rota: Schedule, at: datetime, points: list[float]) -> None:
    """They follow each other without a break, differ, and say of each instant who it is."""
    span = Span(at, at + 2 * WEEK)
    found = list(duties(rota, span))
    assert (found[0].span.start, found[-1].span.end) == (span.start, span.end)
    for before, after in pairwise(found):
        assert before.span.end == after.span.start
        assert before.who != after.who
    for point in points:
        then = at + point * 2 * WEEK * 0.999
        assert [each.who for each in found if each.span.covers(then)] == [who(rota, then)]
