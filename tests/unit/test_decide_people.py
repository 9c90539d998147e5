"""What people may do with a page's buttons, and what they are told when they may not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.action import ActionKind, TellOrder, TrafficOrder
from shared.domain.alert import AlertStatus
from shared.domain.decision import AuditRow, Decision, Reason
from shared.domain.event import Instructed, Instruction, TimerKind
from shared.domain.incident import TimelineKind
from shared.domain.incident_state import State
from shared.domain.paging import Choice
from shared.domain.rollback import MoveResult, Verdict
from shared.domain.rollback_phase import Phase
from shared.domain.stack import Stack
from tests.builders import ANA, BEN, EVE, MINUTE, SECOND, WES, alert, outcome, plan
from tests.story import Story, kinds, proposed, said, told

STRANGER = "U0STRANGER"
BUTTONS = (Choice.ACKNOWLEDGE, Choice.APPROVE, Choice.REJECT)


@pytest.fixture
def story() -> Story:
    """A rollback is proposed, and the page with its buttons stands."""
    story = Story()
    proposed(story, alert())
    return story


def assert_refused(decision: Decision, before: Stack, why: str) -> None:
    """The person was told why, the timeline says so too, and nothing else happened."""
    assert decision.reason is Reason.REFUSED
    assert decision.stack == before
    assert kinds(decision) == [ActionKind.TELL]
    assert decision.timers == ()
    assert why in told(decision)
    assert why in said(decision)[TimelineKind.REFUSED]


def test_an_acknowledgement_is_noted_with_its_person_and_time(story: Story) -> None:
    """Whoever presses first has the incident; the page shows it and loses the button."""
    at = story.later(SECOND)
    decision = story.presses(BEN, Choice.ACKNOWLEDGE)
    assert decision.reason is Reason.CARRIED_OUT
    assert story.state() is State.ACKNOWLEDGED
    assert (story.incident.acknowledged_by, story.incident.acknowledged_at) == ("ben", at)
    assert story.incident.pages[0].acknowledged_at == at
    assert kinds(decision) == [ActionKind.REFRESH]
    assert said(decision) == {TimelineKind.ACKNOWLEDGED: "Ben acknowledged"}


def test_the_second_to_acknowledge_is_told_who_was_first(story: Story) -> None:
    """An incident has one person who took it."""
    story.presses(BEN, Choice.ACKNOWLEDGE)
    before = story.stack
    decision = story.presses(EVE, Choice.ACKNOWLEDGE)
    assert_refused(decision, before, "it is already acknowledged by Ben")


def test_the_refusal_goes_to_the_person_who_pressed_and_to_nobody_else(story: Story) -> None:
    """A refusal is private: in the channel of the page, seen by one person."""
    story.presses(BEN, Choice.ACKNOWLEDGE)
    (tell,) = story.presses(EVE, Choice.ACKNOWLEDGE).actions
    assert isinstance(tell.order, TellOrder)
    assert (tell.order.channel, tell.order.slack_user) == ("C-infra", EVE)


def test_anybody_the_policy_knows_may_acknowledge(story: Story) -> None:
    """Taking an incident asks for no permission, unlike moving its traffic."""
    assert story.presses(WES, Choice.ACKNOWLEDGE).reason is Reason.CARRIED_OUT


@pytest.mark.parametrize("choice", BUTTONS)
def test_a_stranger_may_do_nothing(story: Story, choice: Choice) -> None:
    """A Slack account that the policy does not know is refused by name of its id."""
    before = story.stack
    decision = story.presses(STRANGER, choice, plan().hash)
    assert_refused(decision, before, "the policy knows no person with this Slack account")
    assert STRANGER in said(decision)[TimelineKind.REFUSED]


def test_an_acknowledgement_after_the_resolution_is_refused(story: Story) -> None:
    """A late press on an old message reopens nothing."""
    story.reports(alert(status=AlertStatus.RESOLVED))
    story.rings(TimerKind.SETTLE)
    story.rings(TimerKind.CONFIRM)
    before = story.stack
    assert_refused(story.presses(BEN, Choice.ACKNOWLEDGE), before, "already resolved")


def test_a_press_on_a_forgotten_incident_is_answered() -> None:
    """Long after the incident left the head, the person learns that it is closed."""
    story = Story()
    press = Instruction(
        id="press",
        choice=Choice.ACKNOWLEDGE,
        incident="shop-longgone00",
        plan="",
        person=BEN,
        channel="C-infra",
        at=story.now,
    )
    decision = story.take(Instructed(instruction=press, stack="shop"))
    assert decision.reason is Reason.STALE
    assert told(decision) == "That incident is closed."
    assert [type(row) for row in decision.rows] == [AuditRow]


@pytest.mark.parametrize("who", [BEN, EVE])
def test_an_approval_by_someone_allowed_moves_traffic_once(story: Story, who: str) -> None:
    """One `apply` action carries the approved plan, and may not start after the plan's end."""
    decision = story.presses(who, Choice.APPROVE, plan().hash)
    assert decision.reason is Reason.CARRIED_OUT
    assert kinds(decision) == [ActionKind.APPLY, ActionKind.REFRESH]
    apply = story.last(ActionKind.APPLY)
    assert apply.order == TrafficOrder(plan=plan())
    assert apply.not_after == plan().expires_at
    assert (story.state(), story.phase()) == (State.MITIGATING, Phase.APPLYING)


def test_whoever_approves_has_acknowledged(story: Story) -> None:
    """An approval without an acknowledgement before it counts as one."""
    story.presses(EVE, Choice.APPROVE, plan().hash)
    assert story.rollback().approved_by == "eve"
    assert story.incident.acknowledged_by == "eve"


def test_an_approval_leaves_the_earlier_acknowledgement_alone(story: Story) -> None:
    """The first to acknowledge stays the one who did."""
    story.presses(BEN, Choice.ACKNOWLEDGE)
    story.presses(EVE, Choice.APPROVE, plan().hash)
    assert (story.incident.acknowledged_by, story.rollback().approved_by) == ("ben", "eve")


@pytest.mark.parametrize("choice", [Choice.APPROVE, Choice.REJECT])
@pytest.mark.parametrize("who", [ANA, WES])
def test_only_the_approving_teams_decide_on_a_rollback(
    story: Story, who: str, choice: Choice
) -> None:
    """Being on call for another team is not enough."""
    before = story.stack
    assert_refused(story.presses(who, choice, plan().hash), before, "only Infra may decide")


@pytest.mark.parametrize("choice", [Choice.APPROVE, Choice.REJECT])
@pytest.mark.parametrize("seen", ["", "another-plan"])
def test_a_decision_is_bound_to_the_plan_that_was_shown(
    story: Story, choice: Choice, seen: str
) -> None:
    """A button of an older message decides nothing about a newer plan."""
    before = story.stack
    assert_refused(story.presses(BEN, choice, seen), before, "the plan has changed")


@pytest.mark.parametrize("late", [timedelta(), SECOND])
def test_a_plan_past_its_end_is_not_approved(story: Story, late: timedelta) -> None:
    """From the instant at which it expires, also before the timer has said so."""
    story.now = plan().expires_at + late
    before = story.stack
    decision = story.presses(BEN, Choice.APPROVE, plan().hash)
    assert_refused(decision, before, "the rollback plan has expired")


def test_a_plan_is_approved_until_its_last_instant(story: Story) -> None:
    """Just before its end a plan is as good as new."""
    story.now = plan().expires_at - timedelta(microseconds=1)
    assert story.presses(BEN, Choice.APPROVE, plan().hash).reason is Reason.CARRIED_OUT


def test_there_is_nothing_to_approve_while_the_plan_is_being_made() -> None:
    """A decision needs a proposal."""
    story = Story()
    story.reports(alert())
    before = story.stack
    decision = story.presses(BEN, Choice.APPROVE, plan().hash)
    assert_refused(decision, before, "there is no rollback to decide on")


def test_the_second_approval_is_refused(story: Story) -> None:
    """However many people approve, traffic is moved once."""
    story.presses(BEN, Choice.APPROVE, plan().hash)
    before = story.stack
    decision = story.presses(EVE, Choice.APPROVE, plan().hash)
    assert_refused(decision, before, "already approved")


def test_an_approved_rollback_is_no_longer_rejected(story: Story) -> None:
    """What is under way is not undone by a press."""
    story.presses(BEN, Choice.APPROVE, plan().hash)
    before = story.stack
    assert_refused(story.presses(EVE, Choice.REJECT, plan().hash), before, "already approved")


def test_a_rejected_rollback_is_over(story: Story) -> None:
    """A rejection is noted and shown; the incident stays with whoever has it."""
    decision = story.presses(BEN, Choice.REJECT, plan().hash)
    assert (decision.reason, story.phase()) == (Reason.CARRIED_OUT, Phase.REJECTED)
    assert story.state() is State.OPEN
    assert kinds(decision) == [ActionKind.REFRESH]
    assert said(decision) == {TimelineKind.REJECTED: "Ben rejected the rollback"}


@pytest.mark.parametrize("choice", [Choice.APPROVE, Choice.REJECT])
def test_after_a_rejection_nothing_is_decided_any_more(story: Story, choice: Choice) -> None:
    """A rejection stands: neither an approval nor another rejection follows it."""
    story.presses(BEN, Choice.REJECT, plan().hash)
    before = story.stack
    assert_refused(story.presses(EVE, choice, plan().hash), before, "the rollback was rejected")


def test_an_approval_long_after_the_rollback_is_told_that_it_is_over(story: Story) -> None:
    """Pressed after the plan's end, an old button still gets the true reason."""
    story.presses(BEN, Choice.APPROVE, plan().hash)
    moved = outcome(MoveResult.MOVED, MoveResult.MOVED, healthy_after=5 * SECOND)
    story.finishes(story.last(ActionKind.APPLY), moved)
    story.later(40 * MINUTE)
    before = story.stack
    decision = story.presses(EVE, Choice.APPROVE, plan().hash)
    assert_refused(decision, before, "the rollback is over")


def test_while_an_incident_is_being_resolved_nothing_is_rolled_back(story: Story) -> None:
    """Nothing fires any more, so an approval comes too late."""
    story.reports(alert(status=AlertStatus.RESOLVED))
    story.rings(TimerKind.SETTLE)
    before = story.stack
    decision = story.presses(BEN, Choice.APPROVE, plan().hash)
    assert_refused(decision, before, "nothing is firing any more")


def test_an_incident_whose_rollback_failed_can_be_acknowledged_again(story: Story) -> None:
    """A failed remedy gives the incident back to nobody; the next one takes it."""
    story.presses(BEN, Choice.APPROVE, plan().hash)
    story.finishes(story.last(ActionKind.APPLY), outcome(MoveResult.REFUSED, MoveResult.REFUSED))
    assert (story.state(), story.incident.acknowledged_by) == (State.OPEN, "")
    assert story.rollback().verdict is Verdict.NOT_RECOVERED
    assert story.presses(EVE, Choice.ACKNOWLEDGE).reason is Reason.CARRIED_OUT
    assert story.incident.acknowledged_by == "eve"
