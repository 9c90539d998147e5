"""Asking for a release, and what comes of its plan: it is shown, refused, or proposed.

Nobody is woken before there is something to approve.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from shared.domain.action import ActionKind, GaveUp, Outcome, PlanOrder
from shared.domain.decide.approvals import page_approvers, why_too_few
from shared.domain.decide.draft import Draft
from shared.domain.decide.latches import latched
from shared.domain.decide.notices import notify
from shared.domain.decide.opening import asked_for, new_incident, plan_order, why_no_rollback
from shared.domain.decision import Reason
from shared.domain.event import ActionFinished, Instruction, TimerKind
from shared.domain.incident import TimelineKind
from shared.domain.machine import Refusal
from shared.domain.plan_words import describe_plan
from shared.domain.policy import IN_POLICY, Person
from shared.domain.release import ReleaseAsk
from shared.domain.rollback import NoPlan, Plan
from shared.domain.severity import CRITICAL, Severity

AGAIN: Final = "--again"
APPLY: Final = "--apply"


def on_release(draft: Draft, asked: Instruction, person: Person) -> Reason | str:
    """Have the plan made that takes back what rollbacks left; or say why there is none."""
    options, reason = _read(asked.text)
    apply = APPLY in options
    why_not = why_no_release(draft) or (why_too_few(draft, person) if apply else "")
    if why_not:
        return why_not
    without_slack = asked.person.startswith(IN_POLICY)
    ask = ReleaseAsk(
        person=person.id,
        apply=apply,
        again=AGAIN in options,
        channel=asked.channel,
        slack_user="" if without_slack else asked.person,
        pinned=draft.stack.pinned,
    )
    order = plan_order(draft, asked_by=person.name, reason=reason)
    draft.act(ActionKind.PLAN, "", replace(order, release=ask))
    return Reason.CARRIED_OUT


def why_no_release(draft: Draft, besides: str = "") -> str:
    """Why nothing can be released now; empty if something can. `besides`: the release's incident."""
    owner, stack = draft.stack.rollback_owner(), draft.stack.id
    why_not = "" if owner is not None and owner.id == besides else why_no_rollback(draft)
    if why_not:
        return why_not
    lane = draft.policy.rollback_lane()
    if lane is None:
        return "no lane of the policy has rollback as its remediation"
    for incident in draft.stack.open_incidents():
        of_lane = incident.lane == lane.id or incident.answers_for(lane.id)
        if incident.id != besides and (incident.severity in CRITICAL or of_lane):
            known = f"incident {incident.id} ({incident.severity}) is {incident.state}"
            return f"{known}; nothing is released before it is over"
    held = draft.stack.frozen
    if held:
        return held
    taken = latched(draft.stack)
    if taken:
        return f"{taken}; `/switchman unlatch {stack} SERVICE` hands it back first"
    if draft.stack.tagging:
        return "a tag is being set on its services just now; ask again in a minute"
    return "" if draft.stack.pinned else f"no rollback has left a service of {stack} pinned"


def on_release_planned(draft: Draft, event: ActionFinished) -> Reason:
    """Show the plan to whoever asked, or propose it; or tell them why there is none."""
    order, outcome = event.action.order, event.outcome
    assert isinstance(order, PlanOrder)
    assert order.release is not None, "only the plan of a release comes here"
    ask = order.release
    person = draft.policy.people.get(ask.person)
    why_not = _why_none(draft, outcome, person, ask)
    if not ask.apply:
        shown = why_not or "\n".join(describe_plan(outcome) if isinstance(outcome, Plan) else ())
        if ask.slack_user:
            draft.tell("", ask.channel, ask.slack_user, shown)
        return Reason.RECORDED
    if why_not or person is None or not isinstance(outcome, Plan):
        name = draft.policy.stack(draft.stack.id).name
        by = f"{order.asked_by} asked for it, and traffic stays where it is: {why_not}."
        notify(draft, f"No release of {name}", by)
        return Reason.RECORDED
    _propose(draft, outcome, person)
    return Reason.RECORDED


def _why_none(draft: Draft, outcome: Outcome, person: Person | None, ask: ReleaseAsk) -> str:
    """Why the plan cannot be proposed; what came up since it was asked for counts as well."""
    if isinstance(outcome, NoPlan | GaveUp):
        return outcome.reason
    if person is None:
        return "the policy does not know whoever asked any more"
    too_few = why_too_few(draft, person) if ask.apply else ""
    return why_no_release(draft) or too_few


def _propose(draft: Draft, plan: Plan, person: Person) -> None:
    """An incident of its own, and those who may approve it are paged."""
    lane = draft.policy.rollback_lane()
    assert lane is not None, "without such a lane nothing is released"
    name = draft.policy.stack(draft.stack.id).name
    text = f"{person.name} asks for a release: {plan.reason}"
    title = f"Release of {name} asked for"
    incident = new_incident(draft, lane, Severity.SEV3, title, plan.reason, (text,))
    proposed = asked_for(draft, person, plan.reason).planned(plan)
    assert not isinstance(proposed, Refusal), "what is being planned may be proposed"
    incident = replace(incident, rollback=replace(proposed, proposed_at=draft.now))
    draft.retire(draft.stack.by_lane(lane.id))
    draft.say(incident, TimelineKind.OPENED, text)
    moves = ", ".join(service.in_words() for service in plan.services)
    draft.say(incident, TimelineKind.PROPOSED, f"Release proposed: {moves}")
    draft.timer(TimerKind.PLAN_EXPIRES, incident, plan.expires_at)
    page_approvers(draft, incident, person)


def _read(text: str) -> tuple[tuple[str, ...], str]:
    """The options that stand before the reason, and the reason."""
    words = text.split()
    count = next((n for n, word in enumerate(words) if word not in (AGAIN, APPLY)), len(words))
    return tuple(words[:count]), " ".join(words[count:])
