"""What follows from a change of traffic: it worked, it half worked, or nobody knows."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from shared.domain.action import ActionKind, TrafficOrder
from shared.domain.alert import AlertStatus
from shared.domain.decide.aftermath import after_moving, with_repin
from shared.domain.decide.draft import Draft, nobody_has_it
from shared.domain.decide.escalating import remind
from shared.domain.decide.opening import watch
from shared.domain.decide.proof import await_proof
from shared.domain.decide.proposals import propose_further
from shared.domain.decide.verdicts import in_words, measured, split_in_words
from shared.domain.decision import Reason
from shared.domain.incident import Incident, Rollback, TimelineKind
from shared.domain.incident_state import Trigger
from shared.domain.machine import Refusal
from shared.domain.paging import PageStep
from shared.domain.policy import OnPartial
from shared.domain.rollback import (
    MoveResult,
    TrafficOutcome,
    Verdict,
    describe_split,
)
from shared.domain.rollback_phase import Step


def on_applied(
    draft: Draft, incident: Incident, outcome: TrafficOutcome, trigger: AlertStatus | None
) -> Reason:
    """All moved: judge it. Some refused: put the others back, unless the policy says hold.

    In doubt: hands off, and page.
    """
    _say_outcome(draft, incident, outcome)
    if incident.rollback is not None:
        noted = replace(incident.rollback, outcomes=outcome.services)
        incident = replace(incident, rollback=noted)
    if outcome.any(MoveResult.FOREIGN, MoveResult.UNKNOWN):
        return _hold(draft, incident, outcome)
    if outcome.all(MoveResult.MOVED):
        why = _why_not_released(incident, outcome, trigger)
        if why:
            draft.say(incident, TimelineKind.UNHEALTHY, f"Not well on LATEST: {why}")
            return _put_back(draft, incident, outcome, Step.UNWELL, f"It is not well ({why})")
        return _moved(draft, incident, outcome, trigger)
    if not outcome.to_put_back():
        return _undone(draft, incident, outcome, Step.NOTHING_MOVED)
    if draft.policy.stack(draft.stack.id).rollback.on_partial is OnPartial.HOLD:
        return _hold(draft, incident, outcome, "Not every service moved, and the policy says hold")
    return _put_back(draft, incident, outcome, Step.PARTIAL, "Not every service could be moved")


def _why_not_released(
    incident: Incident, outcome: TrafficOutcome, trigger: AlertStatus | None
) -> str:
    """Why a release that moved everything is taken back; empty where it stays, or is no release."""
    if incident.rollback is None or not incident.rollback.release:
        return ""
    if outcome.healthy_at is None:
        return outcome.health
    fires = trigger is AlertStatus.FIRING
    return "an alert began while it was carried out, and still fires" if fires else ""


def on_restored(draft: Draft, incident: Incident, outcome: TrafficOutcome) -> Reason:
    """The services that had moved are back, or they are not and a person must look."""
    for result in outcome.services:
        kind = TimelineKind.RESTORED if result.result is MoveResult.MOVED else TimelineKind.HELD
        draft.say(incident, kind, f"{result.service}: {result.detail}")
    if outcome.all(MoveResult.MOVED):
        return _undone(draft, _with_put_back(incident, outcome), outcome, Step.RESTORED)
    return _hold(draft, incident, outcome)


def _with_put_back(incident: Incident, restored: TrafficOutcome) -> Incident:
    """The incident whose services, as far as they had moved, are shown as put back."""
    assert incident.rollback is not None, "only a rollback is restored"
    back = {o.service: replace(o, result=MoveResult.PUT_BACK) for o in restored.services}
    outcomes = tuple(back.get(o.service, o) for o in incident.rollback.outcomes)
    return replace(incident, rollback=replace(incident.rollback, outcomes=outcomes))


def on_lost(draft: Draft, incident: Incident, reason: str) -> Reason:
    """The change was given up with its state unknown."""
    draft.say(incident, TimelineKind.HELD, f"Given up: {reason}")
    return _hold(draft, incident, None, reason)


def _say_outcome(draft: Draft, incident: Incident, outcome: TrafficOutcome) -> None:
    kinds = {
        MoveResult.MOVED: TimelineKind.SERVICE_MOVED,
        MoveResult.REFUSED: TimelineKind.SERVICE_REFUSED,
        MoveResult.UNSERVED: TimelineKind.SERVICE_REFUSED,
    }
    for result in outcome.services:
        moved = result.result is MoveResult.MOVED
        draft.say(
            incident,
            kinds.get(result.result, TimelineKind.HELD),
            f"{result.service}: {result.detail}",
            at=outcome.served_at if moved else None,
        )


def _moved(
    draft: Draft, incident: Incident, outcome: TrafficOutcome, trigger: AlertStatus | None
) -> Reason:
    rollback = _stepped(incident, Step.MOVED)
    if rollback is None:
        return Reason.STALE
    rollback = measured(rollback, outcome)
    incident = after_moving(draft, incident, [each.service for each in outcome.services])
    if outcome.healthy_at is None:
        rollback = replace(rollback, verdict=Verdict.NOT_RECOVERED)
        draft.say(incident, TimelineKind.UNHEALTHY, f"Still not healthy: {outcome.health}")
        details = ("Traffic was moved and health did not come back", outcome.health)
        return _failed(draft, incident, rollback, PageStep.NOT_RECOVERED, details)
    moved = incident.moved(Trigger.ROLLBACK_HEALTHY)
    if isinstance(moved, Refusal):
        return Reason.STALE
    settles = moved.settles or rollback.release  # a release leaves nothing to do for anybody
    healthy = replace(moved, rollback=rollback, mitigated_at=outcome.healthy_at, settles=settles)
    text = f"Healthy: {in_words(rollback)} ({split_in_words(healthy)})"
    draft.say(healthy, TimelineKind.HEALTHY, text, at=outcome.healthy_at)
    draft.put(healthy)
    if rollback.release:
        watch(draft, healthy)
    await_proof(draft, healthy, trigger)
    return Reason.RECORDED


def _put_back(
    draft: Draft, incident: Incident, outcome: TrafficOutcome, step: Step, why: str
) -> Reason:
    rollback = _stepped(incident, step)
    if rollback is None or rollback.plan is None:
        return Reason.STALE
    only = outcome.to_put_back()
    incident = replace(incident, rollback=replace(rollback, why_not=why))
    text = f"{why}, so {' and '.join(only)} is put back as it was"
    draft.say(incident, TimelineKind.RESTORING, text)
    draft.act(ActionKind.RESTORE, incident.id, TrafficOrder(plan=rollback.plan, only=only))
    draft.put(incident)
    draft.refresh(incident)
    return Reason.RECORDED


def _undone(draft: Draft, incident: Incident, outcome: TrafficOutcome, step: Step) -> Reason:
    rollback = _stepped(incident, step)
    if rollback is None:
        return Reason.STALE
    rollback = replace(rollback, verdict=Verdict.NOT_RECOVERED)
    why = f" {rollback.why_not}." if rollback.release and rollback.why_not else ""
    lead = f"The {rollback.called} was not carried out; traffic is as it was before it.{why}"
    details = (lead, *_states(rollback, outcome))
    return _failed(draft, incident, rollback, PageStep.ROLLBACK_UNDONE, details)


def _hold(
    draft: Draft, incident: Incident, outcome: TrafficOutcome | None, reason: str = ""
) -> Reason:
    rollback = _stepped(incident, Step.LEFT)
    if rollback is None:
        return Reason.STALE
    rollback = replace(rollback, verdict=Verdict.UNKNOWN)
    incident = with_repin(draft, incident, _left_at_target(rollback, outcome))
    lead = "Switchman touches this traffic no more: somebody must look at it"
    details = (f"{lead}. {reason}".strip(), *_states(rollback, outcome))
    return _failed(draft, incident, rollback, PageStep.ROLLBACK_HELD, details)


def _left_at_target(rollback: Rollback, outcome: TrafficOutcome | None) -> tuple[str, ...]:
    """The services that the rollback moved, and nobody has put back as far as is known."""
    ends = {each.service: each.result for each in rollback.outcomes}
    if outcome is not None and outcome.services != rollback.outcomes:
        for each in outcome.services:
            if each.result is MoveResult.MOVED:
                ends[each.service] = MoveResult.PUT_BACK
    return tuple(service for service, result in ends.items() if result is MoveResult.MOVED)


def _states(rollback: Rollback, outcome: TrafficOutcome | None) -> tuple[str, ...]:
    """For each service what it had, what was wanted, what it has now, and what went wrong."""
    seen = {o.service: o for o in (*rollback.outcomes, *(outcome.services if outcome else ()))}
    wrong = {o.service: o.detail for o in rollback.outcomes if o.result not in _WELL}
    if outcome is not None:
        bad = (o for o in outcome.services if o.result is not MoveResult.MOVED)
        wrong.update({o.service: o.detail for o in bad})
    lines = []
    for plan in rollback.plan.services if rollback.plan else ():
        last = seen.get(plan.service)
        now = (
            describe_split(last.traffic, plan.latest_ready) if last and last.traffic else "not seen"
        )
        before, wanted = describe_split(plan.before, plan.latest_ready), describe_split(plan.after)
        why = f" ({wrong[plan.service]})" if plan.service in wrong else ""
        lines.append(f"{plan.service}: before {before}, wanted {wanted}, now {now}{why}")
    return tuple(lines)


_OF_RELEASES: Final = {
    PageStep.ROLLBACK_UNDONE: PageStep.RELEASE_UNDONE,
    PageStep.ROLLBACK_HELD: PageStep.RELEASE_HELD,
    PageStep.NOT_RECOVERED: PageStep.RELEASE_DOUBTFUL,
}
_WELL: Final = (MoveResult.MOVED, MoveResult.PUT_BACK)


def _failed(
    draft: Draft,
    incident: Incident,
    rollback: Rollback,
    step: PageStep,
    details: tuple[str, ...],
) -> Reason:
    moved = incident.moved(Trigger.ROLLBACK_FAILED)
    incident = nobody_has_it(incident if isinstance(moved, Refusal) else moved)
    incident = replace(incident, rollback=rollback)
    draft.say(incident, TimelineKind.VERDICT, f"Verdict: {rollback.verdict}. {details[0]}")
    step = _OF_RELEASES[step] if rollback.release else step
    incident = propose_further(draft, draft.page(incident, step, details))
    remind(draft, incident)
    draft.refresh(incident)
    return Reason.RECORDED


def _stepped(incident: Incident, step: Step) -> Rollback | None:
    """The incident's rollback one step further, or None if that is not where it stands."""
    if incident.rollback is None:
        return None
    stepped = incident.rollback.step(step)
    return None if isinstance(stepped, Refusal) else stepped
