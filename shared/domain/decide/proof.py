"""Waiting for the proof that a rollback helped: timers that ask for it, and what they are answered.

Health is back by then. What proves the rest is the end of the alert that set the rollback off, or
every metric of the policy back within its budget; whichever comes first within the window.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from shared.domain.action import ActionKind, Measured, MeasureOrder
from shared.domain.alert import AlertStatus
from shared.domain.decide.draft import Draft, nobody_has_it
from shared.domain.decide.escalating import remind
from shared.domain.decide.proposals import propose_further
from shared.domain.decide.verdicts import awaits_verdict, recovered, rules, settle_verdict
from shared.domain.decision import Reason
from shared.domain.event import TimerKind
from shared.domain.incident import Incident, Rollback, TimelineKind
from shared.domain.incident_state import Trigger
from shared.domain.machine import Refusal
from shared.domain.metrics import Measurement, MetricQuery, Missing, Standing, standing
from shared.domain.paging import PageStep
from shared.domain.rollback import Verdict

EACH: Final = timedelta(minutes=1)
"""How often the metrics are asked for: no source has a new sample much sooner."""


def await_proof(draft: Draft, incident: Incident, trigger: AlertStatus | None) -> None:
    """Traffic and health are as they should be: the window in which the proof must come begins."""
    window = rules(draft).verify_window
    draft.timer(TimerKind.VERIFY, incident, draft.now + window)
    if settle_verdict(draft, incident, trigger):
        return
    if rules(draft).metrics:
        draft.timer(TimerKind.MEASURE, incident, draft.now + min(EACH, window))
    draft.refresh(incident)


def measure(draft: Draft, incident: Incident, trigger: AlertStatus | None) -> Reason:
    """Have the metrics asked for, unless the verdict is known by now."""
    return _look(draft, incident, trigger, last=False)


def verify(draft: Draft, incident: Incident, trigger: AlertStatus | None) -> Reason:
    """The window is over: the metrics are asked for once more, or else the verdict is due."""
    return _look(draft, incident, trigger, last=True)


def _look(draft: Draft, incident: Incident, trigger: AlertStatus | None, *, last: bool) -> Reason:
    rollback = incident.rollback
    if rollback is None or not awaits_verdict(rollback):
        return Reason.STALE
    if settle_verdict(draft, incident, trigger):
        return Reason.RECOVERED
    queries = rules(draft).metrics
    if queries:
        assert rollback.healthy_at is not None, "a verdict is awaited once health is back"
        order = MeasureOrder(queries=queries, since=rollback.healthy_at, at=draft.now, last=last)
        draft.act(ActionKind.MEASURE, incident.id, order)
        return Reason.MEASURING
    return _without_proof(draft, incident, rollback, trigger, ()) if last else Reason.STALE


def on_measured(
    draft: Draft,
    incident: Incident,
    order: MeasureOrder,
    outcome: Measured,
    trigger: AlertStatus | None,
) -> Reason:
    """All within their budgets: recovered. If not, ask again in a while, or say what is known."""
    rollback = incident.rollback
    about_it = rollback is not None and awaits_verdict(rollback)
    if rollback is None or not about_it or rollback.healthy_at != order.since:
        return Reason.STALE
    if settle_verdict(draft, incident, trigger):
        return Reason.RECOVERED
    pairs = zip(order.queries, outcome.answers, strict=True)
    found = tuple(_finding(query, answer, order) for query, answer in pairs)
    if all(each.standing is Standing.WITHIN for each in found):
        recovered(draft, incident, rollback, "; ".join(each.text for each in found))
        return Reason.MEASURED
    if order.last:
        return _without_proof(draft, incident, rollback, trigger, found)
    draft.timer(TimerKind.MEASURE, incident, draft.now + EACH)
    return Reason.RECORDED


@dataclass(frozen=True, slots=True)
class _Finding:
    """How one metric stands, and that in words."""

    standing: Standing
    text: str


def _finding(query: MetricQuery, measurement: Measurement, order: MeasureOrder) -> _Finding:
    """A sample from before health was restored says nothing about the time since."""
    answer = measurement.answer
    if isinstance(answer, Missing):
        return _Finding(Standing.UNKNOWN, f"{query.expression} is not known: {answer.reason}")
    said = f"{query.expression} was {answer.value:g} at {answer.at:%H:%M:%S}"
    if answer.at <= order.since:
        return _Finding(Standing.UNKNOWN, f"{said}, which was before health was back")
    stands = standing(answer, query.budget, order.at, query.window)
    if stands is Standing.UNKNOWN:
        return _Finding(stands, f"{said}, which is too far from {order.at:%H:%M:%S} to count")
    return _Finding(stands, f"{said}, and should be {query.budget}")


def _without_proof(
    draft: Draft,
    incident: Incident,
    rollback: Rollback,
    trigger: AlertStatus | None,
    found: tuple[_Finding, ...],
) -> Reason:
    """The window is over. What is not known is not guessed: traffic stays, and a person looks."""
    verdict, why = _verdict(rollback, trigger, {each.standing for each in found})
    text = f"traffic is on the target and healthy, yet {why}"
    texts = tuple(each.text for each in found)
    moved = incident.moved(Trigger.ROLLBACK_FAILED)
    incident = nobody_has_it(incident if isinstance(moved, Refusal) else moved)
    incident = replace(incident, rollback=replace(rollback, verdict=verdict))
    draft.say(incident, TimelineKind.VERDICT, f"Verdict: {verdict}: {'; '.join((text, *texts))}")
    step = PageStep.UNPROVEN if verdict is Verdict.UNKNOWN else PageStep.NOT_RECOVERED
    step = PageStep.RELEASE_DOUBTFUL if rollback.release else step
    details = (text.capitalize(), *texts, *_revisions(rollback))
    incident = propose_further(draft, draft.page(incident, step, details))
    remind(draft, incident)
    draft.refresh(incident)
    return Reason.RECORDED


def _verdict(
    rollback: Rollback, trigger: AlertStatus | None, standings: set[Standing]
) -> tuple[Verdict, str]:
    """What is known when the window is over, and why no more."""
    if standings and Standing.OUTSIDE not in standings:
        return Verdict.UNKNOWN, "the metrics that would show whether it helped are missing"
    if trigger is None:
        why = "nobody knows whether the alert that set it off has ended"
        return Verdict.UNKNOWN, why
    if rollback.trigger:
        return Verdict.NOT_RECOVERED, "the alert that set it off still fires"
    if trigger is AlertStatus.FIRING:
        return Verdict.NOT_RECOVERED, "alerts of its incident still fire"
    return Verdict.NOT_RECOVERED, "the metrics are outside their budgets"


def _revisions(rollback: Rollback) -> tuple[str, ...]:
    """For each service where its traffic is now, and where it was."""
    return tuple(
        f"{plan.service}: traffic stays on {plan.to_revision}; before it was on {plan.from_revision}"
        for plan in (rollback.plan.services if rollback.plan else ())
    )
