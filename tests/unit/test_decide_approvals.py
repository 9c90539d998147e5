"""Two people for one rollback: who counts, who is asked, and what moves nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.domain.action import ActionKind, PageOrder
from shared.domain.approval import Approval
from shared.domain.card import card_for
from shared.domain.decision import Decision, Reason
from shared.domain.event import TimerKind
from shared.domain.incident import TimelineKind
from shared.domain.incident_state import State
from shared.domain.paging import Choice, PageStep
from shared.domain.policy import Policy
from shared.domain.rollback_phase import Phase
from tests.builders import ANA, BEN, EVE, MINUTE, SECOND, WES, alert, plan, policy_with
from tests.story import Story, kinds, proposed, said, told


def two(*members: str) -> Policy:
    """Two people of the team that may approve have to."""
    rules = policy_with(approvals=2)
    infra = replace(rules.teams["infra"], members=members or ("ben", "eve"))
    return replace(rules, teams={**rules.teams, "infra": infra})


@pytest.fixture
def story() -> Story:
    """A rollback is proposed, two people have to approve it, and Ben was paged."""
    story = Story(two())
    proposed(story, alert())
    return story


def approves(story: Story, who: str) -> Decision:
    """Somebody presses *Approve* on the newest plan."""
    shown = story.rollback().plan
    return story.presses(who, Choice.APPROVE, shown.hash if shown else plan().hash)


def text(story: Story) -> str:
    """What the newest page says now."""
    card = card_for(story.policy, story.incident, story.incident.pages[-1])
    return "\n".join(card.paragraphs)


def test_the_first_of_two_is_recorded_and_shown_and_moves_nothing(story: Story) -> None:
    """Everybody sees who has approved, and the buttons stay."""
    assert "2 people of Infra have to approve it; 0 of 2 so far." in text(story)
    decision = approves(story, BEN)
    assert decision.reason is Reason.CARRIED_OUT
    assert ActionKind.APPLY not in kinds(decision)
    assert (story.state(), story.phase()) == (State.ACKNOWLEDGED, Phase.PROPOSED)
    assert story.rollback().approvals == (Approval(by="ben", at=story.now),)
    assert story.rollback().approved_by == ""
    assert said(decision)[TimelineKind.APPROVED] == "Ben approved the rollback (1 of 2)"
    assert "1 of 2 so far by Ben." in text(story)


def test_the_second_of_two_moves_traffic_once(story: Story) -> None:
    """Only then, with the plan that both have seen."""
    approves(story, BEN)
    story.later(SECOND)
    decision = approves(story, EVE)
    assert kinds(decision).count(ActionKind.APPLY) == 1
    assert (story.state(), story.phase()) == (State.MITIGATING, Phase.APPLYING)
    assert story.rollback().approvers == ("ben", "eve")
    assert (story.rollback().approved_by, story.rollback().approved_at) == ("eve", story.now)
    assert said(decision)[TimelineKind.APPROVED] == "Eve approved the rollback (2 of 2)"
    assert "(approved by Ben and Eve)" in text(story)


def test_one_person_is_not_two(story: Story) -> None:
    """A double press is refused, and counts for nothing."""
    approves(story, BEN)
    before = story.stack
    decision = approves(story, BEN)
    assert (decision.reason, decision.stack) == (Reason.REFUSED, before)
    assert "you have approved it, and somebody else has to as well (1 of 2)" in told(decision)


def test_somebody_is_paged_for_the_second(story: Story) -> None:
    """Where nobody who is still needed was woken before."""
    decision = approves(story, BEN)
    (page,) = [a.order for a in decision.actions if isinstance(a.order, PageOrder)][:1]
    woken = story.incident.page(page.page)
    assert woken is not None
    assert (woken.person, woken.step) == ("eve", PageStep.ASKED)


def test_nobody_is_paged_twice_for_the_second(story: Story) -> None:
    """Ben was paged when it opened, and Eve has approved."""
    assert ActionKind.PAGE not in kinds(approves(story, EVE))


@pytest.mark.parametrize("who", [ANA, WES, "U0STRANGER"])
def test_who_may_not_approve_is_no_second(story: Story, who: str) -> None:
    """However many are missing."""
    approves(story, BEN)
    before = story.stack
    decision = approves(story, who)
    assert (decision.reason, decision.stack) == (Reason.REFUSED, before)


def test_who_asked_is_neither_the_first_nor_the_second() -> None:
    """With one requester two others are needed, and both are paged."""
    story = Story(two("ben", "eve", "ana"))
    story.asks(BEN, Choice.ROLLBACK, "it is slow")
    assert {page.person for page in story.incident.pages} == {"eve", "ana"}
    story.finishes(story.last(ActionKind.PLAN), plan(story.now))
    assert approves(story, BEN).reason is Reason.REFUSED
    approves(story, EVE)
    assert approves(story, BEN).reason is Reason.REFUSED
    assert story.phase() is Phase.PROPOSED
    approves(story, ANA)
    assert story.phase() is Phase.APPLYING


def test_asking_where_too_few_others_may_approve_leads_nowhere() -> None:
    """It is said at once, before anybody waits."""
    story = Story(two())
    decision = story.asks(BEN, Choice.ROLLBACK, "it is slow")
    assert decision.reason is Reason.REFUSED
    assert "only 1 besides you may approve rollbacks of shop" in told(decision)


def test_approvals_of_a_plan_that_expired_do_not_count_for_the_next(story: Story) -> None:
    """An approval is bound to its plan: for a new one everybody begins again."""
    approves(story, BEN)
    story.rings(TimerKind.PLAN_EXPIRES)
    story.finishes(story.last(ActionKind.PLAN), plan(story.now))
    assert story.rollback().approvals == ()
    approves(story, EVE)
    assert story.phase() is Phase.PROPOSED
    approves(story, BEN)
    assert story.phase() is Phase.APPLYING


def test_the_second_press_on_an_expired_plan_moves_nothing(story: Story) -> None:
    """The first approval does not keep a plan alive."""
    approves(story, BEN)
    story.later(30 * MINUTE)
    decision = approves(story, EVE)
    assert decision.reason is Reason.REFUSED
    assert "expired" in told(decision)


def test_one_rejection_outweighs_an_approval(story: Story) -> None:
    """Also that of who has approved before."""
    approves(story, BEN)
    story.presses(BEN, Choice.REJECT, plan().hash)
    assert story.phase() is Phase.REJECTED
    assert approves(story, EVE).reason is Reason.REFUSED


def test_who_lost_the_right_to_approve_no_longer_counts(story: Story) -> None:
    """Whoever left the team in between is not one of two."""
    approves(story, BEN)
    team = replace(story.policy.teams["infra"], on_call="eve", members=("eve", "ana"))
    story.policy = replace(story.policy, teams={**story.policy.teams, "infra": team})
    approves(story, EVE)
    assert story.phase() is Phase.PROPOSED
    approves(story, ANA)
    assert story.phase() is Phase.APPLYING
