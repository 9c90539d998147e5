"""A message that nobody can read: recorded each time, paged about once for each source and day."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.action import ActionKind
from shared.domain.alert import AlertStatus
from shared.domain.decision import IncidentRow, Reason, RejectedRow
from shared.domain.event import MessageRejected, TimerKind
from tests.builders import MINUTE, alert
from tests.story import Story, kinds


@pytest.fixture
def story() -> Story:
    """Nothing has happened yet."""
    return Story()


def unreadable(number: int = 1, source: str = "prometheus") -> MessageRejected:
    """A message of a known sender that is no alert."""
    return MessageRejected(
        id=f"rejected-{number}",
        source=source,
        reason="no JSON",
        snippet="<html>",
        stack="shop",
    )


def test_a_message_nobody_can_read_is_recorded_and_wakes_triage(story: Story) -> None:
    """An alert may be in it, so a person has to look."""
    decision = story.take(unreadable())
    assert decision.reason is Reason.REJECTED
    assert kinds(decision) == [ActionKind.PAGE]
    assert (story.incident.lane, story.incident.pages[0].person) == ("triage", "ana")
    (row,) = [row for row in decision.rows if isinstance(row, RejectedRow)]
    assert (row.source, row.reason, row.snippet) == ("prometheus", "no JSON", "<html>")


def test_the_second_of_a_day_is_only_recorded(story: Story) -> None:
    """A sender that is broken all day wakes somebody once."""
    story.take(unreadable())
    before = story.stack
    decision = story.take(unreadable(2))
    assert (decision.stack, decision.actions, len(decision.rows)) == (before, (), 1)


def test_another_source_and_another_day_wake_again(story: Story) -> None:
    """Each source has its own page, and the next day a new one."""
    story.take(unreadable())
    assert kinds(story.take(unreadable(2, source="grafana"))) == [ActionKind.PAGE]
    story.later(timedelta(days=1))
    assert kinds(story.take(unreadable(3))) == [ActionKind.PAGE]


def test_a_resolved_triage_incident_is_kept_when_a_new_one_takes_its_place(story: Story) -> None:
    """No incident is lost from the books because its lane is needed again."""
    story.reports(alert(lane="unheard-of"))
    story.reports(alert(lane="unheard-of", status=AlertStatus.RESOLVED))
    story.rings(TimerKind.SETTLE)
    story.rings(TimerKind.CONFIRM)
    resolved = story.incident
    story.later(MINUTE)
    decision = story.take(unreadable())
    assert story.incident.id != resolved.id
    assert IncidentRow(incident=resolved) in decision.rows
