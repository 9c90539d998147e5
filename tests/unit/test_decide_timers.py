"""Time: how an incident is resolved and forgotten, and how plans run out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.domain.action import ActionKind
from shared.domain.alert import AlertStatus
from shared.domain.decision import IncidentRow, Reason
from shared.domain.event import Timer, TimerDue, TimerKind
from shared.domain.incident import TimelineKind
from shared.domain.incident_state import State
from shared.domain.paging import Choice, PageStep
from shared.domain.rollback_phase import Phase
from tests.builders import BEN, MINUTE, SECOND, alert, plan
from tests.story import Story, kinds, proposed, said


@pytest.fixture
def story() -> Story:
    """One alert has fired, and the page stands."""
    story = Story()
    story.reports(alert())
    story.delivers(story.last(ActionKind.PAGE))
    return story


def test_an_incident_stays_open_while_anything_fires(story: Story) -> None:
    """The settle timer sets itself again as long as an alert fires."""
    for _ in range(3):
        assert story.rings(TimerKind.SETTLE).reason is Reason.STILL_FIRING
    assert story.state() is State.OPEN


def test_an_incident_resolves_after_two_quiet_looks(story: Story) -> None:
    """Nothing fires: `resolving`; still nothing fires a settle time later: `resolved`."""
    story.reports(alert(status=AlertStatus.RESOLVED))
    assert story.rings(TimerKind.SETTLE).reason is Reason.CHECKING
    assert story.state() is State.RESOLVING
    checked_at = story.now
    decision = story.rings(TimerKind.CONFIRM)
    assert decision.reason is Reason.RESOLVED
    assert story.now == checked_at + story.policy.timing.settle
    assert (story.incident.state, story.incident.resolved_at) == (State.RESOLVED, story.now)
    assert TimelineKind.RESOLVED in said(decision)


def test_the_page_that_stands_is_redrawn_once_when_the_incident_is_resolved(story: Story) -> None:
    """Resolution redraws each message, and each only once."""
    story.reports(alert(status=AlertStatus.RESOLVED))
    story.rings(TimerKind.SETTLE)
    assert kinds(story.rings(TimerKind.CONFIRM)) == [ActionKind.REFRESH]


def test_the_second_look_counts_again(story: Story) -> None:
    """An alert that slipped in between the two looks keeps the incident open."""
    story.reports(alert(status=AlertStatus.RESOLVED))
    story.rings(TimerKind.SETTLE)
    confirm = story.due(story.timers[f"{story.incident.id}:{TimerKind.CONFIRM}"])
    decision = story.take(replace(confirm, firing=1))
    assert decision.reason is Reason.STILL_FIRING
    assert story.state() is State.OPEN
    assert f"{story.incident.id}:{TimerKind.SETTLE}" in story.timers


def test_an_end_by_a_person_that_the_second_look_refutes_is_forgotten(story: Story) -> None:
    """Nobody takes it for over any more."""
    story.presses(BEN, Choice.RESOLVE)
    story.later(SECOND)
    story.presses(BEN, Choice.RESOLVE)
    assert (story.state(), story.incident.ended_by) == (State.RESOLVING, "ben")
    confirm = story.due(story.timers[f"{story.incident.id}:{TimerKind.CONFIRM}"])
    story.take(replace(confirm, firing=1))
    assert (story.state(), story.incident.ended_by) == (State.OPEN, "")


def test_a_page_drawn_during_the_check_is_redrawn_when_the_incident_stays_open(
    story: Story,
) -> None:
    """Nobody is left with a page that says "nothing fires" and has no button."""
    story.reports(alert(status=AlertStatus.RESOLVED))
    story.rings(TimerKind.SETTLE)
    story.presses(BEN, Choice.ACKNOWLEDGE)
    story.delivers(story.last(ActionKind.REFRESH))
    confirm = story.due(story.timers[f"{story.incident.id}:{TimerKind.CONFIRM}"])
    assert kinds(story.take(replace(confirm, firing=1))) == [ActionKind.REFRESH]


def test_an_incident_is_never_resolved_under_a_running_rollback() -> None:
    """While traffic is being moved, the settle timer only looks again later."""
    story = Story()
    plan_hash = proposed(story, alert())
    story.presses(BEN, Choice.APPROVE, plan_hash)
    story.reports(alert(status=AlertStatus.RESOLVED))
    assert story.rings(TimerKind.SETTLE).reason is Reason.STILL_FIRING
    assert story.state() is State.MITIGATING


def test_a_rollback_nobody_approved_is_withdrawn_with_the_resolution() -> None:
    """Nothing fires any more, so there is nothing to roll back."""
    story = Story()
    proposed(story, alert())
    story.reports(alert(status=AlertStatus.RESOLVED))
    story.rings(TimerKind.SETTLE)
    story.rings(TimerKind.CONFIRM)
    assert story.phase() is Phase.WITHDRAWN


def test_a_plan_that_comes_after_the_resolution_is_not_proposed(story: Story) -> None:
    """A late plan changes nothing on an incident that is resolved."""
    story.reports(alert(status=AlertStatus.RESOLVED))
    story.rings(TimerKind.SETTLE)
    story.rings(TimerKind.CONFIRM)
    before = story.stack
    decision = story.finishes(story.last(ActionKind.PLAN), plan())
    assert (decision.reason, decision.stack, decision.actions) == (Reason.STALE, before, ())


def test_a_plan_runs_out_when_nobody_decides() -> None:
    """At its end the plan expires, its buttons go, and a new one is made while it still fires."""
    story = Story()
    proposed(story, alert())
    decision = story.rings(TimerKind.PLAN_EXPIRES)
    assert decision.reason is Reason.EXPIRED
    assert story.now == plan().expires_at
    assert kinds(decision) == [ActionKind.PLAN, ActionKind.REFRESH]
    assert story.phase() is Phase.PLANNING


def test_the_timer_of_an_approved_plan_says_nothing() -> None:
    """A plan that somebody decided on does not expire."""
    story = Story()
    plan_hash = proposed(story, alert())
    story.presses(BEN, Choice.APPROVE, plan_hash)
    before = story.stack
    decision = story.rings(TimerKind.PLAN_EXPIRES)
    assert (decision.reason, decision.stack, decision.rows) == (Reason.STALE, before, ())


def test_a_timer_that_rings_late_does_not_take_away_the_one_that_replaced_it() -> None:
    """A tick that was held up fires the old timer; the newer one of the same name still stands."""
    story = Story()
    proposed(story, alert())
    newer = story.timers[f"{story.incident.id}:{TimerKind.PLAN_EXPIRES}"]
    older = replace(newer, due=newer.due - 10 * MINUTE)
    decision = story.take(TimerDue(timer=older, firing=1))
    assert decision.reason is Reason.STALE
    assert story.timers.get(newer.id) == newer


def test_a_resolved_incident_is_forgotten_after_the_reopen_window(story: Story) -> None:
    """It leaves the head, and is kept as a row of its own."""
    story.reports(alert(status=AlertStatus.RESOLVED))
    story.rings(TimerKind.SETTLE)
    story.rings(TimerKind.CONFIRM)
    resolved = story.incident
    decision = story.rings(TimerKind.FORGET)
    assert decision.reason is Reason.FORGOTTEN
    assert story.stack.incidents == ()
    assert decision.rows == (IncidentRow(incident=resolved),)


@pytest.mark.parametrize("kind", [TimerKind.FORGET, TimerKind.PLAN_EXPIRES])
def test_a_timer_that_goes_off_before_its_time_goes_off_again(kind: TimerKind) -> None:
    """The clock was set back meanwhile. It is another timer, for each takes effect once."""
    story = Story()
    if kind is TimerKind.PLAN_EXPIRES:
        proposed(story, alert())
    else:
        story.reports(alert())
        story.delivers(story.last(ActionKind.PAGE))
        story.reports(alert(status=AlertStatus.RESOLVED))
        story.rings(TimerKind.SETTLE)
        story.rings(TimerKind.CONFIRM)
    early = story.timers[f"{story.incident.id}:{kind}"]
    story.now = early.due - MINUTE
    assert story.take(story.due(early)).reason is Reason.STALE
    again = story.timers[early.id]
    assert again.due > early.due
    assert story.due(again).id != story.due(early).id
    assert story.rings(kind).reason in (Reason.FORGOTTEN, Reason.EXPIRED)


def test_a_resolved_incident_that_fires_is_reopened_and_paged_about(story: Story) -> None:
    """However an alert came to fire on it: a person has to know, and it settles as before."""
    story.reports(alert(status=AlertStatus.RESOLVED))
    story.rings(TimerKind.SETTLE)
    story.rings(TimerKind.CONFIRM)
    timer = Timer(kind=TimerKind.SETTLE, stack="shop", incident=story.incident.id, due=story.now)
    decision = story.take(TimerDue(timer=timer, firing=1))
    assert decision.reason is Reason.REOPENED
    assert (story.state(), story.incident.resolved_at) == (State.OPEN, None)
    assert TimelineKind.REOPENED in said(decision)
    assert story.incident.pages[-1].step is PageStep.REOPENED
    assert ActionKind.PAGE in kinds(decision)
    assert TimerKind.REMIND in {timer.kind for timer in decision.timers}
    assert story.rings(TimerKind.SETTLE).reason is Reason.CHECKING


def test_an_incident_that_reopened_is_not_forgotten(story: Story) -> None:
    """The forget timer of an earlier resolution finds the incident open and lets it be."""
    story.reports(alert(status=AlertStatus.RESOLVED))
    story.rings(TimerKind.SETTLE)
    story.rings(TimerKind.CONFIRM)
    story.later(SECOND)
    story.reports(alert("Again"))
    assert story.rings(TimerKind.FORGET).reason is Reason.STALE
    assert story.state() is State.OPEN


@pytest.mark.parametrize("kind", TimerKind)
def test_a_timer_of_an_incident_that_is_gone_is_only_cleared(story: Story, kind: TimerKind) -> None:
    """Whatever rings for an incident no longer in the head changes nothing else."""
    timer = replace(story.timers[f"{story.incident.id}:{TimerKind.SETTLE}"], kind=kind)
    gone = replace(timer, incident="shop-gone")
    before = story.stack
    decision = story.take(TimerDue(timer=gone, firing=0))
    assert (decision.reason, decision.stack, decision.cleared) == (Reason.STALE, before, (gone,))
    assert (decision.rows, decision.actions, decision.timers) == ((), (), ())
