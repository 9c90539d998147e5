"""The scheduled rollback drill: a plan as it would be carried out, and nothing moved."""

from __future__ import annotations

import pytest

from shared.domain.action import ActionKind, GaveUp, Outcome
from shared.domain.decision import DrillRow, Reason, Row
from shared.domain.event import DrillDue
from shared.domain.rollback import NoPlan
from tests.builders import BACKEND, FRONTEND, alert, plan
from tests.story import Story, kinds

DRILL = DrillDue(id="drill-1", stack="shop", drill="rollback", asked_by="the schedule")


@pytest.fixture
def story() -> Story:
    """Nothing is on fire."""
    return Story()


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
