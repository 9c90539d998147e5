"""The report of an incident: what people file, whatever an alert brought with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.action import ActionKind
from shared.domain.alert import AlertStatus
from shared.domain.decision import TimelineRow
from shared.domain.incident import Incident, TimelineKind
from shared.domain.incident_report import incident_markdown
from shared.domain.paging import Choice
from shared.domain.rollback import MoveResult
from tests.builders import BACKEND, BEN, NOON, alert, outcome
from tests.story import Story, proposed

MOVED = MoveResult.MOVED


@pytest.fixture
def recovered() -> Story:
    """An incident that a rollback has ended."""
    story = Story()
    plan = proposed(story, alert())
    story.presses(BEN, Choice.APPROVE, plan)
    story.later(timedelta(seconds=5))
    ended = outcome(MOVED, MOVED, started_at=story.now, healthy_after=timedelta(seconds=1.5))
    story.finishes(story.last(ActionKind.APPLY), ended)
    story.reports(alert(status=AlertStatus.RESOLVED))
    return story


def report(story: Story, incident: Incident | None = None, *rows: TimelineRow) -> str:
    """The report."""
    return incident_markdown(story.policy, incident or story.incident, 3, rows)


def test_a_report_says_what_was_moved_by_whom_and_how_long_it_took(recovered: Story) -> None:
    """Who approved, traffic before and after of each service, the verdict, and the RTO."""
    said = report(recovered)
    assert "- Approved by Ben" in said
    assert "verdict recovered" in said
    assert "- RTO: " in said
    assert f"| {BACKEND} | " in said
    assert " | moved |" in said
    assert recovered.incident.rollback is not None
    assert recovered.incident.rollback.plan is not None
    assert recovered.incident.rollback.plan.hash in said


def test_a_report_has_the_pages_and_the_story_in_order(recovered: Story) -> None:
    """Who was woken, where and when; and each line of the timeline with its time."""
    rows = [
        TimelineRow(
            id=str(n),
            incident=recovered.incident.id,
            at=NOON + timedelta(seconds=n),
            kind=TimelineKind.PAGING,
            text=text,
        )
        for n, text in enumerate(("first this", "then that"))
    ]
    said = report(recovered, None, *rows)
    assert "| Ben | " in said
    assert said.index("12:00:00 UTC | first this") < said.index("12:00:01 UTC | then that")


def test_what_an_alert_says_is_words_and_never_markdown(recovered: Story) -> None:
    """No link, picture, table cell or heading can be brought in from outside."""
    hostile = "a | b\n# Fine now ![x](https://example.com/x.png) <b>`rm`</b>"
    said = report(recovered, replace(recovered.incident, title=hostile, summary=hostile))
    assert "\n# Fine now" not in said
    assert "![x]" not in said
    assert "<b>" not in said
    assert "a \\| b" in said


def test_a_report_of_what_nobody_rolled_back_has_no_rollback(recovered: Story) -> None:
    """An incident without one is told without one."""
    said = report(recovered, replace(recovered.incident, rollback=None))
    assert "## Rollback" not in said
    assert "## Timeline" in said
