"""Pages that are held back: quiet hours and maintenance, and what follows when they end."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

import pytest

from shared.domain.action import ActionKind, Delivered, GaveUp
from shared.domain.alert import AlertStatus
from shared.domain.card import card_for
from shared.domain.decision import Decision, Reason
from shared.domain.event import TimerKind
from shared.domain.hours import Span, WeeklyHours
from shared.domain.incident import TimelineKind
from shared.domain.incident_state import State
from shared.domain.paging import Choice, PageStep
from shared.domain.policy import Policy
from shared.domain.quiet import LONGEST_HOLD, Maintenance, QuietHours, held, maintained
from shared.domain.severity import Severity
from tests.builders import (
    BACKEND,
    BEN,
    FRONTEND,
    MINUTE,
    NOON,
    SECOND,
    alert,
    incident,
    message,
    policy,
)
from tests.story import Story, kinds, said

HOUR = timedelta(hours=1)
MILD = Severity.SEV3
LUNCH = QuietHours(severities=(MILD,), hours=WeeklyHours(zone="UTC", start=time(11), end=time(14)))
"""NOON is in it, and it ends two hours later."""


def quiet(*hours: QuietHours) -> Policy:
    """The shop's policy with these quiet hours."""
    return replace(policy(), quiet_hours=hours or (LUNCH,))


def maintenance(**about: object) -> Policy:
    """The shop's policy with an hour of announced work around noon."""
    facts = {"name": "New database", "zone": "UTC", "span": Span(NOON - HOUR, NOON + HOUR), **about}
    return replace(policy(), maintenance=(Maintenance(**facts),))  # type: ignore[arg-type]


@pytest.fixture
def story() -> Story:
    """At noon, in quiet hours, an alert has fired that may wait."""
    story = Story(quiet())
    story.reports(alert(severity=MILD))
    return story


def due(story: Story) -> timedelta:
    """How long until somebody is paged."""
    return story.timers[f"{story.incident.id}:{TimerKind.REMIND}"].due - story.now


def hold_ends(story: Story) -> Decision:
    """Each hour it is looked at whether pages still wait; the decision once they do not."""
    while (decision := story.rings(TimerKind.REMIND)).reason is Reason.HELD_BACK:
        assert due(story) <= HOUR
    return decision


def test_in_quiet_hours_it_is_shown_and_wakes_nobody(story: Story) -> None:
    """The channel sees the whole page with its buttons; nobody is mentioned."""
    (page,) = story.incident.pages
    card = card_for(story.policy, story.incident, page)
    assert (page.wakes, page.channel, card.mention) == (False, "#infra", "")
    assert card.paragraphs[0] == (
        "Held back, it wakes nobody yet: quiet hours until 2026-03-01 14:00 UTC."
    )
    assert Choice.ACKNOWLEDGE in card.choices
    assert page.key.endswith("/ben/shown")


def test_the_timeline_says_that_pages_are_held_back() -> None:
    """And when the message stands, that it woke nobody."""
    story = Story(quiet())
    decision = story.reports(alert(severity=MILD))
    assert said(decision)[TimelineKind.HELD_BACK] == (
        "Pages are held back: quiet hours until 2026-03-01 14:00 UTC"
    )
    assert TimelineKind.PAGING not in said(decision)
    decision = story.delivers(story.last(ActionKind.PAGE))
    assert said(decision)[TimelineKind.SHOWN] == "Shown in #infra, without waking anybody"


def test_a_page_follows_when_quiet_hours_end(story: Story) -> None:
    """It is still open then: whoever is on call is woken."""
    assert hold_ends(story).reason is Reason.REMINDED
    assert story.now == NOON + 2 * HOUR
    page = story.incident.pages[-1]
    assert (page.step, page.person, page.wakes) == (PageStep.AFTER_HOLD, "ben", True)
    card = card_for(story.policy, story.incident, page)
    assert (card.headline, card.mention) == ("Held back until now: ErrorsHigh", BEN)
    assert due(story) == 15 * MINUTE


def test_what_is_over_before_quiet_hours_end_wakes_nobody(story: Story) -> None:
    """It was shown, and that is all."""
    story.reports(alert(severity=MILD, status=AlertStatus.RESOLVED))
    story.rings(TimerKind.SETTLE)
    story.rings(TimerKind.CONFIRM)
    assert story.rings(TimerKind.REMIND).reason is Reason.STALE
    assert not any(page.wakes for page in story.incident.pages)


def test_whoever_acknowledges_what_is_shown_has_it(story: Story) -> None:
    """No page follows."""
    story.presses(BEN, Choice.ACKNOWLEDGE)
    assert story.rings(TimerKind.REMIND).reason is Reason.STALE
    assert len(story.incident.pages) == 1


def test_a_raised_severity_pages_at_once(story: Story) -> None:
    """And from then on it is reminded of as anything that bad is."""
    story.later(SECOND)
    story.reports(alert("Down", severity=Severity.SEV2))
    page = story.incident.pages[-1]
    assert (page.step, page.wakes) == (PageStep.RAISED, True)
    assert due(story) == 15 * MINUTE


@pytest.mark.parametrize("severity", [Severity.SEV1, Severity.SEV2])
def test_what_the_policy_does_not_name_pages_at_once(severity: Severity) -> None:
    """Quiet hours are for the severities they name."""
    story = Story(quiet())
    story.reports(alert(severity=severity))
    assert story.incident.pages[0].wakes


def test_a_reminder_that_falls_into_quiet_hours_waits_for_their_end() -> None:
    """Paged at ten to eleven: the reminder is due in quiet hours, and comes at two."""
    story = Story(quiet())
    story.now = NOON - 70 * MINUTE
    story.reports(alert(severity=MILD, starts_at=story.now))
    assert story.incident.pages[0].wakes
    decision = story.rings(TimerKind.REMIND)
    assert (decision.reason, kinds(decision)) == (Reason.HELD_BACK, [])
    assert TimelineKind.HELD_BACK in said(decision)
    hold_ends(story)
    assert (story.now, story.incident.pages[-1].wakes) == (NOON + 2 * HOUR, True)


def test_quiet_hours_that_go_over_into_others_are_one() -> None:
    """The page follows when nothing holds it back any more."""
    more = QuietHours(
        severities=(MILD,), hours=WeeklyHours(zone="UTC", start=time(14), end=time(15))
    )
    found = held(quiet(LUNCH, more), incident(severity=MILD), NOON)
    assert found is not None
    assert found.until == NOON + 3 * HOUR


def test_quiet_hours_that_never_end_hold_nothing_back() -> None:
    """What would never be paged is paged at once."""
    always = QuietHours(severities=(MILD,), hours=WeeklyHours(zone="UTC"))
    story = Story(quiet(always))
    story.reports(alert(severity=MILD))
    assert story.incident.pages[0].wakes
    assert held(story.policy, story.incident, NOON) is None
    assert timedelta(days=7) >= LONGEST_HOLD


def test_the_end_of_a_hold_that_comes_twice_has_two_timers() -> None:
    """A clock that is set back sees it again: a timer that went off takes no effect again."""
    story = Story(quiet())
    story.reports(alert(severity=MILD))
    hold_ends(story)
    first = story.now
    story.now = NOON + 2 * HOUR - MINUTE + timedelta(microseconds=7)
    found = held(story.policy, story.incident, story.now)
    assert found is not None
    assert found.until == first < found.over(story.now)


def test_quiet_hours_of_one_team_are_nobody_elses() -> None:
    """The web team sleeps; infra is woken."""
    story = Story(quiet(replace(LUNCH, teams=("web",))))
    story.reports(alert(severity=MILD))
    assert story.incident.pages[0].wakes


def test_what_a_person_declares_wakes_somebody_at_any_hour() -> None:
    """Whoever declared it is awake, and wants help."""
    story = Story(quiet())
    story.asks(BEN, Choice.DECLARE, "it burns", lane="infra", severity=MILD)
    assert story.incident.pages[0].wakes


def test_news_about_an_incident_that_somebody_has_waits_too() -> None:
    """Acknowledged long ago; what joins in quiet hours is shown, and paged about afterwards."""
    story = Story(quiet())
    story.now = NOON - 5 * HOUR
    story.reports(alert("First", severity=MILD, starts_at=story.now))
    story.presses(BEN, Choice.ACKNOWLEDGE)
    story.now = NOON
    story.reports(alert("Second", severity=MILD))
    assert [page.wakes for page in story.incident.pages] == [True, False]
    hold_ends(story)
    assert [page.wakes for page in story.incident.pages] == [True, False, True]
    assert (story.incident.pages[-1].step, story.now) == (PageStep.JOINED, NOON + 2 * HOUR)
    assert story.incident.pages[-1].wakes
    assert not story.incident.held


def test_what_cannot_be_shown_wakes_no_other_team(story: Story) -> None:
    """The failure is in the timeline, and the page itself is still to come."""
    decision = story.finishes(story.last(ActionKind.PAGE), GaveUp("no such channel"))
    assert TimelineKind.PAGE_FAILED in said(decision)
    assert kinds(decision) == []
    hold_ends(story)
    assert story.incident.pages[-1].wakes


def test_an_incident_that_is_reopened_in_quiet_hours_is_held_back_again(story: Story) -> None:
    """What was only shown is no page that still calls somebody."""
    story.finishes(story.last(ActionKind.PAGE), Delivered(message(), "drawn"))
    story.reports(alert(severity=MILD, status=AlertStatus.RESOLVED))
    story.rings(TimerKind.SETTLE)
    story.rings(TimerKind.CONFIRM)
    story.reports(alert(severity=MILD, starts_at=story.later(SECOND)))
    assert (story.state(), story.incident.held) == (State.OPEN, True)
    hold_ends(story)
    assert (story.now, story.incident.pages[-1].wakes) == (NOON + 2 * HOUR, True)


def test_during_maintenance_what_is_no_sev1_waits() -> None:
    """It is opened and recorded, and pages when the work should be over."""
    story = Story(maintenance(stack="shop"))
    story.reports(alert(severity=Severity.SEV2))
    assert not story.incident.pages[0].wakes
    assert "maintenance (New database)" in story.incident.pages[0].details[0]
    assert due(story) == HOUR
    story.rings(TimerKind.REMIND)
    assert story.incident.pages[-1].wakes


@pytest.mark.parametrize(
    ("about", "waits"),
    [
        ({}, True),
        ({"stack": "other"}, False),
        ({"stack": "shop", "lanes": ("infra",)}, True),
        ({"stack": "shop", "lanes": ("auth",)}, False),
        ({"stack": "shop", "services": (BACKEND,)}, True),
        ({"stack": "shop", "services": (FRONTEND,)}, False),
        ({"span": Span(NOON + MINUTE, NOON + HOUR)}, False),
        ({"span": None, "hours": WeeklyHours(zone="UTC", weekdays=frozenset({6}))}, True),
        ({"span": None, "hours": WeeklyHours(zone="UTC", weekdays=frozenset({5}))}, False),
        ({"hours": WeeklyHours(zone="UTC", start=time(13), end=time(14))}, False),
    ],
    ids=str,
)
def test_maintenance_is_about_what_it_names(about: dict[str, object], waits: bool) -> None:
    """A stack, some of its lanes or services; once, each week, or each week for a time."""
    story = Story(maintenance(**about))
    story.reports(alert(severity=Severity.SEV2))
    assert story.incident.pages[0].wakes is not waits


def test_a_sev1_during_maintenance_pages_at_once() -> None:
    """Whatever was announced."""
    story = Story(maintenance())
    story.reports(alert(severity=Severity.SEV1))
    assert story.incident.pages[0].wakes


def test_another_service_than_the_one_under_maintenance_ends_the_hold() -> None:
    """The backend was announced; when the frontend fails too, the page follows at once."""
    story = Story(maintenance(stack="shop", services=(BACKEND,)))
    story.reports(alert(severity=Severity.SEV2))
    story.later(SECOND)
    story.reports(alert("Front", severity=Severity.SEV2, labels={"service": FRONTEND}))
    assert due(story) == timedelta()
    story.rings(TimerKind.REMIND)
    assert (story.incident.pages[-1].wakes, story.now) == (True, NOON + SECOND)


def test_no_rollback_goes_by_itself_during_maintenance_of_its_stack() -> None:
    """Of any part of it; a person may still approve one."""
    rules = maintenance(stack="shop", lanes=("auth",))
    assert maintained(rules, "shop", NOON) == (
        "maintenance of the stack (New database) until 2026-03-01 13:00 UTC"
    )
    assert maintained(rules, "other", NOON) == ""
    assert maintained(rules, "shop", NOON + HOUR) == ""


def test_a_policy_that_holds_nothing_back_any_more_lets_the_page_go(story: Story) -> None:
    """Whoever cuts quiet hours or maintenance short does not wait for the end that was planned."""
    story.policy = policy()
    hold_ends(story)
    assert (story.now, story.incident.pages[-1].wakes) == (NOON + HOUR, True)


def test_what_has_waited_does_not_wait_for_the_next_hold_as_well() -> None:
    """Quiet until a minute to midnight, each day: between two of them nobody may have looked."""
    day = QuietHours(
        severities=(MILD,), hours=WeeklyHours(zone="UTC", start=time(0), end=time(23, 59))
    )
    story = Story(quiet(day))
    story.reports(alert(severity=MILD))
    while story.now < NOON + 13 * HOUR and not story.incident.pages[-1].wakes:
        story.later(2 * MINUTE)
        timer = story.timers[f"{story.incident.id}:{TimerKind.REMIND}"]
        if timer.due <= story.now:
            story.take(story.due(timer))
    assert story.now == NOON + 12 * HOUR


def test_an_alert_that_joins_does_not_make_a_page_wait_longer() -> None:
    """It waits until the end that was said first, also where a longer hold begins meanwhile."""
    longer = replace(LUNCH, hours=WeeklyHours(zone="UTC", start=time(13), end=time(23)))
    story = Story(quiet(LUNCH))
    story.reports(alert("First", lane="triage", severity=MILD))
    story.policy = quiet(LUNCH, longer)
    story.later(90 * MINUTE)
    story.reports(alert("Second", lane="triage", severity=MILD, starts_at=story.now))
    hold_ends(story)
    assert (story.now, story.incident.pages[-1].wakes) == (NOON + 2 * HOUR, True)
