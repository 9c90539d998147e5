"""What people may do who come without Slack: the same as with it, answered in the audit alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.action import ActionKind
from shared.domain.decide import decide
from shared.domain.decision import AuditRow, Decision, Reason
from shared.domain.event import Instructed, Instruction
from shared.domain.paging import Choice
from tests.builders import BEN, EVE, alert, plan
from tests.story import Story, kinds, proposed

VIA = "the command line, as eve@example.com, verified by Google"


@pytest.fixture
def story() -> Story:
    """A rollback is proposed, and the page with its buttons stands."""
    story = Story()
    proposed(story, alert())
    return story


def commands(story: Story, who: str, choice: Choice, plan: str = "") -> Decision:
    """Somebody types a command about the only incident."""
    told = Instruction(
        id=f"typed-{choice}-{who}",
        choice=choice,
        person=who,
        channel="",
        at=story.now,
        incident=story.incident.id,
        plan=plan,
        via=VIA,
    )
    return decide(story.policy, story.stack, Instructed(instruction=told, stack="shop"), story.now)


def audited(decision: Decision) -> AuditRow:
    """What the audit has."""
    (row,) = [row for row in decision.rows if isinstance(row, AuditRow)]
    return row


def test_a_person_may_be_named_by_the_policy(story: Story) -> None:
    """It is carried out as if they had pressed, and the audit says how they were known."""
    shown = story.incident.rollback.plan if story.incident.rollback else None
    assert shown is not None

    decision = commands(story, "person:ben", Choice.APPROVE, shown.hash)

    assert ActionKind.APPLY in kinds(decision)
    row = audited(decision)
    assert (row.person, row.via, row.text) == ("person:ben", VIA, "")


def test_a_refusal_is_in_the_audit_and_nobody_is_told_in_slack(story: Story) -> None:
    """Slack may be down, and the person is not there: they read the audit's answer."""
    decision = commands(story, "person:eve", Choice.APPROVE, "another plan")

    assert decision.reason is Reason.REFUSED
    assert kinds(decision) == []
    assert "the plan has changed since" in audited(decision).text


def test_a_closed_incident_is_answered_in_the_audit(story: Story) -> None:
    """The same where there is nothing to act on any more."""
    story.stack = replace(story.stack, incidents=(replace(story.incident, id="shop-other"),))
    told = Instruction(
        id="typed",
        choice=Choice.ACKNOWLEDGE,
        person="person:ben",
        channel="",
        at=story.now,
        incident="shop-gone",
    )
    decision = decide(
        story.policy, story.stack, Instructed(instruction=told, stack="shop"), story.now
    )
    assert (decision.reason, kinds(decision)) == (Reason.STALE, [])
    assert "closed" in audited(decision).text


@pytest.mark.parametrize("who", ["person:", "person:nobody", f"person:{BEN}", "ben", "U0PERSON"])
def test_whoever_the_policy_does_not_name_is_a_stranger(story: Story, who: str) -> None:
    """Only an id of the policy after `person:`, or a Slack member id, is somebody."""
    decision = commands(story, who, Choice.ACKNOWLEDGE)
    assert decision.reason is Reason.REFUSED
    assert "the policy knows no person" in audited(decision).text


def test_one_person_is_one_person_however_they_come(story: Story) -> None:
    """Whoever asked in Slack may not approve it from the command line."""
    story = Story()
    story.asks(EVE, Choice.ROLLBACK, "it fails")
    made = story.last(ActionKind.PLAN)
    story.later(timedelta(seconds=1))
    proposal = plan(story.now)
    story.finishes(made, proposal)
    decision = commands(story, "person:eve", Choice.APPROVE, proposal.hash)
    assert "somebody else has to" in audited(decision).text
