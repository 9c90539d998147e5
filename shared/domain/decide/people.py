"""What people may do, and what they are told when they may not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from shared.domain.action import ActionKind, TrafficOrder
from shared.domain.decide.draft import Draft, acknowledged
from shared.domain.decision import Reason
from shared.domain.event import Instruction
from shared.domain.incident import Incident, Rollback, TimelineKind
from shared.domain.incident_state import Trigger
from shared.domain.machine import Refusal
from shared.domain.paging import Choice
from shared.domain.policy import Person
from shared.domain.rollback_phase import Step

_WORDS: Final = {
    Choice.ACKNOWLEDGE: "acknowledge",
    Choice.APPROVE: "approve the rollback",
    Choice.REJECT: "reject the rollback",
}


def on_instruction(draft: Draft, instruction: Instruction) -> Reason:
    """Carry out what a person asked, or refuse it by name and tell them."""
    incident = draft.stack.incident(instruction.incident)
    if incident is None:
        draft.tell("", instruction.channel, instruction.person, "That incident is closed.")
        return Reason.STALE
    person = draft.policy.person_by_slack(instruction.person)
    if person is None:
        why = "the policy knows no person with this Slack account; ask whoever keeps the policy"
        return _refuse(draft, incident, instruction, instruction.person, why)
    done = _carry_out(draft, incident, instruction, person)
    if isinstance(done, str):
        return _refuse(draft, incident, instruction, person.name, done)
    draft.put(done)
    draft.refresh(done)
    return Reason.CARRIED_OUT


def _refuse(
    draft: Draft, incident: Incident, instruction: Instruction, who: str, why: str
) -> Reason:
    wish = _WORDS[instruction.choice]
    draft.say(incident, TimelineKind.REFUSED, f"{who} wanted to {wish}; refused: {why}")
    text = f"You wanted to {wish}, which is refused: {why}."
    draft.tell(incident.id, instruction.channel, instruction.person, text)
    return Reason.REFUSED


def _carry_out(
    draft: Draft, incident: Incident, instruction: Instruction, person: Person
) -> Incident | str:
    if instruction.choice is Choice.ACKNOWLEDGE:
        return _acknowledge(draft, incident, person, instruction.at)
    rollback = _decidable(draft, incident, instruction, person)
    if isinstance(rollback, str):
        return rollback
    if instruction.choice is Choice.APPROVE:
        return _approve(draft, incident, rollback, person, instruction.at)
    return _reject(draft, incident, rollback, person)


def _acknowledge(draft: Draft, incident: Incident, person: Person, at: datetime) -> Incident | str:
    moved = incident.moved(Trigger.ACKNOWLEDGE)
    if isinstance(moved, Refusal):
        by = f" by {_name(draft, incident.acknowledged_by)}" if incident.acknowledged_by else ""
        return moved.value + (by if moved is Refusal.ALREADY_ACKNOWLEDGED else "")
    draft.say(moved, TimelineKind.ACKNOWLEDGED, f"{person.name} acknowledged", at=at)
    return acknowledged(moved, person.id, at)


def _name(draft: Draft, person_id: str) -> str:
    person = draft.policy.people.get(person_id)
    return person.name if person else person_id


def _decidable(
    draft: Draft, incident: Incident, instruction: Instruction, person: Person
) -> Rollback | str:
    """The rollback this person may decide on now, or why they may not."""
    if not draft.policy.may_approve(draft.stack.id, person):
        teams = draft.policy.stack(draft.stack.id).rollback.approvers
        return f"only {' or '.join(teams)} may decide on rollbacks of {draft.stack.id}"
    rollback = incident.rollback
    if rollback is None or rollback.plan is None:
        return Refusal.NO_PROPOSAL.value
    if rollback.plan.hash != instruction.plan:
        return "the plan has changed since; look at the newest message"
    if draft.now >= rollback.plan.expires_at:
        return Refusal.PLAN_EXPIRED.value
    return rollback


def _approve(
    draft: Draft, incident: Incident, rollback: Rollback, person: Person, at: datetime
) -> Incident | str:
    step, moved = rollback.step(Step.APPROVE), incident.moved(Trigger.ROLLBACK_APPROVED)
    if isinstance(step, Refusal):
        return step.value
    if isinstance(moved, Refusal):
        return moved.value
    assert step.plan is not None
    draft.say(moved, TimelineKind.APPROVED, f"{person.name} approved the rollback", at=at)
    order = TrafficOrder(plan=step.plan)
    draft.act(ActionKind.APPLY, incident.id, order, not_after=step.plan.expires_at)
    approved = replace(step, approved_by=person.id, approved_at=at)
    return acknowledged(replace(moved, rollback=approved), person.id, at)


def _reject(draft: Draft, incident: Incident, rollback: Rollback, person: Person) -> Incident | str:
    step = rollback.step(Step.REJECT)
    if isinstance(step, Refusal):
        return step.value
    draft.say(incident, TimelineKind.REJECTED, f"{person.name} rejected the rollback")
    return replace(incident, rollback=step)
