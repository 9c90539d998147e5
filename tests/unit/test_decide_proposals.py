"""What follows from a plan, and from one that did not help."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.action import ActionKind, PlanOrder, TrafficOrder
from shared.domain.alert import AlertStatus
from shared.domain.card import card_for
from shared.domain.decision import Decision, Reason
from shared.domain.event import TimerKind
from shared.domain.hours import WeeklyHours
from shared.domain.incident import TimelineKind
from shared.domain.incident_state import State
from shared.domain.ledger import Latch, ServiceRecord
from shared.domain.paging import Choice, PageStep
from shared.domain.policy import AutomaticRules, OnPartial
from shared.domain.quiet import Maintenance
from shared.domain.rollback import MoveResult, NoPlan, Plan, RollbackMode, Verdict
from shared.domain.rollback_phase import Phase
from shared.domain.severity import Severity
from tests.builders import (
    BACKEND,
    BEN,
    EVE,
    FRONTEND,
    LATEST,
    MINUTE,
    NOON,
    SECOND,
    WES,
    alert,
    outcome,
    plan,
    policy_with,
)
from tests.story import Story, kinds, proposed, said

BAD_DEPLOY = alert(severity=Severity.SEV1)


def known_good(made_at: object = NOON) -> Plan:
    """A plan to revisions that proved themselves."""
    services = tuple(
        replace(s, proven=True, from_digest=f"sha256:{s.service}-bad") for s in plan().services
    )
    return replace(plan(), services=services, made_at=made_at)  # type: ignore[arg-type]


def observed(story: Story, *, latch: Latch | None = None) -> None:
    """Both services were looked at just now; the backend's bad revision came lately."""
    for service, since in ((BACKEND, story.now - 20 * MINUTE), (FRONTEND, None)):
        record = ServiceRecord(
            service=service,
            traffic=LATEST,
            seen_at=story.now,
            main=f"{service}-bad",
            main_since=since,
            latch=latch,
        )
        story.stack = story.stack.with_record(record)


@pytest.fixture
def story() -> Story:
    """The policy lets a Sev1 go by itself, and a revision is to be suspected."""
    story = Story(policy_with(automatic=AutomaticRules(), approvals=2))
    observed(story)
    return story


def planned(story: Story, made: Plan | None = None) -> Decision:
    """The alert fires, its page arrives, and the plan is made."""
    story.reports(BAD_DEPLOY)
    story.delivers(story.last(ActionKind.PAGE))
    return story.finishes(story.last(ActionKind.PLAN), made or known_good())


def test_the_order_for_a_plan_carries_what_the_head_knows(story: Story) -> None:
    """The worker that makes the plan has no store to ask."""
    story.stack = replace(story.stack, rolled_back=("sha256:old",))
    story.reports(BAD_DEPLOY)
    order = story.last(ActionKind.PLAN).order
    assert isinstance(order, PlanOrder)
    assert (order.records, order.rolled_back) == (story.stack.services, ("sha256:old",))
    assert (order.asked_by, order.reason) == ("", "ErrorsHigh")


def test_who_asked_and_why_is_in_the_order(story: Story) -> None:
    """So that the plan itself says it, wherever it is read."""
    story.policy = policy_with()
    story.asks(BEN, Choice.ROLLBACK, "checkout is slow")
    order = story.last(ActionKind.PLAN).order
    assert isinstance(order, PlanOrder)
    assert (order.asked_by, order.reason) == ("Ben", "checkout is slow")


def test_what_the_policy_allows_goes_by_itself(story: Story) -> None:
    """Traffic moves at once, the owner is paged about it, and nobody has approved."""
    decision = planned(story)
    assert kinds(decision)[:2] == [ActionKind.APPLY, ActionKind.PAGE]
    apply = story.last(ActionKind.APPLY)
    assert apply.order == TrafficOrder(plan=known_good())
    assert apply.not_after == story.now + 5 * MINUTE
    assert (story.state(), story.phase()) == (State.MITIGATING, Phase.APPLYING)
    rollback = story.rollback()
    assert (rollback.mode, rollback.approvers) == (RollbackMode.AUTOMATIC, ())
    assert story.stack.automatic == (story.now,)
    assert story.incident.pages[-1].step is PageStep.AUTOMATIC
    assert "It goes by itself: shop-backend-bad took over" in said(decision)[TimelineKind.APPROVED]
    assert TimerKind.PLAN_EXPIRES not in {timer.kind for timer in decision.timers}


def test_what_goes_by_itself_is_shown_as_such(story: Story) -> None:
    """With nothing left to approve, and still to be acknowledged."""
    planned(story)
    card = card_for(story.policy, story.incident, story.incident.pages[-1])
    assert card.headline == "Rolling back by itself: ErrorsHigh"
    assert card.choices == (Choice.ACKNOWLEDGE,)
    assert card.status == "Rolling back (not acknowledged)"
    assert "Rollback being carried out (by itself, as the policy allows)" in card.paragraphs[-1]


def test_who_acknowledges_while_it_goes_by_itself_is_the_first(story: Story) -> None:
    """Nobody did before."""
    planned(story)
    decision = story.presses(BEN, Choice.ACKNOWLEDGE)
    assert said(decision) == {TimelineKind.ACKNOWLEDGED: "Ben acknowledged"}
    assert story.incident.acknowledged_by == "ben"


def test_where_it_may_not_go_by_itself_the_reason_is_said(story: Story) -> None:
    """Then it waits for as many people as the policy wants, like any other."""
    observed(story, latch=Latch(at=NOON, by="ana@example.com", found=LATEST))
    decision = planned(story)
    assert ActionKind.APPLY not in kinds(decision)
    assert story.phase() is Phase.PROPOSED
    text = said(decision)[TimelineKind.PROPOSED]
    assert "It needs approval: ana@example.com took over the traffic of shop-backend" in text
    assert story.stack.automatic == ()


def warned(story: Story) -> str:
    """A warning fires and its rollback is proposed, which nothing so mild has go by itself."""
    story.reports(alert(severity=Severity.SEV2))
    story.delivers(story.last(ActionKind.PAGE))
    story.finishes(story.last(ActionKind.PLAN), known_good())
    assert story.phase() is Phase.PROPOSED
    return known_good().hash


def test_a_worse_alert_has_it_planned_anew_and_it_may_go_by_itself(story: Story) -> None:
    """Often a warning comes first: what it proposed is judged by what is known since."""
    warned(story)
    worse = alert("Down", severity=Severity.SEV1, starts_at=story.later(SECOND))
    decision = story.reports(worse)
    assert decision.reason is Reason.RAISED
    assert ActionKind.PLAN in kinds(decision)
    assert "is planned anew" in said(decision)[TimelineKind.WAITING]
    assert story.rollback().trigger == worse.row_id
    story.finishes(story.last(ActionKind.PLAN), known_good(story.now))
    assert (story.phase(), story.rollback().mode) == (Phase.APPLYING, RollbackMode.AUTOMATIC)


@pytest.mark.parametrize("taken", ["acknowledged", "approved once", "mild"])
def test_what_a_person_has_taken_up_stays_as_it_was_proposed(story: Story, taken: str) -> None:
    """A button that somebody may be about to press keeps its meaning."""
    plan_hash = warned(story)
    if taken == "acknowledged":
        story.presses(BEN, Choice.ACKNOWLEDGE)
    elif taken == "approved once":
        story.presses(BEN, Choice.APPROVE, plan_hash)
    mild = replace(story.policy.stacks["shop"].rollback, automatic=None)
    if taken == "mild":
        shop = replace(story.policy.stacks["shop"], rollback=mild)
        story.policy = replace(story.policy, stacks={"shop": shop})
    worse = alert("Down", severity=Severity.SEV1, starts_at=story.later(SECOND))
    decision = story.reports(worse)
    assert ActionKind.PLAN not in kinds(decision)
    assert story.phase() is Phase.PROPOSED
    assert story.rollback().plan == known_good()


def test_nothing_goes_by_itself_during_maintenance_of_the_stack(story: Story) -> None:
    """Work was announced: people decide, and may approve it as ever."""
    hours = WeeklyHours(zone="UTC", weekdays=frozenset({NOON.weekday()}))
    work = Maintenance(name="New database", zone="UTC", stack="shop", hours=hours)
    story.policy = replace(story.policy, maintenance=(work,))
    text = said(planned(story))[TimelineKind.PROPOSED]
    assert story.phase() is Phase.PROPOSED
    assert "It needs approval: maintenance of the stack (New database) until" in text


def test_an_alert_that_has_ended_sets_nothing_off(story: Story) -> None:
    """While the plan was being made it stopped firing: people decide."""
    story.reports(BAD_DEPLOY)
    story.reports(replace(BAD_DEPLOY, status=AlertStatus.RESOLVED))
    story.finishes(story.last(ActionKind.PLAN), known_good())
    assert story.phase() is Phase.PROPOSED


@pytest.mark.parametrize("choice", [Choice.ROLLBACK, Choice.DECLARE])
def test_what_a_person_asks_for_never_goes_by_itself(choice: Choice) -> None:
    """Not even where everything else speaks for it."""
    story = Story(policy_with(automatic=AutomaticRules(severities=tuple(Severity))))
    observed(story)
    story.asks(BEN, choice, "it burns", lane="infra", severity=Severity.SEV1)
    decision = story.finishes(story.last(ActionKind.PLAN), known_good())
    assert ActionKind.APPLY not in kinds(decision)
    assert story.phase() is Phase.PROPOSED


def test_a_second_one_within_the_cooldown_waits_for_people(story: Story) -> None:
    """What did not help once is not repeated without anybody."""
    planned(story)
    moved = outcome(MoveResult.MOVED, MoveResult.MOVED, healthy_after=SECOND)
    story.finishes(story.last(ActionKind.APPLY), moved)
    story.reports(replace(BAD_DEPLOY, status=AlertStatus.RESOLVED))
    story.rings(TimerKind.SETTLE)
    story.rings(TimerKind.CONFIRM)
    story.later(timedelta(minutes=1))
    observed(story)
    later = alert("Other", lane="data", severity=Severity.SEV1, starts_at=story.now)
    story.reports(later)
    plan_action = story.last(ActionKind.PLAN)
    decision = story.finishes(plan_action, known_good(story.now))
    assert ActionKind.APPLY not in kinds(decision)
    assert "which is too lately" in said(decision)[TimelineKind.PROPOSED]


def test_images_that_were_rolled_back_from_are_remembered(story: Story) -> None:
    """They are no way back, in whatever revision they come."""
    planned(story)
    assert story.stack.rolled_back == ()
    moved = outcome(MoveResult.MOVED, MoveResult.MOVED, healthy_after=SECOND)
    story.finishes(story.last(ActionKind.APPLY), moved)
    assert set(story.stack.rolled_back) == {f"sha256:{BACKEND}-bad", f"sha256:{FRONTEND}-bad"}


@pytest.mark.parametrize("result", [MoveResult.REFUSED, MoveResult.UNKNOWN])
def test_what_did_not_move_was_not_rolled_back_from(story: Story, result: MoveResult) -> None:
    """A rollback that was not carried out says nothing about an image."""
    planned(story)
    story.finishes(story.last(ActionKind.APPLY), outcome(result, result))
    assert story.stack.rolled_back == ()


def partly(story: Story) -> Decision:
    """The backend moved, and the frontend refused."""
    shown = proposed(story, alert())
    story.presses(BEN, Choice.APPROVE, shown)
    half = outcome(MoveResult.MOVED, MoveResult.REFUSED)
    return story.finishes(story.last(ActionKind.APPLY), half)


def test_a_half_done_rollback_is_put_back_unless_the_policy_says_otherwise() -> None:
    """The default: all before or all after."""
    story = Story(policy_with())
    assert ActionKind.RESTORE in kinds(partly(story))
    story.finishes(story.last(ActionKind.RESTORE), outcome(MoveResult.MOVED))
    assert story.incident.pages[-1].step is PageStep.ROLLBACK_UNDONE


def test_a_half_done_rollback_is_held_where_the_policy_says_so() -> None:
    """Nothing is put back, and a person is paged with every service's state."""
    story = Story(policy_with(on_partial=OnPartial.HOLD))
    decision = partly(story)
    assert not {ActionKind.RESTORE, ActionKind.APPLY} & set(kinds(decision))
    assert (story.phase(), story.rollback().verdict) == (Phase.HELD, Verdict.UNKNOWN)
    page = story.incident.pages[-1]
    assert page.step is PageStep.ROLLBACK_HELD
    assert "the policy says hold" in page.details[0]
    assert any(line.startswith(f"{BACKEND}: before") for line in page.details)


def in_vain(story: Story) -> Decision:
    """The first rollback moves traffic, and health does not come back."""
    shown = proposed(story, alert())
    story.presses(BEN, Choice.APPROVE, shown)
    return story.finishes(story.last(ActionKind.APPLY), outcome(MoveResult.MOVED, MoveResult.MOVED))


@pytest.fixture
def further() -> Story:
    """The policy has one more revision proposed where the first did not help."""
    return Story(policy_with(further_candidate=True, automatic=AutomaticRules()))


def test_one_further_revision_is_proposed_where_the_first_did_not_help(further: Story) -> None:
    """Paged as ever, and another plan is asked for that leaves the first target out."""
    decision = in_vain(further)
    assert PageStep.NOT_RECOVERED in {page.step for page in further.incident.pages}
    assert ActionKind.PLAN in kinds(decision)
    order = further.last(ActionKind.PLAN).order
    assert isinstance(order, PlanOrder)
    assert order.did_not_help == (f"{BACKEND}-good", f"{FRONTEND}-good")
    assert further.phase() is Phase.PLANNING
    (tried,) = further.incident.earlier
    assert (tried.phase, tried.verdict) == (Phase.APPLIED, Verdict.NOT_RECOVERED)


def test_the_further_revision_waits_for_people(further: Story) -> None:
    """What helped nobody is not followed by another change that nobody asked for."""
    in_vain(further)
    observed(further)
    decision = further.finishes(further.last(ActionKind.PLAN), known_good(further.now))
    assert further.phase() is Phase.PROPOSED
    assert "It needs approval" in said(decision)[TimelineKind.PROPOSED]
    shown = further.rollback().plan
    assert shown is not None
    further.presses(EVE, Choice.APPROVE, shown.hash)
    assert further.phase() is Phase.APPLYING


def test_there_is_no_third_revision(further: Story) -> None:
    """At most one further candidate: then it is up to people."""
    in_vain(further)
    further.later(SECOND)
    further.finishes(further.last(ActionKind.PLAN), plan(further.now))
    shown = further.rollback().plan
    assert shown is not None
    further.presses(BEN, Choice.APPROVE, shown.hash)
    moved = outcome(MoveResult.MOVED, MoveResult.MOVED)
    decision = further.finishes(further.last(ActionKind.APPLY), moved)
    assert ActionKind.PLAN not in kinds(decision)
    assert (further.phase(), further.rollback().verdict) == (Phase.APPLIED, Verdict.NOT_RECOVERED)


def test_without_the_policys_word_there_is_no_second_one() -> None:
    """The page is all that follows."""
    story = Story(policy_with())
    assert ActionKind.PLAN not in kinds(in_vain(story))
    assert story.phase() is Phase.APPLIED


def test_a_late_word_about_the_first_is_not_taken_for_the_second(further: Story) -> None:
    """What an earlier worker reports belongs to another plan."""
    in_vain(further)
    first = further.last(ActionKind.APPLY)
    further.later(SECOND)
    further.finishes(further.last(ActionKind.PLAN), plan(further.now))
    shown = further.rollback().plan
    assert shown is not None
    further.presses(BEN, Choice.APPROVE, shown.hash)
    before = further.stack
    healthy = outcome(MoveResult.MOVED, MoveResult.MOVED, healthy_after=SECOND)
    decision = further.finishes(first, healthy, attempt=2)
    assert (decision.reason, decision.stack) == (Reason.STALE, before)


def test_an_alert_that_still_fires_asks_for_the_further_one(further: Story) -> None:
    """Health came back, and the alert did not end within the window."""
    shown = proposed(further, alert())
    further.presses(BEN, Choice.APPROVE, shown)
    healthy = outcome(MoveResult.MOVED, MoveResult.MOVED, healthy_after=SECOND)
    further.finishes(further.last(ActionKind.APPLY), healthy)
    assert ActionKind.PLAN in kinds(further.rings(TimerKind.VERIFY))
    assert further.phase() is Phase.PLANNING


def test_an_alert_after_the_rollback_asks_for_the_further_one(further: Story) -> None:
    """It fires anew before the first has helped for sure."""
    shown = proposed(further, alert())
    further.presses(BEN, Choice.APPROVE, shown)
    healthy = outcome(MoveResult.MOVED, MoveResult.MOVED, healthy_after=SECOND)
    further.finishes(further.last(ActionKind.APPLY), healthy)
    later = further.later(MINUTE)
    assert ActionKind.PLAN in kinds(further.reports(alert("Other", starts_at=later)))
    assert further.phase() is Phase.PLANNING


def test_an_unknown_verdict_ends_what_goes_by_itself(further: Story) -> None:
    """Where nobody knows whether it helped, nothing further is proposed."""
    shown = proposed(further, alert())
    further.presses(BEN, Choice.APPROVE, shown)
    lost = outcome(MoveResult.MOVED, MoveResult.UNKNOWN)
    assert ActionKind.PLAN not in kinds(further.finishes(further.last(ActionKind.APPLY), lost))
    assert further.rollback().verdict is Verdict.UNKNOWN


def test_where_nothing_further_is_to_be_found_people_are_told(further: Story) -> None:
    """No plan is said too, and what was tried stays on record."""
    in_vain(further)
    nothing = NoPlan(reason="nothing older")
    decision = further.finishes(further.last(ActionKind.PLAN), nothing)
    assert "nothing older" in said(decision)[TimelineKind.NOT_PROPOSED]
    assert further.phase() is Phase.UNAVAILABLE
    assert further.incident.earlier[0].verdict is Verdict.NOT_RECOVERED
    assert further.presses(WES, Choice.ACKNOWLEDGE).reason is Reason.CARRIED_OUT
