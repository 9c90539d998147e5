"""What follows from a plan: it is proposed to people, or goes by itself where that is allowed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from shared.domain.action import Action, ActionKind, TrafficOrder
from shared.domain.alert import Alert, AlertStatus
from shared.domain.automatic import MayGo, Moment, NeedsApproval, judge
from shared.domain.decide.draft import Draft
from shared.domain.decide.opening import ask_for_plan
from shared.domain.decision import Reason
from shared.domain.event import TimerKind
from shared.domain.incident import Incident, Rollback, TimelineKind
from shared.domain.incident_state import State, Trigger
from shared.domain.machine import Refusal
from shared.domain.paging import PageStep
from shared.domain.quiet import maintained
from shared.domain.rollback import NoPlan, Plan, RollbackMode, Verdict
from shared.domain.rollback_phase import Phase, Step

START_WITHIN: Final = timedelta(minutes=5)
"""What goes by itself and has not begun so soon after its plan is not begun."""

WAIT: Final = timedelta(minutes=10)
"""So long a plan is asked for again while a deployment stands in its way, which passes."""

_GONE: Final = (State.RESOLVED, State.REVIEWED)


def on_planned(
    draft: Draft, incident: Incident, outcome: Plan | NoPlan, trigger: AlertStatus | None
) -> Reason:
    """A plan is here; one that waits for a drill to end was asked for before it began."""
    wish = incident.rollback
    if wish is None or wish.waiting:
        return Reason.STALE
    rollback = wish.planned(outcome)
    if isinstance(rollback, Refusal):
        return Reason.STALE
    if isinstance(outcome, NoPlan) and outcome.passes and incident.state not in _GONE:
        if wish.waits_since is None or draft.now < wish.waits_since + WAIT:
            return _wait(draft, incident, wish, outcome.reason)
        late = f"{outcome.reason}, also after {WAIT // timedelta(minutes=1)} minutes"
        rollback = replace(rollback, why_not=late)
    if incident.state in _GONE:
        withdrawn = rollback.step(Step.WITHDRAW)
        rollback = rollback if isinstance(withdrawn, Refusal) else withdrawn
    incident = replace(incident, rollback=rollback)
    if isinstance(outcome, NoPlan):
        text = f"No rollback is proposed: {rollback.why_not}"
        draft.say(incident, TimelineKind.NOT_PROPOSED, text)
    else:
        incident = _proposed(draft, incident, rollback, outcome, trigger)
    draft.put(incident)
    draft.refresh(incident)
    return Reason.RECORDED


def planned_again(draft: Draft, incident: Incident, alert: Alert) -> Incident:
    """A worse alert joined: what nobody has taken up yet is planned anew, for it may go by itself.

    Where the policy lets nothing so bad go by itself, or a person has acknowledged, approved or
    asked for it, the plan stands: a button that somebody may be about to press keeps its meaning.
    """
    rules, wish = draft.policy.stack(draft.stack.id).rollback.automatic, incident.rollback
    if rules is None or incident.severity not in rules.severities or wish is None:
        return incident
    waits = wish.phase is Phase.PROPOSED and incident.state is State.OPEN
    if not waits or wish.approvals or wish.requested_by or incident.earlier:
        return incident
    anew = replace(
        wish,
        phase=Phase.PLANNING,
        plan=None,
        proposed_at=None,
        trigger=alert.row_id,
        fired_at=alert.starts_at,
    )
    text = f"It is {incident.severity} now: the rollback is planned anew, and may go by itself"
    draft.say(incident, TimelineKind.WAITING, text)
    incident = replace(incident, rollback=ask_for_plan(draft, incident, anew))
    draft.put(incident)
    return incident


def _wait(draft: Draft, incident: Incident, wish: Rollback, why: str) -> Reason:
    """No plan can be made just now: say so, and have it made by a worker that waits."""
    again = replace(wish, why_not=why, waits_since=wish.waits_since or draft.now)
    if why != wish.why_not:
        text = f"The rollback is planned as soon as this is over: {why}"
        draft.say(incident, TimelineKind.WAITING, text)
    incident = replace(incident, rollback=ask_for_plan(draft, incident, again))
    draft.put(incident)
    if why != wish.why_not:
        draft.refresh(incident)
    return Reason.RECORDED


def propose_further(draft: Draft, incident: Incident) -> Incident:
    """Ask for a plan to one more revision, where the policy says so and the first did not help.

    At most once for an incident, and people always have to approve it.
    """
    tried = incident.rollback
    allowed = draft.policy.stack(draft.stack.id).rollback.further_candidate
    if not allowed or incident.earlier or tried is None or tried.phase is not Phase.APPLIED:
        return incident
    if tried.release:
        return incident
    if tried.verdict is not Verdict.NOT_RECOVERED or draft.stack.rollback_owner() is not None:
        return incident
    wish = Rollback(
        mode=RollbackMode.PROPOSED,
        phase=Phase.PLANNING,
        asked_at=draft.now,
        trigger=tried.trigger,
        requested_by=tried.requested_by,
        reason="the first rollback did not help",
    )
    incident = incident.with_wish(wish)
    text = "It did not help: one further revision is looked for, which people have to approve"
    draft.say(incident, TimelineKind.ASKED, text)
    incident = replace(incident, rollback=ask_for_plan(draft, incident, wish))
    draft.put(incident)
    return incident


def about_rollback(incident: Incident, action: Action) -> bool:
    """Whether a change of traffic is that of the incident's rollback, and of no earlier one."""
    order, rollback = action.order, incident.rollback
    if not isinstance(order, TrafficOrder) or rollback is None or rollback.plan is None:
        return False
    return order.plan.hash == rollback.plan.hash


def _proposed(
    draft: Draft, incident: Incident, rollback: Rollback, plan: Plan, trigger: AlertStatus | None
) -> Incident:
    """The incident with its plan, said to people or under way."""
    rules = draft.policy.stack(draft.stack.id).rollback.automatic
    moment = Moment(now=draft.now, firing=trigger is AlertStatus.FIRING)
    answer = judge(rules, draft.stack, incident, plan, moment)
    announced = maintained(draft.policy, draft.stack.id, draft.now)
    if isinstance(answer, MayGo) and announced:
        answer = NeedsApproval(announced)
    proposed = replace(rollback, proposed_at=draft.now)
    said = f"Rollback proposed: {', '.join(service.in_words() for service in plan.services)}"
    if isinstance(answer, NeedsApproval) and rules is not None:
        said = f"{said}. It needs approval: {answer.reason}"
    draft.say(incident, TimelineKind.PROPOSED, said)
    incident = replace(incident, rollback=proposed)
    if proposed.phase is not Phase.PROPOSED:
        return incident
    going = _going(draft, incident, proposed, plan, answer) if isinstance(answer, MayGo) else None
    if going is None:
        draft.timer(TimerKind.PLAN_EXPIRES, incident, plan.expires_at)
    return going or incident


def _going(
    draft: Draft, incident: Incident, proposed: Rollback, plan: Plan, answer: MayGo
) -> Incident | None:
    """The incident whose rollback goes by itself; None where the incident is past that."""
    applying, moved = proposed.step(Step.APPROVE), incident.moved(Trigger.ROLLBACK_APPROVED)
    rules = draft.policy.stack(draft.stack.id).rollback.automatic
    if isinstance(applying, Refusal) or isinstance(moved, Refusal) or rules is None:
        return None
    incident = replace(moved, rollback=replace(applying, mode=RollbackMode.AUTOMATIC))
    draft.say(incident, TimelineKind.APPROVED, f"It goes by itself: {answer.why}")
    draft.stack = draft.stack.with_automatic(draft.now, rules.per_hour)
    not_after = min(plan.expires_at, draft.now + START_WITHIN)
    draft.act(ActionKind.APPLY, incident.id, TrafficOrder(plan=plan), not_after=not_after)
    moves = ", ".join(service.in_words() for service in plan.services)
    details = (f"Switchman rolls back without asking: {moves}", f"Why: {answer.why}")
    return draft.page(incident, PageStep.AUTOMATIC, details)
