"""Where a rollback's time went."""

from __future__ import annotations

from dataclasses import replace

from shared.domain.action import ActionKind
from shared.domain.incident import TimelineKind
from shared.domain.incident_state import State
from shared.domain.paging import Choice
from shared.domain.phases import phases
from shared.domain.rollback import MoveResult, TrafficOutcome
from shared.domain.rollback_phase import Phase
from shared.wire import shown
from tests.builders import BEN, EVE, NOON, SECOND, alert, incident, outcome, plan, rollback
from tests.story import Story


def moved(story: Story, *accepted_after: int | None) -> TrafficOutcome:
    """Both services moved; Cloud Run took each request so long after the first was sent."""
    begun = story.now
    both = outcome(MoveResult.MOVED, MoveResult.MOVED, started_at=begun, healthy_after=9 * SECOND)
    services = tuple(
        replace(each, accepted_at=None if after is None else begun + after * SECOND)
        for each, after in zip(both.services, accepted_after, strict=True)
    )
    story.later(10 * SECOND)
    return replace(both, services=services, served_at=begun + 8 * SECOND)


def told() -> Story:
    """An alert of 20 s ago, a plan after 2 s, approved after 30 s, begun after 1 s."""
    story = Story()
    story.later(20 * SECOND)
    story.reports(alert(starts_at=NOON))
    story.later(2 * SECOND)
    story.finishes(story.last(ActionKind.PLAN), plan(story.now))
    story.later(30 * SECOND)
    story.presses(BEN, Choice.APPROVE, plan(story.now - 30 * SECOND).hash)
    story.later(SECOND)
    return story


def test_each_phase_is_between_two_instants_that_were_written_down() -> None:
    """Detect, decide, approve, apply, serve, recover: in this order, in seconds."""
    story = told()
    story.finishes(story.last(ActionKind.APPLY), moved(story, 1, 2))
    assert phases(story.incident) == (
        ("detect", 20.0),
        ("decide", 2.0),
        ("approve", 30.0),
        ("apply", 2.0),
        ("serve", 6.0),
        ("recover", 1.0),
    )


def test_apply_serve_and_recover_are_the_rto() -> None:
    """The RTO stays what the runbook measures: from the first traffic request until health."""
    story = told()
    story.finishes(story.last(ActionKind.APPLY), moved(story, 1, 2))
    found = dict(phases(story.incident))
    parts = [found[name] or 0.0 for name in ("apply", "serve", "recover")]
    assert sum(parts) == story.rollback().rto_seconds == 9.0


def test_the_timeline_and_the_json_say_it() -> None:
    """Whoever reads the story, or the document, need not count."""
    story = told()
    story.finishes(story.last(ActionKind.APPLY), moved(story, 1, 2))
    (line,) = [row.text for row in story.timeline if row.kind is TimelineKind.HEALTHY]
    assert "approve 30.0 s, apply 2.0 s, serve 6.0 s, recover 1.0 s" in line
    document = shown.incident(story.incident, 1)["rollback"]
    said = [(phase["name"], phase["seconds"]) for phase in document["phases"]]
    assert tuple(said) == phases(story.incident)


def test_what_was_not_seen_is_not_made_up() -> None:
    """A worker that took over did not see when Cloud Run took the request."""
    story = told()
    story.finishes(story.last(ActionKind.APPLY), moved(story, 1, None))
    found = dict(phases(story.incident))
    assert (found["apply"], found["serve"], found["recover"]) == (None, None, 1.0)


def test_what_a_person_asks_for_was_not_detected() -> None:
    """No alert began."""
    story = Story()
    story.asks(EVE, Choice.ROLLBACK, "the checkout is broken")
    story.later(3 * SECOND)
    story.finishes(story.last(ActionKind.PLAN), plan(story.now))
    assert phases(story.incident)[:2] == (("detect", None), ("decide", 3.0))


def test_clocks_that_disagree_make_no_phase_negative() -> None:
    """An alert may begin in our future, by its sender's clock."""
    early = rollback(Phase.PLANNING, fired_at=NOON + SECOND)
    assert phases(incident(State.OPEN, rollback=early))[0] == ("detect", 0.0)


def test_an_incident_without_a_rollback_has_no_phases() -> None:
    """There is nothing to split."""
    assert phases(incident()) == ()
