"""What people ask for outside an incident: a rollback, its plan, a drill, an incident, its end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.domain.action import ActionKind, GaveUp, Outcome, PlanOrder, ShowOrder, TrafficOrder
from shared.domain.alert import AlertStatus
from shared.domain.decision import AuditRow, Decision, DrillRow, IncidentRow, Reason
from shared.domain.event import DrillDue, TimerKind
from shared.domain.incident import TimelineKind
from shared.domain.incident_state import State
from shared.domain.paging import Choice, PageStep, Sheet
from shared.domain.policy import Policy, RollbackPolicy
from shared.domain.rollback import MoveResult, NoPlan, RollbackMode, Verdict
from shared.domain.rollback_phase import Phase
from shared.domain.severity import Severity
from shared.domain.stack import Stack
from tests.builders import ANA, BEN, EVE, MINUTE, SECOND, WES, alert, outcome, plan, policy
from tests.story import Story, kinds, proposed, said, told

STRANGER = "U0STRANGER"
WHY = "checkout is slow since the last release"
MOVED = MoveResult.MOVED
DRILL = DrillDue(id="drill-1", stack="shop", drill="rollback", asked_by="the schedule")


@pytest.fixture
def story() -> Story:
    """Nothing has happened yet."""
    return Story()


def approvers(rules: Policy, *teams: str) -> Policy:
    """The same policy, with these teams to approve the shop's rollbacks."""
    shop = replace(rules.stacks["shop"], rollback=RollbackPolicy(approvers=teams))
    return replace(rules, stacks={"shop": shop})


def assert_refused(decision: Decision, before: Stack, why: str) -> None:
    """The person was told why in private, and nothing else came of it."""
    assert decision.reason is Reason.REFUSED
    assert decision.stack == before
    assert kinds(decision) == [ActionKind.TELL]
    assert decision.timers == ()
    assert why in told(decision)


def asked(story: Story, who: str = BEN) -> str:
    """Plays until the rollback that somebody asked for is proposed, and gives the plan's hash."""
    story.asks(who, Choice.ROLLBACK, WHY)
    story.delivers(story.last(ActionKind.PAGE))
    made = plan(story.now)
    story.finishes(story.last(ActionKind.PLAN), made)
    return made.hash


def test_a_rollback_nobody_was_paged_for_opens_an_incident(story: Story) -> None:
    """Who asked and why is kept, a plan is made, and no alert's end will end the incident."""
    decision = story.asks(BEN, Choice.ROLLBACK, WHY)
    assert decision.reason is Reason.CARRIED_OUT
    assert kinds(decision) == [ActionKind.PLAN, ActionKind.PAGE]
    assert (story.incident.lane, story.incident.severity) == ("infra", Severity.SEV3)
    assert (story.incident.settles, story.incident.summary) == (False, WHY)
    wish = story.rollback()
    assert (wish.mode, wish.phase) == (RollbackMode.MANUAL, Phase.PLANNING)
    assert (wish.requested_by, wish.reason, wish.trigger) == ("ben", WHY, "")
    assert said(decision)[TimelineKind.OPENED] == f"Ben asks for a rollback: {WHY}"


@pytest.mark.parametrize(("who", "woken"), [(BEN, "eve"), (EVE, "ben"), (ANA, "ben")])
def test_somebody_else_who_may_approve_is_paged(story: Story, who: str, woken: str) -> None:
    """Whoever is on call, unless that is the person who asks: then another approver."""
    story.asks(who, Choice.ROLLBACK, WHY)
    (page,) = story.incident.pages
    assert (page.step, page.person, page.channel) == (PageStep.ASKED, woken, "#infra")


def test_an_approver_of_another_team_is_paged_in_that_teams_channel() -> None:
    """The page goes where the person who may approve is reached."""
    story = Story(approvers(policy(), "web"))
    story.asks(BEN, Choice.ROLLBACK, WHY)
    (page,) = story.incident.pages
    assert (page.person, page.team, page.channel) == ("wes", "web", "#web")


def test_with_no_other_approver_it_is_refused_at_once() -> None:
    """Where nobody could approve it, asking would only look like help on its way."""
    story = Story(approvers(policy(), "web"))
    before = story.stack
    decision = story.asks(WES, Choice.ROLLBACK, WHY)
    assert_refused(decision, before, "nobody else may approve")


def test_whoever_asks_does_not_approve(story: Story) -> None:
    """Two people stand behind a rollback that no alert proposed."""
    plan_hash = asked(story, BEN)
    before = story.stack
    decision = story.presses(BEN, Choice.APPROVE, plan_hash)
    assert_refused(decision, before, "somebody else has to")
    assert "somebody else has to" in said(decision)[TimelineKind.REFUSED]


def test_whoever_asks_may_take_it_back(story: Story) -> None:
    """A rejection needs no second person."""
    plan_hash = asked(story, BEN)
    story.presses(BEN, Choice.REJECT, plan_hash)
    assert story.phase() is Phase.REJECTED


def test_another_persons_approval_moves_traffic(story: Story) -> None:
    """From there on it is a rollback like any other."""
    plan_hash = asked(story, BEN)
    decision = story.presses(EVE, Choice.APPROVE, plan_hash)
    assert kinds(decision) == [ActionKind.APPLY, ActionKind.REFRESH]
    assert story.last(ActionKind.APPLY).order == TrafficOrder(plan=plan())
    assert (story.state(), story.rollback().approved_by) == (State.MITIGATING, "eve")


def test_without_an_alert_health_alone_makes_the_verdict(story: Story) -> None:
    """No alert set it off, so there is none whose end has to be waited for."""
    story.presses(EVE, Choice.APPROVE, asked(story, BEN))
    healthy = outcome(MOVED, MOVED, healthy_after=5 * SECOND)
    story.finishes(story.last(ActionKind.APPLY), healthy)
    assert (story.state(), story.rollback().verdict) == (State.MITIGATED, Verdict.RECOVERED)


def test_what_was_tried_before_in_the_incident_is_remembered(story: Story) -> None:
    """Its target is never one again, the report has it, and nothing goes by itself after it."""
    story.presses(BEN, Choice.APPROVE, proposed(story, alert()))
    story.finishes(story.last(ActionKind.APPLY), outcome(MOVED, MOVED))
    first = story.rollback()
    story.asks(EVE, Choice.ROLLBACK, WHY)
    order = story.last(ActionKind.PLAN).order
    assert isinstance(order, PlanOrder)
    assert order.did_not_help == ("shop-backend-good", "shop-frontend-good")
    assert story.incident.earlier == (first,)


@pytest.mark.parametrize("acknowledged", [False, True])
def test_a_rollback_joins_the_open_incident_of_its_lane(story: Story, acknowledged: bool) -> None:
    """One incident a lane: it keeps its alert, and the approver gets a page of their own."""
    story.reports(alert())
    story.delivers(story.last(ActionKind.PAGE))
    story.finishes(story.last(ActionKind.PLAN), NoPlan(reason="nothing older"))
    if acknowledged:
        story.presses(BEN, Choice.ACKNOWLEDGE)
    known = story.incident
    decision = story.asks(EVE, Choice.ROLLBACK, WHY)
    assert (decision.reason, story.incident.id) == (Reason.CARRIED_OUT, known.id)
    assert (story.rollback().mode, story.rollback().trigger) == (RollbackMode.MANUAL, known.trigger)
    assert story.state() is known.state
    assert [page.step for page in story.incident.pages] == [PageStep.OPENED, PageStep.ASKED]
    assert said(decision)[TimelineKind.ASKED] == f"Eve asks for a rollback: {WHY}"


def test_a_second_wish_pages_again(story: Story) -> None:
    """A page about another wish is never taken for the one that was sent before."""
    for _ in range(2):
        story.presses(EVE, Choice.REJECT, asked(story, BEN))
    first, second = story.incident.pages
    assert (first.step, first.person) == (second.step, second.person)
    assert first.key != second.key


@pytest.mark.parametrize("reached", [Phase.PLANNING, Phase.PROPOSED, Phase.APPLYING])
def test_a_second_rollback_is_refused_while_one_is_under_way(story: Story, reached: Phase) -> None:
    """A stack has one rollback at a time, and the person learns whose it is."""
    story.reports(alert())
    if reached is not Phase.PLANNING:
        story.finishes(story.last(ActionKind.PLAN), plan())
    if reached is Phase.APPLYING:
        story.presses(BEN, Choice.APPROVE, plan().hash)
    assert story.phase() is reached
    before = story.stack
    why = f"incident {story.incident.id} has a rollback under way"
    assert_refused(story.asks(EVE, Choice.ROLLBACK, WHY), before, why)


def test_another_lanes_rollback_counts_as_well(story: Story) -> None:
    """Lanes share their stack's traffic."""
    story.reports(alert(lane="data"))
    before = story.stack
    assert_refused(story.asks(EVE, Choice.ROLLBACK, WHY), before, "has a rollback under way")


def test_a_rollback_is_refused_while_a_drill_is_under_way(story: Story) -> None:
    """A drill moves the same traffic."""
    story.take(DRILL)
    before = story.stack
    assert_refused(story.asks(BEN, Choice.ROLLBACK, WHY), before, "drill drill-drill-1 is under")


@pytest.mark.parametrize("state", [State.MITIGATED, State.RESOLVING])
def test_a_rollback_is_refused_once_its_lanes_incident_is_nearly_over(
    story: Story, state: State
) -> None:
    """Traffic that was just brought in order is not moved on."""
    story.presses(BEN, Choice.APPROVE, proposed(story, alert()))
    healthy = outcome(MOVED, MOVED, healthy_after=5 * SECOND)
    story.finishes(story.last(ActionKind.APPLY), healthy)
    if state is State.RESOLVING:
        story.reports(alert(status=AlertStatus.RESOLVED))
        story.rings(TimerKind.SETTLE)
    before = story.stack
    why = f"incident {story.incident.id} is {state}"
    assert_refused(story.asks(EVE, Choice.ROLLBACK, WHY), before, why)


def test_a_rollback_after_the_resolution_is_an_incident_of_its_own(story: Story) -> None:
    """The resolved one goes to the books and makes room."""
    story.reports(alert())
    story.reports(alert(status=AlertStatus.RESOLVED))
    story.rings(TimerKind.SETTLE)
    story.rings(TimerKind.CONFIRM)
    over = story.incident
    decision = story.asks(BEN, Choice.ROLLBACK, WHY)
    assert story.incident.id != over.id
    assert IncidentRow(incident=over) in decision.rows


@pytest.mark.parametrize(
    ("choice", "text"),
    [(Choice.ROLLBACK, WHY), (Choice.DRILL, "rollback")],
)
def test_a_stack_the_policy_does_not_know_is_refused(
    story: Story, choice: Choice, text: str
) -> None:
    """The person learns which stack it was."""
    story.stack = Stack(id="shop2")
    before = story.stack
    assert_refused(story.asks(BEN, choice, text), before, "'shop2'")


def test_a_policy_without_rollbacks_says_so() -> None:
    """Where no lane's remedy is a rollback, none can be asked for."""
    rules = policy()
    story = Story(replace(rules, lanes={name: rules.lanes[name] for name in ("auth", "triage")}))
    before = story.stack
    assert_refused(story.asks(BEN, Choice.ROLLBACK, WHY), before, "no lane of the policy")


@pytest.mark.parametrize(
    "choice", [Choice.PREVIEW, Choice.ROLLBACK, Choice.DRILL, Choice.DECLARE, Choice.RESOLVE]
)
def test_a_stranger_may_ask_for_nothing(story: Story, choice: Choice) -> None:
    """A Slack account the policy does not know is told so, whatever it asks for."""
    story.asks(BEN, Choice.DECLARE, "search is empty", lane="auth")
    before = story.stack
    if choice is Choice.RESOLVE:
        decision = story.presses(STRANGER, choice)
    else:
        decision = story.asks(STRANGER, choice, "rollback", lane="triage", view="view-1")
    assert_refused(decision, before, "the policy knows no person with this Slack account")


def test_a_preview_asks_for_a_plan_and_changes_nothing(story: Story) -> None:
    """Looking is free: no incident, no line, no page, whoever looks."""
    before = story.stack
    decision = story.asks(WES, Choice.PREVIEW, view="view-1")
    assert (decision.reason, decision.stack) == (Reason.CARRIED_OUT, before)
    assert [type(row) for row in decision.rows] == [AuditRow]
    (action,) = decision.actions
    assert (action.kind, action.order) == (
        ActionKind.PLAN,
        PlanOrder(view="view-1", asked_by="Wes"),
    )


def sheet(story: Story, ended: Outcome) -> Sheet:
    """What the modal shows once its plan came to this end, which changes nothing else."""
    story.asks(BEN, Choice.PREVIEW, view="view-1")
    before = story.stack
    decision = story.finishes(story.last(ActionKind.PLAN), ended)
    assert (decision.stack, decision.rows, decision.timers) == (before, (), ())
    (action,) = decision.actions
    assert action.kind is ActionKind.SHOW
    assert isinstance(action.order, ShowOrder)
    assert action.order.view == "view-1"
    return action.order.sheet


def test_the_modal_shows_every_move_and_who_has_to_approve(story: Story) -> None:
    """From which revision to which, and why to that one."""
    shown = sheet(story, plan())
    why = "the newest Ready revision before the one that serves now"
    assert shown.moves == (
        f"shop-backend from bad to good: {why}",
        f"shop-frontend from bad to good: {why}",
    )
    assert (shown.stack, shown.approvers) == ("The shop", "Infra")


@pytest.mark.parametrize("ended", [NoPlan(reason="nothing older"), GaveUp("nothing older")])
def test_the_modal_says_why_there_is_no_plan(story: Story, ended: Outcome) -> None:
    """A modal is never left at its placeholder."""
    shown = sheet(story, ended)
    assert (shown.moves, shown.note) == ((), "nothing older")


def test_a_preview_in_an_incident_leaves_the_incidents_own_plan_alone(story: Story) -> None:
    """What one person looks at is no proposal."""
    story.reports(alert())
    sheet(story, plan())
    assert story.phase() is Phase.PLANNING


def test_a_drill_asked_for_is_started(story: Story) -> None:
    """Anybody may have the plan made: a drill without `--apply` moves nothing."""
    decision = story.asks(WES, Choice.DRILL, "rollback")
    assert (decision.reason, kinds(decision)) == (Reason.DRILL_PLANNED, [ActionKind.PLAN])
    run = story.stack.drill
    assert run is not None
    assert (run.drill, run.apply, run.asked_by) == ("rollback", False, "Wes")


@pytest.mark.parametrize("text", ["rollback --apply", "--apply rollback"])
def test_an_approver_may_have_a_drill_move_traffic(story: Story, text: str) -> None:
    """The option may stand before the name or after it."""
    assert story.asks(EVE, Choice.DRILL, text).reason is Reason.DRILL_PLANNED
    run = story.stack.drill
    assert run is not None
    assert (run.drill, run.apply) == ("rollback", True)


def test_nobody_else_may_have_a_drill_move_traffic(story: Story) -> None:
    """Moving traffic asks for the same right in a drill as in an incident."""
    before = story.stack
    decision = story.asks(ANA, Choice.DRILL, "rollback --apply")
    assert_refused(decision, before, "only Infra may have a drill move traffic")
    assert story.drills == []


@pytest.mark.parametrize(
    ("text", "why"), [("juggling", "no drill called 'juggling'"), ("", "no drill called ''")]
)
def test_a_drill_there_is_not_is_refused_by_name(story: Story, text: str, why: str) -> None:
    """The person is told which there are."""
    before = story.stack
    decision = story.asks(BEN, Choice.DRILL, text)
    assert_refused(decision, before, why)
    assert "there is: rollback" in told(decision)


def test_a_drill_refused_during_an_incident_is_told_and_recorded(story: Story) -> None:
    """The person hears at once why not, and so does whoever reads the drills later."""
    story.asks(BEN, Choice.DECLARE, "search is empty", lane="auth")
    before = story.stack
    decision = story.asks(BEN, Choice.DRILL, "rollback")
    assert_refused(decision, before, f"incident {story.incident.id} is open")
    (row,) = [row for row in decision.rows if isinstance(row, DrillRow)]
    assert (row.passed, row.asked_by) == (False, "Ben")
    assert story.incident.id in row.text


def test_a_drill_refused_during_a_drill_is_told(story: Story) -> None:
    """One drill at a time."""
    story.take(DRILL)
    before = story.stack
    assert_refused(story.asks(BEN, Choice.DRILL, "rollback"), before, "is under way")


@pytest.mark.parametrize("severity", [None, Severity.SEV1])
def test_a_declared_incident_opens_in_the_lane_named(
    story: Story, severity: Severity | None
) -> None:
    """Its owner is paged as for an alert; a person has to end it."""
    decision = story.asks(BEN, Choice.DECLARE, "nobody can sign in", lane="auth", severity=severity)
    assert (decision.reason, kinds(decision)) == (Reason.OPENED, [ActionKind.PAGE])
    assert (story.incident.lane, story.incident.title) == ("auth", "nobody can sign in")
    assert story.incident.severity is (severity or Severity.SEV3)
    assert story.incident.reasons == ("Ben declared it",)
    assert (story.incident.pages[0].person, story.incident.settles) == ("wes", False)
    assert [timer.kind for timer in decision.timers] == [TimerKind.REMIND]


def test_declared_in_a_lane_that_rolls_back_a_plan_is_made(story: Story) -> None:
    """The remedy belongs to the lane, whoever opened the incident."""
    decision = story.asks(BEN, Choice.DECLARE, "errors everywhere", lane="infra")
    assert kinds(decision) == [ActionKind.PLAN, ActionKind.PAGE]
    assert (story.rollback().mode, story.rollback().trigger) == (RollbackMode.PROPOSED, "")
    assert story.rollback().requested_by == "ben", "so that Ben alone cannot approve it"


def test_an_unknown_lane_is_refused_with_those_there_are(story: Story) -> None:
    """Nothing is opened in a lane that nobody owns."""
    before = story.stack
    decision = story.asks(BEN, Choice.DECLARE, "it burns", lane="kitchen")
    assert_refused(decision, before, "there is no lane 'kitchen'")
    assert "infra, data, auth, triage" in told(decision)


def test_a_lane_with_an_open_incident_is_not_opened_twice(story: Story) -> None:
    """The person is told which incident it is, and what that is about."""
    story.reports(alert(lane="auth"))
    before = story.stack
    decision = story.asks(BEN, Choice.DECLARE, "nobody can sign in", lane="auth")
    assert_refused(decision, before, f"incident {story.incident.id} is open in that lane")
    assert "ErrorsHigh" in told(decision)


def test_a_resolved_incident_makes_room_for_a_declared_one(story: Story) -> None:
    """It is kept in the books."""
    story.asks(BEN, Choice.DECLARE, "first", lane="auth")
    story.presses(BEN, Choice.RESOLVE)
    story.rings(TimerKind.CONFIRM)
    over = story.incident
    story.later(MINUTE)
    decision = story.asks(BEN, Choice.DECLARE, "second", lane="auth")
    assert story.incident.title == "second"
    assert IncidentRow(incident=over) in decision.rows


def test_an_ended_incident_is_resolved_after_a_count(story: Story) -> None:
    """A person says that it is over; what fires is counted again before it is closed."""
    story.asks(BEN, Choice.DECLARE, "search is empty", lane="auth")
    decision = story.presses(WES, Choice.RESOLVE)
    assert (decision.reason, story.state()) == (Reason.CARRIED_OUT, State.RESOLVING)
    (timer,) = decision.timers
    assert (timer.kind, timer.due) == (TimerKind.CONFIRM, story.now)
    assert said(decision) == {TimelineKind.ENDING: "Wes says that it is over"}
    assert story.rings(TimerKind.CONFIRM).reason is Reason.RESOLVED
    assert (story.state(), story.incident.resolved_at) == (State.RESOLVED, story.now)


def test_an_alert_between_the_word_and_the_count_keeps_it_open(story: Story) -> None:
    """The count decides, not the person."""
    story.asks(BEN, Choice.DECLARE, "nobody can sign in", lane="auth")
    story.presses(WES, Choice.RESOLVE)
    story.reports(alert(lane="auth"))
    story.rings(TimerKind.CONFIRM)
    assert story.state() is State.OPEN


def test_an_incident_is_not_ended_while_its_alerts_fire(story: Story) -> None:
    """The person is told how many there are, and which."""
    story.reports(alert(lane="auth"))
    story.reports(alert("Slow", lane="auth"))
    decision = story.presses(WES, Choice.RESOLVE)
    assert (decision.reason, story.state()) == (Reason.REFUSED, State.OPEN)
    assert "2 of its alerts still fire (ErrorsHigh, Slow)" in told(decision)
    assert "2 of its alerts" in said(decision)[TimelineKind.REFUSED]
    assert story.firing(story.incident.id) == 2


def test_an_incident_is_not_ended_while_its_traffic_moves(story: Story) -> None:
    """First the rollback comes to its end."""
    story.presses(EVE, Choice.APPROVE, asked(story, BEN))
    before = story.stack
    assert_refused(story.presses(BEN, Choice.RESOLVE), before, "a rollback is running")


def test_ending_an_incident_withdraws_what_was_proposed(story: Story) -> None:
    """A rollback asked for and no longer wanted is not left to be approved."""
    plan_hash = asked(story, BEN)
    story.presses(BEN, Choice.RESOLVE)
    story.rings(TimerKind.CONFIRM)
    assert story.phase() is Phase.WITHDRAWN
    before = story.stack
    decision = story.presses(EVE, Choice.APPROVE, plan_hash)
    assert_refused(decision, before, "nothing is firing any more")


def test_an_incident_is_ended_once(story: Story) -> None:
    """A second press is told that it is being looked at, a third that it is over."""
    story.asks(BEN, Choice.DECLARE, "search is empty", lane="auth")
    story.presses(WES, Choice.RESOLVE)
    before = story.stack
    assert_refused(story.presses(BEN, Choice.RESOLVE), before, "already being checked")
    story.rings(TimerKind.CONFIRM)
    before = story.stack
    assert_refused(story.presses(BEN, Choice.RESOLVE), before, "already resolved")
