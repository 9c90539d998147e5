"""The rollback drill: a plan; with `apply` traffic is moved, checked, put back, checked again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.action import ActionKind, GaveUp, Outcome, TrafficOrder
from shared.domain.alert import AlertStatus
from shared.domain.decide.drills import START_WITHIN
from shared.domain.decision import Decision, DrillRow, Reason, Row
from shared.domain.event import DrillDue, TimerKind
from shared.domain.incident import TimelineKind
from shared.domain.incident_state import State
from shared.domain.paging import Choice, PageStep
from shared.domain.rollback import MoveResult, NoPlan, TrafficOutcome
from shared.domain.rollback_phase import Phase
from tests.builders import BACKEND, BEN, FRONTEND, MINUTE, NOON, SECOND, alert, outcome, plan
from tests.story import Story, kinds

DRILL = DrillDue(id="drill-1", stack="shop", drill="rollback", asked_by="the schedule")
APPLY = replace(DRILL, apply=True)
MOVED, UNSERVED = MoveResult.MOVED, MoveResult.UNSERVED
REFUSED, FOREIGN, UNKNOWN = MoveResult.REFUSED, MoveResult.FOREIGN, MoveResult.UNKNOWN


@pytest.fixture
def story() -> Story:
    """Nothing is on fire."""
    return Story()


@pytest.fixture
def moving(story: Story) -> Story:
    """A drill that moves traffic has its plan, and is at it."""
    story.take(APPLY)
    story.finishes(story.last(ActionKind.PLAN), plan())
    return story


def ended(
    *results: MoveResult, at: timedelta = timedelta(), healthy: timedelta | None = 5 * SECOND
) -> TrafficOutcome:
    """How moving both services, or putting them back, ended; times count from noon."""
    return outcome(*results, started_at=NOON + at, healthy_after=healthy)


def applied(story: Story, came_to: Outcome) -> Decision:
    """Moving the traffic comes to this end."""
    return story.finishes(story.last(ActionKind.APPLY), came_to)


def restored(story: Story, came_to: Outcome) -> Decision:
    """Putting the traffic back comes to this end."""
    return story.finishes(story.last(ActionKind.RESTORE), came_to)


def drill_row(rows: tuple[Row, ...]) -> DrillRow:
    """The only row, which is a drill's."""
    (row,) = rows
    assert isinstance(row, DrillRow)
    return row


def test_a_drill_on_a_quiet_stack_asks_for_a_plan(story: Story) -> None:
    """A drill only reads: its one action is to make a plan, and it belongs to no incident."""
    decision = story.take(DRILL)
    assert (decision.reason, kinds(decision)) == (Reason.DRILL_PLANNED, [ActionKind.PLAN])
    assert story.last(ActionKind.PLAN).incident == ""
    assert story.stack.incidents == ()


def test_a_drill_with_a_plan_has_passed(story: Story) -> None:
    """What would be moved is written down, with the plan."""
    story.take(DRILL)
    decision = story.finishes(story.last(ActionKind.PLAN), plan())
    row = drill_row(decision.rows)
    assert (row.passed, row.plan) == (True, plan())
    assert BACKEND in row.text
    assert FRONTEND in row.text
    assert decision.actions == ()


@pytest.mark.parametrize("ended", [NoPlan(reason="nothing older"), GaveUp("away")])
def test_a_drill_without_a_plan_has_failed(story: Story, ended: Outcome) -> None:
    """That a rollback would be impossible is what a drill is there to find out."""
    story.take(DRILL)
    row = drill_row(story.finishes(story.last(ActionKind.PLAN), ended).rows)
    assert (row.passed, row.plan) == (False, None)


def test_a_drill_is_refused_while_something_is_on_fire(story: Story) -> None:
    """An open incident comes first, whatever its lane."""
    story.reports(alert(lane="auth"))
    decision = story.take(DRILL)
    assert (decision.reason, decision.actions) == (Reason.DRILL_REFUSED, ())
    assert story.incident.id in drill_row(decision.rows).text


@pytest.mark.parametrize(
    ("drill", "why"),
    [
        (DrillDue(id="d", stack="shop", drill="juggling", asked_by="ana"), "juggling"),
        (DrillDue(id="d", stack="shop2", drill="rollback", asked_by="ana"), "shop2"),
    ],
)
def test_a_drill_that_cannot_be_done_is_refused_by_name(
    story: Story, drill: DrillDue, why: str
) -> None:
    """Whoever asked finds the reason among the drills."""
    story.stack = type(story.stack)(id=drill.stack)
    decision = story.take(drill)
    assert (decision.reason, decision.actions) == (Reason.DRILL_REFUSED, ())
    assert why in drill_row(decision.rows).text


@pytest.mark.parametrize("reached", [Phase.PLANNING, Phase.PROPOSED, Phase.APPLYING])
def test_a_drill_is_refused_during_a_rollback(story: Story, reached: Phase) -> None:
    """However far it has got; and the rollback is none the wiser."""
    story.reports(alert())
    if reached is not Phase.PLANNING:
        story.finishes(story.last(ActionKind.PLAN), plan())
    if reached is Phase.APPLYING:
        story.presses(BEN, Choice.APPROVE, plan().hash)
    before = story.stack
    decision = story.take(APPLY)
    assert (decision.reason, decision.stack) == (Reason.DRILL_REFUSED, before)
    assert f"incident {story.incident.id} is" in drill_row(decision.rows).text


def test_a_drill_is_refused_during_another(story: Story) -> None:
    """One at a time; the reason is recorded under the second one's id."""
    story.take(DRILL)
    decision = story.take(replace(APPLY, id="drill-2"))
    row = drill_row(decision.rows)
    assert decision.reason is Reason.DRILL_REFUSED
    assert (row.id, row.passed) == ("drill-drill-2", False)
    assert row.text == "drill drill-drill-1 is under way"


def test_a_drill_is_possible_again_after_one(story: Story) -> None:
    """Whatever came of the first."""
    story.take(DRILL)
    story.finishes(story.last(ActionKind.PLAN), plan())
    assert story.take(replace(DRILL, id="drill-2")).reason is Reason.DRILL_PLANNED


def test_applied_the_plan_is_carried_out_while_it_is_fresh(moving: Story) -> None:
    """One action moves the traffic, and may not start much later than it was planned."""
    action = moving.last(ActionKind.APPLY)
    assert action.order == TrafficOrder(plan=plan(), drill="drill-drill-1")
    assert (action.incident, action.not_after) == ("", action.decided_at + START_WITHIN)
    assert moving.drills == []


def test_what_was_moved_is_put_back_at_once(moving: Story) -> None:
    """Nobody has to ask for it, and it may never be too late for it."""
    decision = applied(moving, ended(MOVED, MOVED))
    (action,) = decision.actions
    assert action.kind is ActionKind.RESTORE
    assert action.order == TrafficOrder(
        plan=plan(), only=(BACKEND, FRONTEND), drill="drill-drill-1"
    )
    assert (action.not_after, decision.rows) == (None, ())


def test_a_drill_that_moved_and_put_back_has_passed(moving: Story) -> None:
    """Recovery, restore and the whole are measured; nobody is woken, and nothing stays open."""
    applied(moving, ended(MOVED, MOVED, healthy=7 * SECOND))
    decision = restored(moving, ended(MOVED, MOVED, at=10 * SECOND, healthy=5 * SECOND))
    row = drill_row(decision.rows)
    assert (row.passed, row.applied, row.plan) == (True, True, plan())
    assert (row.rto_seconds, row.restore_seconds, row.total_seconds) == (7, 5, 15)
    assert (decision.actions, moving.stack.drill, moving.stack.incidents) == ((), None, ())


@pytest.mark.parametrize(
    ("rollback", "restore", "why"),
    [
        (ended(MOVED, REFUSED), ended(MOVED), "not every service could be rolled back"),
        (ended(UNSERVED, MOVED), ended(MOVED, MOVED), "not every service could be rolled back"),
        (ended(MOVED, MOVED, healthy=None), ended(MOVED, MOVED), "not healthy after the rollback"),
        (ended(MOVED, MOVED, healthy=301 * SECOND), ended(MOVED, MOVED), "above the target"),
    ],
    ids=["refused", "unserved", "unhealthy", "too slow"],
)
def test_a_failed_drill_that_put_everything_back_wakes_nobody(
    moving: Story, rollback: TrafficOutcome, restore: TrafficOutcome, why: str
) -> None:
    """It is recorded with its reason, and traffic is as before: that is no incident."""
    applied(moving, rollback)
    row = drill_row(restored(moving, restore).rows)
    assert (row.passed, moving.stack.incidents, moving.stack.drill) == (False, (), None)
    assert why in row.text


def test_services_left_unhealthy_by_a_drill_are_an_incident(moving: Story) -> None:
    """Traffic is as before and health is not: the drill did harm, so somebody is woken."""
    applied(moving, ended(MOVED, MOVED))
    decision = restored(moving, ended(MOVED, MOVED, healthy=None))
    assert kinds(decision) == [ActionKind.PAGE]
    (opened,) = moving.stack.incidents
    assert opened.title == "Not healthy after a rollback drill put traffic back"


def test_a_service_that_may_still_stand_where_the_drill_put_it_is_an_incident(
    moving: Story,
) -> None:
    """Somebody deployed after the worker that had moved it died: our traffic may stand there."""
    wanted = plan().services[0].after
    foreign = ended(FOREIGN, REFUSED)
    first = replace(foreign.services[0], traffic=wanted)
    applied(moving, replace(foreign, services=(first, *foreign.services[1:])))
    (opened,) = moving.stack.incidents
    assert opened.title == "A rollback drill may have left traffic changed"


def test_only_what_was_moved_is_put_back(moving: Story) -> None:
    """A service that refused is as it was, and is not touched."""
    applied(moving, ended(MOVED, REFUSED))
    order = moving.last(ActionKind.RESTORE).order
    assert isinstance(order, TrafficOrder)
    assert order.only == (BACKEND,)


def test_when_nothing_was_moved_nothing_is_put_back(moving: Story) -> None:
    """All refused: the drill is over at once, failed, and nobody is woken."""
    decision = applied(moving, ended(REFUSED, REFUSED))
    assert drill_row(decision.rows).passed is False
    assert (decision.actions, moving.stack.incidents, moving.stack.drill) == ((), (), None)


@pytest.mark.parametrize("doubt", [FOREIGN, UNKNOWN])
def test_in_doubt_a_drill_keeps_its_hands_off_and_wakes_somebody(
    moving: Story, doubt: MoveResult
) -> None:
    """What somebody else changed, or nobody knows, is not put back: an incident says so."""
    decision = applied(moving, ended(MOVED, doubt, healthy=None))
    assert kinds(decision) == [ActionKind.PAGE]
    assert (moving.incident.lane, moving.incident.settles) == ("infra", False)
    assert moving.incident.rollback is None
    held = [row.text for row in moving.timeline if row.kind is TimelineKind.HELD]
    assert f"rollback: {FRONTEND}: {FRONTEND} says {doubt}" in held
    assert [row.passed for row in moving.drills] == [False]


@pytest.mark.parametrize("doubt", [FOREIGN, UNKNOWN, REFUSED, UNSERVED])
def test_a_restore_that_left_something_changed_wakes_somebody(
    moving: Story, doubt: MoveResult
) -> None:
    """A drill that could not put traffic back is an incident that a person has to end."""
    applied(moving, ended(MOVED, MOVED))
    decision = restored(moving, ended(MOVED, doubt, at=MINUTE, healthy=None))
    assert kinds(decision) == [ActionKind.PAGE]
    assert moving.incident.title == "A rollback drill may have left traffic changed"
    assert moving.incident.pages[0].step is PageStep.OPENED
    assert [row.text for row in moving.drills] == ["not every service could be put back"]


@pytest.mark.parametrize("kind", [ActionKind.APPLY, ActionKind.RESTORE])
def test_a_step_that_was_given_up_ends_the_drill_and_wakes_somebody(
    moving: Story, kind: ActionKind
) -> None:
    """After the last attempt nobody knows where traffic stands."""
    if kind is ActionKind.RESTORE:
        applied(moving, ended(MOVED, MOVED))
    decision = moving.finishes(moving.last(kind), GaveUp("tried 8 times: Cloud Run is away"))
    assert kinds(decision) == [ActionKind.PAGE]
    assert moving.stack.drill is None
    assert [(row.passed, row.text) for row in moving.drills] == [
        (False, "tried 8 times: Cloud Run is away")
    ]


def test_next_to_an_open_incident_of_the_lane_a_drill_wakes_triage(moving: Story) -> None:
    """The lane's own incident keeps its alerts, and ends when they do; the other one does not."""
    moving.reports(alert())
    known = moving.incident
    applied(moving, ended(MOVED, FOREIGN, healthy=None))
    assert moving.stack.by_lane("infra") is not None
    assert moving.stack.by_lane("infra") != known, "its plan, which waited, was not asked for"
    woken = moving.stack.by_lane("triage")
    assert woken is not None
    assert (woken.pages[0].person, woken.settles) == ("ana", False)


def test_where_both_lanes_have_an_open_incident_a_drill_pages_on_one(moving: Story) -> None:
    """No incident is lost from the head, and the page says what the drill left behind."""
    moving.reports(alert())
    moving.reports(alert("Odd", lane="odd"))
    before = {incident.id: incident.trigger for incident in moving.stack.incidents}
    applied(moving, ended(MOVED, FOREIGN, healthy=None))
    assert {incident.id: incident.trigger for incident in moving.stack.incidents} == before
    infra = moving.stack.by_lane("infra")
    assert infra is not None
    page = infra.pages[-1]
    assert (page.step, page.person) == (PageStep.ROLLBACK_HELD, "ben")
    assert page.details[0] == "A rollback drill may have left traffic changed"
    assert any(FRONTEND in detail for detail in page.details)


def test_a_resolved_incident_of_the_lane_makes_room(moving: Story) -> None:
    """A new incident is opened next to no other of its lane."""
    moving.reports(alert())
    moving.reports(alert(status=AlertStatus.RESOLVED))
    moving.rings(TimerKind.SETTLE)
    moving.rings(TimerKind.CONFIRM)
    over = moving.incident
    applied(moving, ended(MOVED, FOREIGN, healthy=None))
    assert moving.incident.id != over.id
    assert moving.state() is State.OPEN


def test_an_incident_that_opens_before_traffic_moved_stops_the_drill(story: Story) -> None:
    """Nothing is moved, and the incident's own plan is made instead."""
    story.take(APPLY)
    story.reports(alert())
    assert story.rollback().waiting
    drilled = next(action for action in story.actions if action.kind is ActionKind.PLAN)
    decision = story.finishes(drilled, plan())
    assert kinds(decision) == [ActionKind.PLAN]
    assert decision.actions[0].incident == story.incident.id
    row = drill_row(decision.rows)
    assert (row.passed, story.rollback().waiting) == (False, False)
    assert f"stopped before traffic was moved: incident {story.incident.id}" in row.text


def test_a_rollback_waits_until_the_drill_has_put_traffic_back(moving: Story) -> None:
    """A plan made in the middle of a drill would take the drill's traffic for the shop's own."""
    decision = moving.reports(alert())
    assert (kinds(decision), moving.rollback().waiting) == ([ActionKind.PAGE], True)
    decision = applied(moving, ended(MOVED, MOVED))
    assert (kinds(decision), moving.rollback().waiting) == ([ActionKind.RESTORE], True)
    decision = restored(moving, ended(MOVED, MOVED))
    assert (kinds(decision), moving.rollback().waiting) == ([ActionKind.PLAN], False)
    moving.finishes(moving.last(ActionKind.PLAN), plan())
    assert moving.phase() is Phase.PROPOSED


def test_a_rollback_no_longer_wanted_does_not_wait(moving: Story) -> None:
    """Its incident was resolved during the drill: no plan is made for it."""
    moving.reports(alert())
    moving.reports(alert(status=AlertStatus.RESOLVED))
    moving.rings(TimerKind.SETTLE)
    moving.rings(TimerKind.CONFIRM)
    assert (moving.phase(), moving.rollback().waiting) == (Phase.WITHDRAWN, False)
    applied(moving, ended(MOVED, MOVED))
    assert restored(moving, ended(MOVED, MOVED)).actions == ()


def test_a_plan_from_before_the_drill_is_not_proposed_during_it(story: Story) -> None:
    """It took very long, its incident came back, and meanwhile a drill moves the traffic."""
    story.reports(alert())
    late = story.last(ActionKind.PLAN)
    story.reports(alert(status=AlertStatus.RESOLVED))
    story.rings(TimerKind.SETTLE)
    story.rings(TimerKind.CONFIRM)
    story.take(APPLY)
    story.finishes(story.last(ActionKind.PLAN), plan())
    story.reports(alert(starts_at=story.now))
    decision = story.finishes(late, plan())
    assert (decision.reason, story.phase()) == (Reason.STALE, Phase.PLANNING)
    assert story.rollback().waiting


@pytest.mark.parametrize("kind", [ActionKind.PLAN, ActionKind.APPLY, ActionKind.RESTORE])
def test_the_same_step_twice_changes_nothing_more(moving: Story, kind: ActionKind) -> None:
    """Each step of a drill is taken once, whatever an earlier worker still reports."""
    results: dict[ActionKind, Outcome] = {
        ActionKind.PLAN: plan(),
        ActionKind.APPLY: ended(MOVED, MOVED),
        ActionKind.RESTORE: ended(MOVED, MOVED),
    }
    if kind is not ActionKind.PLAN:
        applied(moving, results[ActionKind.APPLY])
    if kind is ActionKind.RESTORE:
        restored(moving, results[ActionKind.RESTORE])
    before = moving.stack
    decision = moving.finishes(moving.last(kind), results[kind], attempt=2)
    assert (decision.reason, decision.stack) == (Reason.STALE, before)
    assert (decision.actions, decision.rows) == ((), ())
