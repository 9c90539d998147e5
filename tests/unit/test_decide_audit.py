"""Whatever a person tells Switchman to do leaves one line in the audit, done or refused."""

from __future__ import annotations

import pytest

from shared.domain.decision import AuditRow, Decision, Reason
from shared.domain.paging import Choice
from tests.builders import BEN, WES, alert
from tests.story import Story, proposed, told

STRANGER = "U0STRANGER"
OF_AN_INCIDENT = (Choice.ACKNOWLEDGE, Choice.APPROVE, Choice.REJECT, Choice.RESOLVE)


@pytest.fixture
def story() -> Story:
    """A rollback is proposed, and the page with its buttons stands."""
    story = Story()
    proposed(story, alert())
    return story


def audited(decision: Decision) -> AuditRow:
    """The only line that the decision leaves in the audit."""
    (row,) = [row for row in decision.rows if isinstance(row, AuditRow)]
    return row


def test_what_was_done_is_on_record(story: Story) -> None:
    """Who approved which plan of which incident, when they did, and that it was carried out."""
    plan = story.rollback().plan
    assert plan is not None
    incident = story.incident.id
    row = audited(story.presses(BEN, Choice.APPROVE, plan.hash))
    assert row == AuditRow(
        id="press-1",
        at=story.now,
        person=BEN,
        choice=Choice.APPROVE,
        stack="shop",
        incident=incident,
        plan=plan.hash,
        answer=Reason.CARRIED_OUT.value,
    )


def test_what_was_refused_is_on_record_with_its_reason(story: Story) -> None:
    """The line says what the person was told, word for word."""
    decision = story.presses(WES, Choice.APPROVE, "another plan")
    row = audited(decision)
    assert (row.person, row.plan, row.answer) == (WES, "another plan", Reason.REFUSED.value)
    assert row.text == told(decision) != ""


def test_what_comes_too_late_is_on_record(story: Story) -> None:
    """Also an instruction about an incident that is gone."""
    decision = story.instructs(BEN, Choice.RESOLVE, incident="shop-longgone00")
    row = audited(decision)
    assert (row.incident, row.answer) == ("shop-longgone00", Reason.STALE.value)
    assert row.text == told(decision) != ""


def test_what_was_typed_is_on_record(story: Story) -> None:
    """A drill's options, or the reason for a rollback, outlive the instruction itself."""
    assert audited(story.asks(BEN, Choice.DRILL, "rollback --apply")).asked == "rollback --apply"


@pytest.mark.parametrize("who", [BEN, WES, STRANGER])
@pytest.mark.parametrize("choice", Choice)
def test_every_instruction_leaves_one_line(story: Story, choice: Choice, who: str) -> None:
    """Whoever asks for whatever: exactly one line, with what came of it."""
    about_an_incident = choice in OF_AN_INCIDENT
    decision = story.presses(who, choice) if about_an_incident else story.asks(who, choice, "why")
    row = audited(decision)
    assert (row.person, row.choice, row.answer) == (who, choice, decision.reason.value)
    assert bool(row.text) == (decision.reason in (Reason.REFUSED, Reason.STALE))


def test_what_nobody_told_leaves_no_line(story: Story) -> None:
    """The audit is about people; what follows from alerts and time is in the timeline."""
    before = len(story.timeline)
    decision = story.reports(alert("Again", lane="auth"))
    assert len(story.timeline) > before
    assert not [row for row in decision.rows if isinstance(row, AuditRow)]
