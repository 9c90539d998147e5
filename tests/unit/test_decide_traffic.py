"""What follows from a change of traffic: it worked, it half worked, or nobody knows."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from shared.domain.action import ActionKind, GaveUp, Outcome, TrafficOrder
from shared.domain.alert import AlertStatus
from shared.domain.decision import Decision, Reason
from shared.domain.event import TimerKind
from shared.domain.incident import TimelineKind
from shared.domain.incident_state import State
from shared.domain.paging import Choice, PageStep
from shared.domain.rollback import MoveResult, NoPlan, Verdict
from shared.domain.rollback_phase import Phase
from tests.builders import BACKEND, BEN, FRONTEND, LATEST, MINUTE, SECOND, alert, outcome, plan
from tests.story import Story, kinds, proposed, said

MOVED, UNSERVED = MoveResult.MOVED, MoveResult.UNSERVED
REFUSED, FOREIGN, UNKNOWN = MoveResult.REFUSED, MoveResult.FOREIGN, MoveResult.UNKNOWN
HEALTHY = outcome(MOVED, MOVED, healthy_after=7 * SECOND)


@pytest.fixture
def story() -> Story:
    """A rollback of both services is approved and under way; the page stands."""
    story = Story()
    plan_hash = proposed(story, alert())
    story.presses(BEN, Choice.APPROVE, plan_hash)
    return story


def applied(story: Story, ended: Outcome) -> Decision:
    """The change of traffic comes to this end."""
    return story.finishes(story.last(ActionKind.APPLY), ended)


def details(story: Story) -> str:
    """What the newest page says before anything else."""
    return "\n".join(story.incident.pages[-1].details)


def assert_nobody_has_it(story: Story) -> None:
    """The incident is open again, and waits for somebody to take it."""
    assert story.state() is State.OPEN
    assert (story.incident.acknowledged_by, story.incident.acknowledged_at) == ("", None)


def test_a_plan_becomes_a_proposal_on_the_page() -> None:
    """As soon as there is a plan, the page shows it and offers the choice."""
    story = Story()
    story.reports(alert())
    story.delivers(story.last(ActionKind.PAGE))
    decision = story.finishes(story.last(ActionKind.PLAN), plan())
    assert story.phase() is Phase.PROPOSED
    assert kinds(decision) == [ActionKind.REFRESH]
    assert BACKEND in said(decision)[TimelineKind.PROPOSED]
    assert FRONTEND in said(decision)[TimelineKind.PROPOSED]
    (timer,) = decision.timers
    assert (timer.kind, timer.due) == (TimerKind.PLAN_EXPIRES, plan().expires_at)


@pytest.mark.parametrize(
    "ended", [NoPlan(reason="nothing older"), GaveUp("nothing older")], ids=["no plan", "gave up"]
)
def test_that_there_is_no_plan_is_said_with_its_reason(ended: NoPlan | GaveUp) -> None:
    """Whoever was paged learns why no rollback is offered."""
    story = Story()
    story.reports(alert())
    decision = story.finishes(story.last(ActionKind.PLAN), ended)
    assert story.phase() is Phase.UNAVAILABLE
    assert said(decision) == {TimelineKind.NOT_PROPOSED: "No rollback is proposed: nothing older"}


def test_health_after_the_move_mitigates_and_measures(story: Story) -> None:
    """RTO runs from the first traffic request until health; the verdict waits for the alert."""
    decision = applied(story, HEALTHY)
    assert (story.state(), story.phase()) == (State.MITIGATED, Phase.APPLIED)
    assert story.incident.mitigated_at == HEALTHY.healthy_at
    assert (story.rollback().rto_seconds, story.rollback().verdict) == (7.0, None)
    assert kinds(decision) == [ActionKind.REFRESH]
    (timer,) = decision.timers
    assert (timer.kind, timer.due) == (TimerKind.VERIFY, story.now + 10 * MINUTE)


def test_it_is_recovered_once_the_alert_has_ended_too(story: Story) -> None:
    """Traffic, health and the alert agree: only then the verdict is `recovered`."""
    applied(story, HEALTHY)
    decision = story.reports(alert(status=AlertStatus.RESOLVED))
    assert decision.reason is Reason.RECOVERED
    assert story.rollback().verdict is Verdict.RECOVERED
    assert "7.0 s" in said(decision)[TimelineKind.VERDICT]


def test_the_end_of_another_alert_proves_nothing(story: Story) -> None:
    """The verdict asks for the alert that set the rollback off."""
    story.reports(alert("Other"))
    applied(story, HEALTHY)
    assert story.reports(alert("Other", status=AlertStatus.RESOLVED)).reason is Reason.ENDED
    assert story.rollback().verdict is None


def test_an_alert_that_ended_during_the_move_proves_it_at_once(story: Story) -> None:
    """If the alert has already ended, health is all that was missing."""
    story.reports(alert(status=AlertStatus.RESOLVED))
    assert story.rollback().verdict is None
    applied(story, HEALTHY)
    assert story.rollback().verdict is Verdict.RECOVERED


def test_an_alert_that_still_fires_after_the_verify_window_means_not_recovered(
    story: Story,
) -> None:
    """Healthy, and yet the alert stays: somebody is paged, and has to take the incident again."""
    applied(story, HEALTHY)
    decision = story.rings(TimerKind.VERIFY)
    assert story.rollback().verdict is Verdict.NOT_RECOVERED
    assert story.incident.pages[-1].step is PageStep.NOT_RECOVERED
    assert kinds(decision) == [ActionKind.PAGE, ActionKind.REFRESH]
    assert_nobody_has_it(story)


def test_when_nobody_knows_whether_the_alert_fires_the_verdict_is_unknown(story: Story) -> None:
    """`not_recovered` is not guessed either: the page says what is known and no more."""
    applied(story, HEALTHY)
    verify = story.due(story.timers[f"{story.incident.id}:{TimerKind.VERIFY}"])
    story.take(replace(verify, trigger=None))
    assert story.rollback().verdict is Verdict.UNKNOWN
    assert "still fires" not in details(story)


def test_a_verdict_that_is_known_is_not_judged_again(story: Story) -> None:
    """The verify timer finds the verdict and leaves it."""
    applied(story, HEALTHY)
    story.reports(alert(status=AlertStatus.RESOLVED))
    assert story.rings(TimerKind.VERIFY).reason is Reason.STALE
    assert story.rollback().verdict is Verdict.RECOVERED


def test_a_rollback_that_failed_is_reminded_of(story: Story) -> None:
    """Nobody has it any more: unacknowledged, the next page comes after a quarter of an hour."""
    decision = applied(story, outcome(MOVED, MOVED))
    due = {timer.kind: timer.due for timer in decision.timers}
    assert due[TimerKind.REMIND] == story.now + story.policy.timing.remind_after


def test_health_that_never_comes_back_is_paged(story: Story) -> None:
    """Traffic was moved and did not help: `not_recovered`, with what still failed."""
    decision = applied(story, outcome(MOVED, MOVED))
    assert story.rollback().verdict is Verdict.NOT_RECOVERED
    assert story.incident.pages[-1].step is PageStep.NOT_RECOVERED
    assert "/version answered 500" in details(story)
    assert kinds(decision) == [ActionKind.PAGE, ActionKind.REFRESH]
    assert_nobody_has_it(story)


@pytest.mark.parametrize("left", [MOVED, UNSERVED])
def test_when_one_service_refuses_the_other_is_put_back(story: Story, left: MoveResult) -> None:
    """A stack is rolled back together or not at all."""
    decision = applied(story, outcome(left, REFUSED))
    assert kinds(decision) == [ActionKind.RESTORE, ActionKind.REFRESH]
    restore = story.last(ActionKind.RESTORE)
    assert restore.order == TrafficOrder(plan=plan(), only=(BACKEND,))
    assert restore.not_after is None, "putting back is allowed at any time"
    assert (story.state(), story.phase()) == (State.MITIGATING, Phase.RESTORING)


def test_once_it_is_put_back_a_second_page_says_so_with_both_states(story: Story) -> None:
    """The page names for each service what was before, what was wanted, and what is now."""
    applied(story, outcome(MOVED, REFUSED))
    back = replace(outcome(MOVED, MOVED).services[0], traffic=LATEST)
    story.finishes(story.last(ActionKind.RESTORE), replace(outcome(MOVED, MOVED), services=(back,)))
    assert story.phase() is Phase.UNDONE
    assert story.incident.pages[-1].step is PageStep.ROLLBACK_UNDONE
    for service in (BACKEND, FRONTEND):
        states = rf"{service}: before 100 % LATEST .*, wanted 100 % .*good, now 100 % LATEST"
        assert re.search(states, details(story))
    assert "shop-frontend says refused" in details(story)
    assert_nobody_has_it(story)


def test_a_service_that_cannot_be_put_back_is_left_to_a_person(story: Story) -> None:
    """A restore never overrides what somebody else did: it stops and pages."""
    applied(story, outcome(MOVED, REFUSED))
    story.finishes(story.last(ActionKind.RESTORE), outcome(FOREIGN, MOVED))
    assert (story.phase(), story.rollback().verdict) == (Phase.HELD, Verdict.UNKNOWN)
    assert story.incident.pages[-1].step is PageStep.ROLLBACK_HELD


def test_when_every_service_refuses_there_is_nothing_to_put_back(story: Story) -> None:
    """Nothing moved: the page says so, and why."""
    decision = applied(story, outcome(REFUSED, REFUSED))
    assert kinds(decision) == [ActionKind.PAGE, ActionKind.REFRESH]
    assert story.phase() is Phase.UNDONE
    assert story.incident.pages[-1].step is PageStep.ROLLBACK_UNDONE
    for service in (BACKEND, FRONTEND):
        assert f"{service} says refused" in details(story)


@pytest.mark.parametrize("doubt", [FOREIGN, UNKNOWN])
@pytest.mark.parametrize("other", [MOVED, REFUSED, UNSERVED])
def test_in_doubt_traffic_does_not_move(story: Story, doubt: MoveResult, other: MoveResult) -> None:
    """A service that somebody else changed, or nobody knows about, stops everything."""
    decision = applied(story, outcome(other, doubt))
    assert kinds(decision) == [ActionKind.PAGE, ActionKind.REFRESH]
    assert (story.phase(), story.rollback().verdict) == (Phase.HELD, Verdict.UNKNOWN)
    assert story.incident.pages[-1].step is PageStep.ROLLBACK_HELD
    assert BACKEND in details(story)
    assert FRONTEND in details(story)
    assert_nobody_has_it(story)


def test_the_page_about_a_doubt_says_what_the_doubt_is(story: Story) -> None:
    """Whoever must look learns whose change it was, or what is not known."""
    applied(story, outcome(MOVED, FOREIGN))
    assert "shop-frontend says foreign" in details(story)


def test_an_incident_shows_how_each_service_ended(story: Story) -> None:
    """However a rollback ends, the incident keeps what came of every service."""
    ended = outcome(MOVED, UNKNOWN)
    applied(story, ended)
    assert story.rollback().outcomes == ended.services


def test_a_change_that_was_given_up_is_left_to_a_person(story: Story) -> None:
    """After the last attempt nobody knows where traffic stands, and the page says so."""
    applied(story, GaveUp("tried 8 times: Cloud Run is away"))
    assert story.phase() is Phase.HELD
    assert "tried 8 times" in details(story)
    assert story.incident.pages[-1].step is PageStep.ROLLBACK_HELD


@pytest.mark.parametrize("ended", [HEALTHY, outcome(REFUSED, MOVED), GaveUp("late")])
def test_a_rollback_that_is_over_is_not_judged_by_a_late_result(
    story: Story, ended: Outcome
) -> None:
    """The result of an earlier claim changes nothing any more."""
    applied(story, HEALTHY)
    before = story.stack
    decision = applied(story, ended)
    assert (decision.reason, decision.stack, decision.actions) == (Reason.STALE, before, ())


def test_a_plan_for_an_incident_that_is_gone_is_no_drill() -> None:
    """Only what was asked for as a drill may ever count as one."""
    story = Story()
    story.reports(alert())
    asked = story.last(ActionKind.PLAN)
    story.stack = story.stack.without(story.incident.id)
    decision = story.finishes(asked, plan())
    assert (decision.reason, decision.rows) == (Reason.STALE, ())
