"""What a rollback leaves to do, and how its incident is reviewed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.domain.action import ActionKind
from shared.domain.alert import AlertStatus
from shared.domain.card import card_for
from shared.domain.decision import Decision, IncidentRow, Reason
from shared.domain.event import TimerKind
from shared.domain.incident import Incident, TimelineKind
from shared.domain.incident_report import incident_markdown
from shared.domain.incident_state import State
from shared.domain.paging import Choice
from shared.domain.repin import Pin
from shared.domain.rollback import MoveResult, Plan
from shared.domain.stack import MOST_ASIDE
from shared.wire import shown, stored
from tests.builders import (
    BACKEND,
    BEN,
    EVE,
    FRONTEND,
    MINUTE,
    SECOND,
    WES,
    alert,
    outcome,
    plan,
)
from tests.story import Story, proposed, said, told

LEARNED = "the canary was too short"


def imaged(made: Plan) -> Plan:
    """The plan, with the images of its targets."""
    named = (
        replace(
            s,
            from_digest=f"sha256:{s.service}-bad",
            to_image=f"registry/{s.service}:7",
            to_digest=f"sha256:{s.service}",
        )
        for s in made.services
    )
    return replace(made, services=tuple(named))


def rolled_back(
    story: Story, frontend: MoveResult = MoveResult.MOVED, *, lane: str = "infra"
) -> Decision:
    """A rollback is approved, and ends like this."""
    story.reports(alert(lane=lane, starts_at=story.now))
    story.delivers(story.last(ActionKind.PAGE))
    made = imaged(plan(story.now))
    story.finishes(story.last(ActionKind.PLAN), made)
    story.presses(EVE, Choice.APPROVE, made.hash)
    ended = outcome(MoveResult.MOVED, frontend, started_at=story.now, healthy_after=2 * SECOND)
    return story.finishes(story.last(ActionKind.APPLY), ended)


def resolved(story: Story) -> Incident:
    """The alert ends, and the incident is resolved."""
    firing = next(row for row in story.alerts.values() if row.status is AlertStatus.FIRING)
    story.later(MINUTE)
    ended = alert(status=AlertStatus.RESOLVED, starts_at=firing.starts_at)
    story.reports(replace(ended, ends_at=story.now))
    live = next(each for each in story.stack.incidents if not each.aside)
    for kind in (TimerKind.SETTLE, TimerKind.CONFIRM):
        timer = story.timers[f"{live.id}:{kind}"]
        story.now = max(story.now, timer.due)
        story.take(story.due(timer))
    found = story.stack.incident(live.id)
    assert found is not None
    assert found.state is State.RESOLVED
    return found


def review(story: Story, incident: Incident, note: str = LEARNED) -> Decision:
    """Ben reviews the incident."""
    return story.instructs(BEN, Choice.REVIEW, incident=incident.id, text=note)


def filed(decision: Decision) -> list[Incident]:
    """The incidents that left the head by this decision."""
    return [row.incident for row in decision.rows if isinstance(row, IncidentRow)]


@pytest.fixture
def story() -> Story:
    """The shop."""
    return Story()


def test_a_rollback_leaves_a_task_that_names_each_known_good_image(story: Story) -> None:
    """Whoever provisions next must not bring the bad image back."""
    decision = rolled_back(story)
    assert story.incident.repin is not None
    assert story.incident.repin.pins == tuple(
        Pin(
            service=service,
            revision=f"{service}-good",
            image=f"registry/{service}:7",
            digest=f"sha256:{service}",
        )
        for service in (BACKEND, FRONTEND)
    )
    line = said(decision)[TimelineKind.TO_REPIN]
    assert f"registry/{BACKEND}:7 (sha256:{BACKEND}) of revision {BACKEND}-good" in line


def test_the_task_is_on_the_card_in_the_report_and_in_the_json(story: Story) -> None:
    """It is shown wherever people look, until it is done; the report keeps it."""
    rolled_back(story)
    page = story.incident.pages[0]
    task = f"{FRONTEND}: registry/{FRONTEND}:7 (sha256:{FRONTEND})"

    def card() -> str:
        return "\n".join(card_for(story.policy, story.incident, page).paragraphs)

    assert task in card()
    assert f"/switchman repinned {story.incident.id}" in card()
    assert task in incident_markdown(story.policy, story.incident, 1, story.timeline)
    assert shown.incident(story.incident, 1)["repin"]["open"] is True
    story.presses(WES, Choice.REPINNED)
    assert task not in card()
    assert "done by Wes" in incident_markdown(story.policy, story.incident, 1, story.timeline)
    assert shown.incident(story.incident, 1)["repin"]["done_by"] == "wes"


def test_what_moved_nothing_leaves_no_task(story: Story) -> None:
    """There is nothing to pin, and who says so is told."""
    made = proposed(story, alert())
    story.presses(EVE, Choice.APPROVE, made)
    story.finishes(story.last(ActionKind.APPLY), outcome(MoveResult.REFUSED, MoveResult.REFUSED))
    assert story.incident.repin is None
    assert "there is nothing to re-pin" in told(story.presses(WES, Choice.REPINNED))


def test_what_was_put_back_leaves_no_task(story: Story) -> None:
    """A rollback that was undone pinned nothing."""
    rolled_back(story, MoveResult.REFUSED)
    story.finishes(story.last(ActionKind.RESTORE), outcome(MoveResult.MOVED))
    assert story.incident.repin is None


def test_a_rollback_that_stopped_half_way_leaves_the_task_for_what_it_moved(story: Story) -> None:
    """Only the service that is pinned is named."""
    rolled_back(story, MoveResult.FOREIGN)
    assert story.incident.repin is not None
    assert [pin.service for pin in story.incident.repin.pins] == [BACKEND]


def test_what_it_moved_half_way_is_rolled_back_from_as_well(story: Story) -> None:
    """Neither a rollback nor a release goes to that image again, whatever became of the rest."""
    rolled_back(story, MoveResult.FOREIGN)
    assert story.stack.rolled_back == (f"sha256:{BACKEND}-bad",)


def test_a_second_rollback_leaves_the_task_of_the_first_for_what_it_did_not_move(
    story: Story,
) -> None:
    """Both services are pinned, the frontend by the first, and both are named."""
    rolled_back(story)
    story.rings(TimerKind.VERIFY)
    story.asks(WES, Choice.ROLLBACK, "one further back")
    made = imaged(plan(story.later(MINUTE)))
    story.finishes(story.last(ActionKind.PLAN), made)
    story.presses(EVE, Choice.APPROVE, made.hash)
    half = outcome(MoveResult.MOVED, MoveResult.FOREIGN)
    story.finishes(story.last(ActionKind.APPLY), half)
    assert story.incident.repin is not None
    assert {pin.service for pin in story.incident.repin.pins} == {BACKEND, FRONTEND}


def test_the_task_is_done_once(story: Story) -> None:
    """The second to say so is told who was first."""
    rolled_back(story)
    at = story.later(MINUTE)
    assert story.presses(WES, Choice.REPINNED).reason is Reason.CARRIED_OUT
    assert story.incident.repin is not None
    assert (story.incident.repin.done_by, story.incident.repin.done_at) == ("wes", at)
    assert "Wes has done it already" in told(story.presses(BEN, Choice.REPINNED))


def test_a_review_waits_for_the_incident_to_be_resolved(story: Story) -> None:
    """What still burns is not looked back at."""
    rolled_back(story)
    assert "the incident is not resolved yet" in told(review(story, story.incident))


def test_a_review_is_refused_while_the_task_is_open(story: Story) -> None:
    """The reason names what is to be done, and how to say that it is."""
    rolled_back(story)
    found = resolved(story)
    refused = told(review(story, found))
    assert f"{BACKEND} and {FRONTEND} has yet to be re-pinned" in refused
    assert f"/switchman repinned {found.id}" in refused
    assert story.incident.state is State.RESOLVED


def test_a_review_closes_the_incident_with_what_was_learned(story: Story) -> None:
    """Who, when and what is kept, and shown."""
    rolled_back(story)
    found = resolved(story)
    story.presses(WES, Choice.REPINNED)
    assert "a review says what was learned" in told(review(story, found, " "))
    decision = review(story, found)
    assert said(decision)[TimelineKind.REVIEWED] == f"Ben reviewed it: {LEARNED}"
    assert story.incident.state is State.REVIEWED
    assert f": {LEARNED}" in incident_markdown(story.policy, story.incident, 1, [])
    assert filed(story.rings(TimerKind.FORGET))[0].state is State.REVIEWED
    assert story.stack.incidents == ()


def test_what_no_rollback_moved_may_be_reviewed_as_it_is(story: Story) -> None:
    """Only a rollback leaves something to do."""
    story.reports(alert())
    found = resolved(story)
    assert review(story, found).reason is Reason.CARRIED_OUT


def test_the_task_outlives_the_reopen_window(story: Story) -> None:
    """An incident that waits for its review is not filed; nothing else is done about it."""
    rolled_back(story)
    found = resolved(story)
    assert filed(story.rings(TimerKind.FORGET)) == []
    assert story.incident.aside
    assert story.stack.by_lane("infra") is None
    story.presses(WES, Choice.REPINNED)
    (row,) = filed(review(story, found))
    assert (row.id, row.state) == (found.id, State.REVIEWED)
    assert story.stack.incidents == ()


def test_a_new_incident_of_the_lane_leaves_the_old_one_its_task(story: Story) -> None:
    """Both are in the head; the lane's is the new one."""
    rolled_back(story)
    old = resolved(story)
    story.later(60 * MINUTE)
    story.reports(alert(starts_at=story.now))
    new = story.stack.by_lane("infra")
    assert new is not None
    assert {each.id for each in story.stack.incidents} == {old.id, new.id}
    story.instructs(WES, Choice.REPINNED, incident=old.id)
    assert review(story, old).reason is Reason.CARRIED_OUT
    assert story.incident.id == new.id


def test_the_head_keeps_only_so_many_for_their_review(story: Story) -> None:
    """It is bounded: the oldest is filed with its task, and its timeline says so."""
    kept: list[str] = []
    ends: list[Decision] = []
    for _ in range(MOST_ASIDE + 1):
        rolled_back(story)
        found = resolved(story)
        kept.append(found.id)
        ends.append(story.rings(TimerKind.FORGET))
    assert [each.id for each in filed(ends[-1])] == kept[:1]
    assert said(ends[-1])[TimelineKind.REFUSED].startswith("Filed without a review")
    assert {each.id for each in story.stack.incidents} == set(kept[1:])


def test_what_waits_for_its_review_is_stored(story: Story) -> None:
    """A head with a task and a review reads as it was written."""
    rolled_back(story)
    resolved(story)
    story.rings(TimerKind.FORGET)
    assert stored.HEAD.decode(stored.HEAD.encode(story.stack)) == story.stack


def test_a_review_that_comes_too_late_is_told_why(story: Story) -> None:
    """Without a rollback an incident is filed when its reopen window is over."""
    decision = story.instructs(BEN, Choice.REVIEW, incident="shop-0123456789", text="learned")
    assert decision.reason is Reason.STALE
    assert "can be reviewed until its reopen window is over" in told(decision)
