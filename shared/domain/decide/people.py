"""What people may do, and what they are told when they may not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from shared.domain.decide.aftermath import on_repinned, on_review
from shared.domain.decide.approvals import approve
from shared.domain.decide.asks import on_ask
from shared.domain.decide.closing import on_over
from shared.domain.decide.data_approvals import about_data, decide_on_data
from shared.domain.decide.draft import Draft, acknowledged
from shared.domain.decide.making_way import over
from shared.domain.decide.notes import note
from shared.domain.decide.releases import why_no_release
from shared.domain.decide.reshaping import RESHAPING, asked_in_words, reshape
from shared.domain.decision import AuditRow, Reason
from shared.domain.event import Instructed, Instruction
from shared.domain.incident import Incident, Rollback, TimelineKind
from shared.domain.incident_state import Trigger
from shared.domain.machine import Refusal
from shared.domain.paging import Choice
from shared.domain.policy import IN_POLICY, Person
from shared.domain.rollback_phase import Step

_WORDS: Final = {
    Choice.ACKNOWLEDGE: "acknowledge",
    Choice.APPROVE: "approve the rollback",
    Choice.REJECT: "reject the rollback",
    Choice.RESOLVE: "end the incident",
    Choice.PREVIEW: "see a rollback's plan",
    Choice.ROLLBACK: "ask for a rollback",
    Choice.DRILL: "start a drill",
    Choice.DECLARE: "declare an incident",
    Choice.UNLATCH: "hand a service back to Switchman",
    Choice.REPINNED: "say that the known-good images are pinned",
    Choice.REVIEW: "close it with a review",
    Choice.MERGE: "merge it into another incident",
    Choice.SPLIT: "split alerts off it",
    Choice.LANE: "move it to another lane",
    Choice.SEVERITY: "change its severity",
    Choice.NOTE: "note something about it",
    Choice.RELEASE: "release what a rollback left pinned",
    Choice.DATA_ROLLBACK: "ask for a data rollback",
}
_ABOUT_A_STACK: Final = (
    Choice.PREVIEW,
    Choice.ROLLBACK,
    Choice.DRILL,
    Choice.DECLARE,
    Choice.UNLATCH,
    Choice.RELEASE,
    Choice.DATA_ROLLBACK,
)
_STRANGER: Final = "the policy knows no person with this Slack account; ask whoever keeps it"
_CLOSED: Final = "That incident is closed."
_FILED: Final = (
    "That incident is filed, and cannot be reviewed any more: one whose rollback moved traffic waits"
    " for its review, any other can be reviewed until its reopen window is over."
)


def on_instruction(draft: Draft, event: Instructed) -> Reason:
    """Carry out what a person asked, or refuse it by name and tell them; the audit has both."""
    reason, told = _follow(draft, event)
    asked = event.instruction
    draft.row(
        AuditRow(
            id=asked.id,
            at=asked.at,
            person=asked.person,
            choice=asked.choice,
            stack=event.stack,
            incident=asked.incident,
            plan=asked.plan,
            asked=asked_in_words(asked),
            answer=reason.value,
            text=told,
            via=asked.via,
        )
    )
    return reason


def _follow(draft: Draft, event: Instructed) -> tuple[Reason, str]:
    """What came of it, and what the person was told where nothing did."""
    instruction = event.instruction
    person = draft.policy.person_known_as(instruction.person)
    if instruction.choice in _ABOUT_A_STACK:
        answer = on_ask(draft, instruction, person) if person else _STRANGER
        if isinstance(answer, Reason):
            return answer, ""
        return _refuse(draft, None, instruction, answer)
    incident = draft.stack.incident(instruction.incident)
    if instruction.choice is Choice.NOTE:
        why_not = note(draft, instruction, person) if person else _STRANGER
        if why_not:
            return _refuse(draft, incident, instruction, why_not)
        return Reason.CARRIED_OUT, ""
    if incident is None:
        return _too_late(draft, instruction)
    done = _carry_out(draft, incident, event, person) if person else _STRANGER
    if isinstance(done, str):
        return _refuse(draft, incident, instruction, done)
    draft.put(done)
    draft.refresh(done)
    if done.aside and done.review is not None:
        draft.retire(done)
    return Reason.CARRIED_OUT, ""


def _too_late(draft: Draft, asked: Instruction) -> tuple[Reason, str]:
    """It has left the head; of what was merged into another, that one is named."""
    into = draft.stack.holding(asked.incident)
    gone = _FILED if asked.choice is Choice.REVIEW else _CLOSED
    text = f"That incident was merged into {into.id}." if into else gone
    _tell(draft, "", asked, text)
    return Reason.STALE, text


def _refuse(
    draft: Draft, incident: Incident | None, asked: Instruction, why: str
) -> tuple[Reason, str]:
    """Nothing changes; the person is told why, and an incident remembers it."""
    wish = _WORDS[asked.choice]
    if incident is not None and incident.rollback is not None and incident.rollback.release:
        wish = wish.replace("the rollback", "the release")
    text = f"You wanted to {wish}, which is refused: {why}."
    _tell(draft, incident.id if incident else "", asked, text)
    if incident is not None:
        person = draft.policy.person_known_as(asked.person)
        who = person.name if person else asked.person
        draft.say(incident, TimelineKind.REFUSED, f"{who} wanted to {wish}; refused: {why}")
    return Reason.REFUSED, text


def _tell(draft: Draft, incident: str, asked: Instruction, text: str) -> None:
    """Tell whoever asked in Slack; who asked without it waits for the audit row."""
    if not asked.person.startswith(IN_POLICY):
        draft.tell(incident, asked.channel, asked.person, text)


def _carry_out(
    draft: Draft, incident: Incident, event: Instructed, person: Person
) -> Incident | str:
    asked = event.instruction
    if asked.choice in RESHAPING:
        return reshape(draft, incident, event, person)
    match asked.choice:
        case Choice.ACKNOWLEDGE:
            return _acknowledge(draft, incident, person, asked.at)
        case Choice.RESOLVE:
            return on_over(draft, incident, event, person)
        case Choice.REPINNED:
            return on_repinned(draft, incident, person)
        case Choice.REVIEW:
            return on_review(draft, incident, person, asked.text)
        case _:
            return _decide(draft, incident, asked, person)


def _decide(
    draft: Draft, incident: Incident, instruction: Instruction, person: Person
) -> Incident | str:
    """The rollback approved or rejected, or why it is not."""
    if about_data(incident, instruction):
        return decide_on_data(draft, incident, instruction, person)
    rollback = _decidable(draft, incident, instruction, person)
    if isinstance(rollback, str):
        return rollback
    if instruction.choice is Choice.APPROVE:
        return approve(draft, incident, rollback, person, instruction.at)
    return _reject(draft, incident, rollback, person)


def _acknowledge(draft: Draft, incident: Incident, person: Person, at: datetime) -> Incident | str:
    moved = incident.moved(Trigger.ACKNOWLEDGE)
    later = moved is Refusal.ALREADY_ACKNOWLEDGED
    if later and any(not page.acknowledged_at for page in incident.pages):
        too = " too" if incident.acknowledged_at else ""
        draft.say(incident, TimelineKind.ACKNOWLEDGED, f"{person.name} acknowledged{too}", at=at)
        return acknowledged(incident, person.id, at)
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
    """The rollback as this person's decision leaves it, or why they may not decide."""
    if not draft.policy.may_approve(draft.stack.id, person, instruction.at):
        allowed = draft.policy.approver_names(draft.stack.id)
        return f"only {allowed} may decide on rollbacks of {draft.stack.id}"
    rollback = incident.rollback
    if rollback is None or rollback.plan is None:
        return Refusal.NO_PROPOSAL.value
    if instruction.choice is Choice.APPROVE and rollback.requested_by == person.id:
        return f"whoever asks for a {rollback.called} may not approve it; somebody else has to"
    if rollback.plan.hash != instruction.plan:
        return "the plan has changed since; look at the newest message"
    step = Step.APPROVE if instruction.choice is Choice.APPROVE else Step.REJECT
    stepped = rollback.step(step)
    if isinstance(stepped, Refusal):
        return stepped.value
    if draft.now >= rollback.plan.expires_at:
        return Refusal.PLAN_EXPIRED.value
    in_the_way = why_no_release(draft, besides=incident.id) if rollback.release else ""
    return in_the_way if in_the_way and step is Step.APPROVE else stepped


def _reject(draft: Draft, incident: Incident, rollback: Rollback, person: Person) -> Incident:
    draft.say(incident, TimelineKind.REJECTED, f"{person.name} rejected the {rollback.called}")
    rejected = replace(incident, rollback=rollback)
    return over(draft, rejected, "Nothing is left to do") if rollback.release else rejected
