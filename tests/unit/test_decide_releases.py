"""A release: who may ask for it when, what gives way to what, and what comes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.domain.action import ActionKind, GaveUp, NoticeOrder, PlanOrder, TellOrder, TrafficOrder
from shared.domain.alert import AlertStatus
from shared.domain.decide.releases import AGAIN, APPLY
from shared.domain.decision import IncidentRow, Reason
from shared.domain.event import DrillDue, TimerKind
from shared.domain.incident import TimelineKind
from shared.domain.incident_state import State
from shared.domain.ledger import Latch, ServiceRecord
from shared.domain.paging import Choice, PageStep
from shared.domain.release import Pinned
from shared.domain.rollback import MoveResult, NoPlan, Plan, RollbackMode, Verdict
from shared.domain.rollback_phase import Phase
from shared.domain.severity import Severity
from tests.builders import (
    ANA,
    BACKEND,
    BEN,
    EVE,
    FRONTEND,
    LATEST,
    MINUTE,
    NOON,
    SECOND,
    alert,
    all_to,
    outcome,
    plan,
    policy_with,
)
from tests.story import Story, kinds, proposed, said, told

WHY = "1.4.2 is out"
MOVED = MoveResult.MOVED
DIGEST = "sha256:feed"


def pinned_story() -> Story:
    """A rollback of both services is over and resolved; its incident waits for its review."""
    story = Story()
    story.presses(BEN, Choice.APPROVE, proposed(story, alert()))
    healthy = outcome(MOVED, MOVED, healthy_after=5 * SECOND)
    story.finishes(story.last(ActionKind.APPLY), healthy)
    story.reports(alert(status=AlertStatus.RESOLVED))
    story.rings(TimerKind.SETTLE)
    story.rings(TimerKind.CONFIRM)
    assert story.state() is State.RESOLVED
    return story


@pytest.fixture
def story() -> Story:
    """Both services are pinned by a rollback that is over."""
    return pinned_story()


def release_plan(story: Story) -> Plan:
    """Both services from where they are pinned to LATEST, which is a new revision."""
    services = tuple(
        replace(
            each,
            generation=2,
            before=all_to(f"{each.service}-good"),
            after=LATEST,
            from_revision=f"{each.service}-good",
            to_revision=f"{each.service}-fixed",
            latest_ready=f"{each.service}-fixed",
            to_digest=DIGEST,
        )
        for each in plan().services
    )
    made = replace(plan(story.now), services=services, release=True)
    return replace(made, asked_by="Ben", reason=WHY)


def asked(story: Story, who: str = BEN) -> str:
    """Plays until the release that somebody asked for is proposed, and gives the plan's hash."""
    story.asks(who, Choice.RELEASE, f"{APPLY} {WHY}")
    made = release_plan(story)
    story.finishes(story.last(ActionKind.PLAN), made)
    return made.hash


def carried_out(story: Story) -> None:
    """Plays until a release is being carried out."""
    story.presses(EVE, Choice.APPROVE, asked(story))
    assert story.phase() is Phase.APPLYING


def refusal(story: Story, who: str = BEN, text: str = f"{APPLY} {WHY}") -> str:
    """What the person is told, of whose wish nothing comes."""
    before = story.stack
    decision = story.asks(who, Choice.RELEASE, text)
    assert decision.reason is Reason.REFUSED
    assert (decision.stack, kinds(decision)) == (before, [ActionKind.TELL])
    return told(decision)


def test_a_rollback_that_moved_traffic_is_remembered_as_pinned(story: Story) -> None:
    """Each service, where it is and what it was rolled back from; also after the review."""
    assert story.stack.pinned == (
        Pinned(service=BACKEND, revision=f"{BACKEND}-good", left=f"{BACKEND}-bad"),
        Pinned(service=FRONTEND, revision=f"{FRONTEND}-good", left=f"{FRONTEND}-bad"),
    )
    story.presses(BEN, Choice.REPINNED)
    story.instructs(BEN, Choice.REVIEW, incident=story.incident.id, text="too short a canary")
    assert len(story.stack.pinned) == 2


def test_asking_makes_a_plan_and_wakes_nobody(story: Story) -> None:
    """What is pinned, and the images that were rolled back from, go with the order."""
    story.stack = replace(story.stack, rolled_back=("sha256:bad",))
    decision = story.asks(BEN, Choice.RELEASE, f"{APPLY} {AGAIN} {WHY}")
    assert (decision.reason, kinds(decision)) == (Reason.CARRIED_OUT, [ActionKind.PLAN])
    order = story.last(ActionKind.PLAN).order
    assert isinstance(order, PlanOrder)
    assert order.release is not None
    assert (order.release.pinned, order.rolled_back) == (story.stack.pinned, ("sha256:bad",))
    assert (order.release.person, order.release.apply, order.release.again) == ("ben", True, True)
    assert (order.asked_by, order.reason) == ("Ben", WHY)


def test_without_apply_the_plan_is_shown_to_whoever_asked_alone(story: Story) -> None:
    """A rehearsal proposes nothing, in Slack as well."""
    story.asks(BEN, Choice.RELEASE)
    decision = story.finishes(story.last(ActionKind.PLAN), release_plan(story))
    assert kinds(decision) == [ActionKind.TELL]
    order = decision.actions[0].order
    assert isinstance(order, TellOrder)
    assert order.slack_user == BEN
    assert order.text.startswith("Release plan")
    assert f"{BACKEND}-fixed" in order.text


def test_a_plan_is_proposed_in_an_incident_of_its_own(story: Story) -> None:
    """Somebody else who may approve is paged; what the rollback left waits for its review aside."""
    asked(story, BEN)
    assert [each.aside for each in story.stack.incidents] == [True, False]
    assert (story.state(), story.incident.severity) == (State.OPEN, Severity.SEV3)
    assert (story.phase(), story.rollback().mode) == (Phase.PROPOSED, RollbackMode.MANUAL)
    (page,) = story.incident.pages
    assert (page.step, page.person) == (PageStep.ASKED, "eve")
    assert f"{story.incident.id}:{TimerKind.PLAN_EXPIRES}" in story.timers


@pytest.mark.parametrize("end", [NoPlan(reason="the fix is not out"), GaveUp("it is away")])
def test_without_a_plan_the_channel_is_told_why_and_nobody_is_woken(
    story: Story, end: NoPlan | GaveUp
) -> None:
    """Whoever asked learns it also if they asked without Slack."""
    story.asks(BEN, Choice.RELEASE, f"{APPLY} {WHY}")
    decision = story.finishes(story.last(ActionKind.PLAN), end)
    assert kinds(decision) == [ActionKind.NOTIFY]
    order = decision.actions[0].order
    assert isinstance(order, NoticeOrder)
    assert end.reason in "".join(order.paragraphs)
    assert len(story.stack.incidents) == 1


def test_nothing_pinned_is_refused() -> None:
    """Traffic that nobody rolled back is released by nobody."""
    assert "no rollback has left a service" in refusal(Story())


def test_a_critical_incident_is_in_the_way(story: Story) -> None:
    """In whatever lane: first it is over, then something new is let in."""
    story.reports(alert("Tokens", lane="auth", severity=Severity.SEV1))
    assert "(sev1) is open; nothing is released before it is over" in refusal(story)


def test_the_rollback_that_it_would_take_back_has_to_be_over() -> None:
    """While its incident is open, the rollback is what keeps the service up."""
    story = Story()
    story.presses(BEN, Choice.APPROVE, proposed(story, alert(severity=Severity.SEV3)))
    healthy = outcome(MOVED, MOVED, healthy_after=5 * SECOND)
    story.finishes(story.last(ActionKind.APPLY), healthy)
    assert "is mitigated; nothing is released" in refusal(story)


def test_a_small_incident_elsewhere_is_not_in_the_way(story: Story) -> None:
    """A warning about something else stops no release."""
    story.reports(alert("Slow", lane="auth", severity=Severity.SEV3))
    assert story.asks(BEN, Choice.RELEASE, f"{APPLY} {WHY}").reason is Reason.CARRIED_OUT


def test_what_was_merged_elsewhere_is_in_the_way_as_well(story: Story) -> None:
    """Another lane's incident has the rollback lane's alerts: it is never filed for a release."""
    story.presses(BEN, Choice.REPINNED)
    story.instructs(BEN, Choice.REVIEW, incident=story.incident.id, text="too short a canary")
    for name, lane in (("Slow", "auth"), ("Errors", "infra")):
        story.reports(alert(name, lane=lane, severity=Severity.SEV3))
    slow, errors = story.stack.open_incidents()
    story.finishes(story.last(ActionKind.PLAN), NoPlan(reason="no older revision will do"))
    story.instructs(BEN, Choice.MERGE, incident=errors.id, into=slow.id)
    assert f"incident {slow.id} (sev3) is open" in refusal(story)
    assert [each.id for each in story.stack.open_incidents()] == [slow.id]


def test_a_drill_a_latch_and_a_tag_are_in_the_way(story: Story) -> None:
    """Whatever else holds the traffic, or is about to change its generation."""
    calm = story.stack
    story.stack = replace(calm, tagging="action-1")
    assert "a tag is being set" in refusal(story)
    latch = Latch(at=NOON, by="ana@shop", found=LATEST)
    record = ServiceRecord(service=BACKEND, traffic=LATEST, seen_at=NOON, latch=latch)
    story.stack = calm.with_record(record)
    assert "ana@shop changed the traffic" in refusal(story)
    story.stack = calm
    story.take(DrillDue(id="d1", stack="shop", drill="rollback", asked_by="the schedule"))
    assert "drill drill-d1 is under way" in refusal(story)


def test_a_second_release_is_refused_while_one_is_proposed(story: Story) -> None:
    """One change of a stack at a time, whichever way."""
    asked(story)
    assert "has a rollback under way" in refusal(story, EVE)


def test_what_came_up_while_it_was_planned_counts(story: Story) -> None:
    """The plan is not proposed into an incident that began meanwhile."""
    story.asks(BEN, Choice.RELEASE, f"{APPLY} {WHY}")
    action, made = story.last(ActionKind.PLAN), release_plan(story)
    story.reports(alert("Tokens", lane="auth", severity=Severity.SEV1))
    decision = story.finishes(action, made)
    assert kinds(decision) == [ActionKind.NOTIFY]


def test_too_few_approvers_are_found_out_at_once() -> None:
    """Asking would lead nowhere."""
    story = Story(policy_with(approvals=2))
    story.stack = replace(story.stack, pinned=pinned_story().stack.pinned)
    assert "only 1 besides you" in refusal(story, BEN)


def test_whoever_asks_does_not_approve_and_nobody_else_who_may_not(story: Story) -> None:
    """As for a rollback."""
    plan_hash = asked(story, BEN)
    own = told(story.presses(BEN, Choice.APPROVE, plan_hash))
    assert own.startswith("You wanted to approve the release, which is refused: whoever asks for a")
    assert "release may not approve it; somebody else has to" in own
    assert "may decide" in told(story.presses(ANA, Choice.APPROVE, plan_hash))
    assert "the plan has changed" in told(story.presses(EVE, Choice.APPROVE, "0123"))
    assert ActionKind.APPLY not in kinds(story.presses(EVE, Choice.APPROVE, "0123"))


def test_an_approval_moves_traffic_until_the_plan_runs_out(story: Story) -> None:
    """The order is the plan, and nothing is begun after its end."""
    decision = story.presses(EVE, Choice.APPROVE, asked(story))
    apply = story.last(ActionKind.APPLY)
    assert isinstance(apply.order, TrafficOrder)
    assert apply.order.plan.release
    assert apply.not_after == apply.order.plan.expires_at
    assert said(decision)[TimelineKind.APPROVED] == "Eve approved the release"


def test_an_incident_that_began_since_is_in_the_way_of_the_approval(story: Story) -> None:
    """A person made it worse by hand, say: it counts at the moment of the approval."""
    story.reports(alert("Slow", lane="auth", severity=Severity.SEV3))
    (slow,) = story.stack.open_incidents()
    story.asks(BEN, Choice.RELEASE, f"{APPLY} {WHY}")
    made = release_plan(story)
    story.finishes(story.last(ActionKind.PLAN), made)
    story.stack = story.stack.with_incident(replace(slow, severity=Severity.SEV1))
    mine = next(each for each in story.stack.incidents if each.rollback and each.rollback.release)
    decision = story.instructs(EVE, Choice.APPROVE, incident=mine.id, plan=made.hash)
    assert decision.reason is Reason.REFUSED
    assert "nothing is released before it is over" in told(decision)


def test_a_release_that_is_well_leaves_nothing_pinned_and_no_task(story: Story) -> None:
    """The image that serves now is wanted again; the incident settles by itself."""
    story.stack = replace(story.stack, rolled_back=(DIGEST, "sha256:other"))
    carried_out(story)
    story.finishes(story.last(ActionKind.APPLY), outcome(MOVED, MOVED, healthy_after=SECOND))
    assert (story.phase(), story.rollback().verdict) == (Phase.APPLIED, Verdict.RECOVERED)
    assert (story.stack.pinned, story.stack.rolled_back) == ((), ("sha256:other",))
    assert story.incident.repin is None
    story.rings(TimerKind.SETTLE)
    story.rings(TimerKind.CONFIRM)
    assert story.state() is State.RESOLVED


def test_a_release_that_is_not_well_is_put_back_and_pages(story: Story) -> None:
    """What was there before was known to be good; it stays pinned, and may be released later."""
    carried_out(story)
    pinned = story.stack.pinned
    decision = story.finishes(story.last(ActionKind.APPLY), outcome(MOVED, MOVED))
    assert ActionKind.RESTORE in kinds(decision)
    assert (story.phase(), story.stack.pinned) == (Phase.RESTORING, pinned)
    decision = story.finishes(story.last(ActionKind.RESTORE), outcome(MOVED, MOVED))
    assert (story.phase(), story.rollback().verdict) == (Phase.UNDONE, Verdict.NOT_RECOVERED)
    page = story.incident.pages[-1]
    assert page.step is PageStep.RELEASE_UNDONE
    assert "/version answered 500" in page.details[0]
    assert (story.state(), story.stack.pinned) == (State.OPEN, pinned)


def test_an_alert_that_fires_meanwhile_takes_it_back(story: Story) -> None:
    """Healthy or not: what still fires at the end began with what was released."""
    carried_out(story)
    story.reports(alert("New", starts_at=story.later(MINUTE)))
    decision = story.finishes(
        story.last(ActionKind.APPLY), outcome(MOVED, MOVED, healthy_after=SECOND)
    )
    assert ActionKind.RESTORE in kinds(decision)
    assert "an alert began" in said(decision)[TimelineKind.RESTORING]


def test_a_second_alert_that_fires_on_takes_it_back_as_well(story: Story) -> None:
    """The first one that began meanwhile has ended; whatever else did counts too."""
    carried_out(story)
    began = story.later(MINUTE)
    for name in ("First", "Second"):
        story.reports(alert(name, severity=Severity.SEV3, starts_at=began))
    story.reports(alert("First", starts_at=began, status=AlertStatus.RESOLVED))
    decision = story.finishes(
        story.last(ActionKind.APPLY), outcome(MOVED, MOVED, healthy_after=SECOND)
    )
    assert ActionKind.RESTORE in kinds(decision)


def test_one_service_that_refuses_puts_the_other_back(story: Story) -> None:
    """As the policy says of rollbacks."""
    carried_out(story)
    story.finishes(story.last(ActionKind.APPLY), outcome(MOVED, MoveResult.REFUSED))
    restore = story.last(ActionKind.RESTORE).order
    assert isinstance(restore, TrafficOrder)
    assert restore.only == (BACKEND,)


def test_a_change_by_somebody_else_is_left_alone_and_pages(story: Story) -> None:
    """A deployment in between means another LATEST than was approved."""
    carried_out(story)
    story.finishes(story.last(ActionKind.APPLY), outcome(MoveResult.FOREIGN, MoveResult.FOREIGN))
    assert story.phase() is Phase.HELD
    assert story.incident.pages[-1].step is PageStep.RELEASE_HELD


@pytest.mark.parametrize("severity", [Severity.SEV1, Severity.SEV4])
def test_an_alert_withdraws_a_release_that_waits(story: Story, severity: Severity) -> None:
    """It opens an incident of its own, pages, and has a rollback planned: nothing is in its way."""
    mine = asked(story)
    waiting = story.incident.id
    decision = story.reports(alert("New", severity=severity, starts_at=story.later(MINUTE)))
    assert decision.reason is Reason.OPENED
    (filed,) = [row.incident for row in decision.rows if isinstance(row, IncidentRow)]
    assert filed.id == waiting
    assert filed.rollback is not None
    assert (filed.state, filed.rollback.phase) == (State.RESOLVED, Phase.WITHDRAWN)
    assert (story.incident.title, story.phase()) == ("New", Phase.PLANNING)
    assert [page.step for page in story.incident.pages] == [PageStep.OPENED]
    late = story.instructs(EVE, Choice.APPROVE, incident=waiting, plan=mine)
    assert late.reason is Reason.STALE


def test_an_alert_after_a_release_is_a_new_incident(story: Story) -> None:
    """Whoever is paged reads what fires, and a way back is proposed at once."""
    carried_out(story)
    story.finishes(story.last(ActionKind.APPLY), outcome(MOVED, MOVED, healthy_after=SECOND))
    story.reports(alert("New", starts_at=story.later(MINUTE)))
    assert (story.incident.title, story.phase()) == ("New", Phase.PLANNING)


def test_a_warning_elsewhere_withdraws_nothing(story: Story) -> None:
    """It would not have been in the way of asking either."""
    asked(story)
    waiting = story.incident.id
    story.reports(alert("Slow", lane="auth", severity=Severity.SEV3))
    kept = story.stack.incident(waiting)
    assert kept is not None
    assert kept.rollback is not None
    assert kept.rollback.phase is Phase.PROPOSED


def test_people_come_before_a_release_that_waits(story: Story) -> None:
    """Who asks for a rollback, or declares an incident, is not told that a release is under way."""
    asked(story)
    assert story.asks(EVE, Choice.ROLLBACK, "it is slow").reason is Reason.CARRIED_OUT
    assert story.rollback().release is False
    other = pinned_story()
    asked(other)
    decision = other.asks(EVE, Choice.DECLARE, "it is odd", lane="infra")
    assert decision.reason is Reason.OPENED


@pytest.mark.parametrize("end", ["rejected", "expired"])
def test_a_release_that_nobody_wants_is_over(story: Story, end: str) -> None:
    """Nothing is left for anybody to do, and it may be asked for again."""
    plan_hash = asked(story)
    if end == "rejected":
        story.presses(EVE, Choice.REJECT, plan_hash)
    else:
        story.rings(TimerKind.PLAN_EXPIRES)
    assert (story.state(), story.phase().value) == (State.RESOLVED, end)
    assert story.asks(BEN, Choice.RELEASE, f"{APPLY} {WHY}").reason is Reason.CARRIED_OUT


def test_nothing_else_belongs_to_a_release(story: Story) -> None:
    """It gives way to whatever fires, which must not go with it."""
    story.reports(alert("Slow", lane="auth", severity=Severity.SEV3))
    (slow,) = story.stack.open_incidents()
    asked(story)
    (mine,) = (each for each in story.stack.open_incidents() if each.id != slow.id)
    for one, other in ((slow, mine), (mine, slow)):
        decision = story.instructs(BEN, Choice.MERGE, incident=one.id, into=other.id)
        assert decision.reason is Reason.REFUSED
        assert "about a release" in told(decision)
