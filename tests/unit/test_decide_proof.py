"""The proof that a rollback helped: the alert ends, or every metric is back within its budget."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.domain.action import ActionKind, GaveUp, Measured, MeasureOrder
from shared.domain.alert import AlertStatus
from shared.domain.decide.proof import EACH
from shared.domain.decision import Reason
from shared.domain.event import TimerKind
from shared.domain.incident import TimelineKind
from shared.domain.incident_state import State
from shared.domain.metrics import Bound, Budget, Measurement, MetricQuery, Reading
from shared.domain.paging import Choice, PageStep
from shared.domain.policy import Policy
from shared.domain.rollback import MoveResult, Verdict
from tests.builders import BACKEND, BEN, EVE, FRONTEND, MINUTE, SECOND, alert, outcome, plan, policy
from tests.story import Story, kinds, proposed, said

ERRORS = MetricQuery(
    source="prometheus", expression="errors", budget=Budget(Bound.BELOW, 5), window=5 * MINUTE
)
SERVED = MetricQuery(
    source="prometheus", expression="served", budget=Budget(Bound.ABOVE, 1), window=5 * MINUTE
)
GOOD, BAD = {ERRORS: 2.0, SERVED: 90.0}, {ERRORS: 2.0, SERVED: 0.5}
MISSING = Measurement(missing="the source is away")


def with_metrics(*queries: MetricQuery, window: timedelta = 10 * MINUTE) -> Policy:
    """The shop's policy, where a recovery shows in these metrics too."""
    rules = policy()
    shop = rules.stack("shop")
    rollback = replace(shop.rollback, metrics=queries, verify_window=window)
    return replace(rules, stacks={"shop": replace(shop, rollback=rollback)})


def healthy(rules: Policy | None = None) -> Story:
    """Traffic was moved, health is back, and the alert still fires."""
    story = Story(rules or with_metrics(ERRORS, SERVED))
    story.presses(BEN, Choice.APPROVE, proposed(story, alert()))
    return moved(story)


def moved(story: Story) -> Story:
    """What the approved change led to."""
    story.later(10 * SECOND)
    both = outcome(
        MoveResult.MOVED,
        MoveResult.MOVED,
        started_at=story.now - 7 * SECOND,
        healthy_after=7 * SECOND,
    )
    story.finishes(story.last(ActionKind.APPLY), both)
    return story


def order(story: Story) -> MeasureOrder:
    """What was asked last."""
    asked = story.last(ActionKind.MEASURE).order
    assert isinstance(asked, MeasureOrder)
    return asked


def measured(story: Story, values: dict[MetricQuery, float], at: datetime | None = None) -> Reason:
    """The metrics answer what was asked last, with samples taken then."""
    asked = order(story)
    taken = at or asked.at
    answers = (Measurement(reading=Reading(values[query], taken)) for query in asked.queries)
    return story.finishes(story.last(ActionKind.MEASURE), Measured(tuple(answers))).reason


def details(story: Story) -> str:
    """What the newest page says."""
    return "\n".join(story.incident.pages[-1].details)


def test_metrics_that_are_all_back_within_their_budgets_prove_it() -> None:
    """The alert may fire on: what people would look at says that the service has recovered."""
    story = healthy()
    assert story.rings(TimerKind.MEASURE).reason is Reason.MEASURING
    assert order(story).queries == (ERRORS, SERVED)
    assert measured(story, GOOD) is Reason.MEASURED
    assert story.rollback().verdict is Verdict.RECOVERED
    assert story.state() is State.MITIGATED
    (line,) = [row.text for row in story.timeline if row.kind is TimelineKind.VERDICT]
    assert "errors was 2" in line
    assert "below 5" in line


def test_one_metric_outside_its_budget_is_enough_to_ask_again() -> None:
    """All of the policy's metrics must be back; until the window is over they are asked again."""
    story = healthy()
    story.rings(TimerKind.MEASURE)
    asked_at = order(story).at
    measured(story, BAD)
    assert story.rollback().verdict is None
    story.rings(TimerKind.MEASURE)
    assert order(story).at == asked_at + EACH
    assert measured(story, GOOD) is Reason.MEASURED


def test_nothing_is_waited_for_in_between() -> None:
    """Each question is an action of its own, set off by a timer, and so survives any death."""
    story = healthy()
    assert kinds(story.rings(TimerKind.MEASURE)) == [ActionKind.MEASURE]
    assert f"{story.incident.id}:{TimerKind.MEASURE}" not in story.timers
    measured(story, BAD)
    assert story.timers[f"{story.incident.id}:{TimerKind.MEASURE}"].due == story.now + EACH


def test_the_end_of_the_alert_proves_it_without_the_metrics() -> None:
    """Whichever comes first counts, and what is asked no longer matters then."""
    story = healthy()
    story.rings(TimerKind.MEASURE)
    assert story.reports(alert(status=AlertStatus.RESOLVED)).reason is Reason.RECOVERED
    assert measured(story, BAD) is Reason.STALE
    assert story.rollback().verdict is Verdict.RECOVERED


@pytest.mark.parametrize("early", [0 * SECOND, 30 * SECOND])
def test_a_sample_from_before_health_was_back_proves_nothing(early: timedelta) -> None:
    """What was measured while the bad revision served may be within its budget by chance."""
    story = healthy()
    story.rings(TimerKind.MEASURE)
    healthy_at = story.rollback().healthy_at
    assert healthy_at is not None
    measured(story, GOOD, at=healthy_at - early)
    assert story.rollback().verdict is None


def test_a_late_sample_proves_nothing() -> None:
    """A source that stopped taking samples shows the last good one for ever."""
    story = healthy()
    healthy_at = story.rollback().healthy_at
    assert healthy_at is not None
    story.later(6 * MINUTE)
    story.rings(TimerKind.MEASURE)
    measured(story, GOOD, at=healthy_at + 30 * SECOND)
    assert story.rollback().verdict is None, "that was more than the metrics' window ago"


def test_metrics_that_stay_outside_mean_not_recovered() -> None:
    """At the end of the window both speak against it: the alert fires, and a metric is bad."""
    story = healthy()
    decision = story.rings(TimerKind.VERIFY)
    assert kinds(decision) == [ActionKind.MEASURE]
    assert order(story).last
    measured(story, BAD)
    assert story.rollback().verdict is Verdict.NOT_RECOVERED
    assert story.incident.pages[-1].step is PageStep.NOT_RECOVERED
    assert "served was 0.5" in details(story)
    assert story.state() is State.OPEN, "somebody has to take it up again"


@pytest.mark.parametrize("known", [(), (ERRORS,)])
def test_signals_that_are_missing_at_the_end_leave_the_verdict_unknown(
    known: tuple[MetricQuery, ...],
) -> None:
    """Traffic stays, the page names both revisions of each service, and nothing follows."""
    story = healthy()
    story.rings(TimerKind.VERIFY)
    answers = (
        Measurement(reading=Reading(2.0, story.now)) if query in known else MISSING
        for query in order(story).queries
    )
    decision = story.finishes(story.last(ActionKind.MEASURE), Measured(tuple(answers)))
    assert story.rollback().verdict is Verdict.UNKNOWN
    assert story.incident.pages[-1].step is PageStep.UNPROVEN
    for service in (BACKEND, FRONTEND):
        assert f"{service}-good" in details(story)
        assert f"{service}-bad" in details(story)
    assert "the source is away" in details(story)
    assert kinds(decision) == [ActionKind.PAGE, ActionKind.REFRESH]
    assert f"{story.incident.id}:{TimerKind.REMIND}" in story.timers


def test_a_question_that_was_given_up_counts_as_unanswered() -> None:
    """Whoever asks the metrics may fail for good: that is no proof of anything."""
    story = healthy()
    story.rings(TimerKind.VERIFY)
    story.finishes(story.last(ActionKind.MEASURE), GaveUp("tried 8 times in vain"))
    assert story.rollback().verdict is Verdict.UNKNOWN
    assert "tried 8 times" in details(story)


def test_metrics_within_their_budgets_at_the_end_still_count() -> None:
    """The last answer is as good as any before it."""
    story = healthy()
    story.rings(TimerKind.VERIFY)
    assert measured(story, GOOD) is Reason.MEASURED
    assert story.rollback().verdict is Verdict.RECOVERED


def test_an_answer_about_an_earlier_rollback_says_nothing() -> None:
    """Health came back at another time then: that was another revision."""
    story = healthy()
    story.rings(TimerKind.VERIFY)
    action = story.last(ActionKind.MEASURE)
    asked = order(story)
    late = replace(action, order=replace(asked, since=asked.since - MINUTE))
    answers = (Measurement(reading=Reading(GOOD[q], asked.at)) for q in asked.queries)
    assert story.finishes(late, Measured(tuple(answers))).reason is Reason.STALE
    assert story.rollback().verdict is None


def test_what_fires_after_the_metrics_proved_it_is_paged() -> None:
    """A rollback that helped and did not hold wakes its owner again."""
    story = healthy()
    story.rings(TimerKind.MEASURE)
    measured(story, GOOD)
    story.later(MINUTE)
    again = alert("Other", starts_at=story.now)
    decision = story.reports(again)
    assert decision.reason is Reason.DID_NOT_HOLD
    assert story.incident.pages[-1].step is PageStep.NOT_RECOVERED
    assert TimerKind.REMIND in {timer.kind for timer in decision.timers}


def asked_for(rules: Policy) -> Story:
    """A person asked for the rollback, another approved it, and health is back: no alert fires."""
    story = Story(rules)
    story.asks(EVE, Choice.ROLLBACK, "the checkout is broken")
    story.delivers(story.last(ActionKind.PAGE))
    made = plan(story.now)
    story.finishes(story.last(ActionKind.PLAN), made)
    story.presses(BEN, Choice.APPROVE, made.hash)
    return moved(story)


def test_without_an_alert_health_is_enough_where_no_metrics_are_configured() -> None:
    """There is nothing else to look at."""
    assert asked_for(policy()).rollback().verdict is Verdict.RECOVERED


def test_without_an_alert_the_metrics_have_to_prove_it() -> None:
    """An alert that never was cannot have ended."""
    story = asked_for(with_metrics(ERRORS, SERVED))
    assert story.rollback().verdict is None
    story.rings(TimerKind.MEASURE)
    measured(story, GOOD)
    assert story.rollback().verdict is Verdict.RECOVERED


def test_without_an_alert_bad_metrics_at_the_end_mean_not_recovered() -> None:
    """What the policy looks at is bad, and the page does not speak of an alert."""
    story = asked_for(with_metrics(ERRORS, SERVED))
    story.rings(TimerKind.VERIFY)
    measured(story, BAD)
    assert story.rollback().verdict is Verdict.NOT_RECOVERED
    assert "alert" not in details(story)


def test_what_joined_a_rollback_that_a_person_asked_for_has_to_end() -> None:
    """No alert set it off, and one fires now: nothing says that it helped."""
    story = Story()
    story.asks(EVE, Choice.ROLLBACK, "the checkout is broken")
    story.reports(alert())
    made = plan(story.now)
    story.finishes(story.last(ActionKind.PLAN), made)
    story.presses(BEN, Choice.APPROVE, made.hash)
    moved(story)
    assert story.rollback().verdict is None
    story.rings(TimerKind.VERIFY)
    assert story.rollback().verdict is Verdict.NOT_RECOVERED
    assert "alerts of its incident still fire" in details(story)


def test_an_alert_that_was_split_off_and_fires_on_proves_nothing() -> None:
    """The incident is over without it; that the rollback helped is not said by that."""
    story = healthy(policy())
    story.reports(alert("Other"))
    incident = story.incident.id
    story.instructs(BEN, Choice.SPLIT, incident=incident, alerts="ErrorsHigh", lane="data")
    story.reports(alert("Other", status=AlertStatus.RESOLVED))
    for kind in (TimerKind.SETTLE, TimerKind.CONFIRM):
        timer = story.timers[f"{incident}:{kind}"]
        story.later(timer.due - story.now)
        story.take(story.due(timer))
    known = story.stack.incident(incident)
    assert known is not None
    assert known.rollback is not None
    assert (known.state, known.rollback.verdict) == (State.RESOLVED, None)


def test_without_metrics_nothing_is_measured() -> None:
    """No timer, no question: the alert alone decides, as it always did."""
    story = healthy(policy())
    assert f"{story.incident.id}:{TimerKind.MEASURE}" not in story.timers
    decision = story.rings(TimerKind.VERIFY)
    assert ActionKind.MEASURE not in kinds(decision)
    assert story.rollback().verdict is Verdict.NOT_RECOVERED
    assert TimelineKind.VERDICT in said(decision)
