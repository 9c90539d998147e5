"""Who approves a data rollback, or rejects it; and when what was approved no longer counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.domain.action import ActionKind, DataOrder
from shared.domain.approval import Approval
from shared.domain.data_phase import DataPhase, DataStep
from shared.domain.data_rollback import (
    APPROVALS,
    DataRollback,
    approver_names,
    approvers,
    living,
)
from shared.domain.decide.draft import Draft, acknowledged
from shared.domain.decision import Reason
from shared.domain.event import Instruction
from shared.domain.incident import Incident, TimelineKind
from shared.domain.incident_state import Trigger
from shared.domain.lease import SKEW
from shared.domain.machine import Refusal
from shared.domain.paging import Choice
from shared.domain.policy import Person


def decide_on_data(
    draft: Draft, incident: Incident, told: Instruction, person: Person
) -> Incident | str:
    """Count an approval, or reject; or why this person may not decide on this plan now."""
    data = incident.data
    if data is None or data.plan is None:
        return Refusal.PLANNING.value if data else Refusal.NO_PROPOSAL.value
    if person not in approvers(draft.policy, draft.stack.id, told.at):
        teams = approver_names(draft.policy, draft.stack.id)
        return f"only {teams} may decide on data rollbacks of {draft.stack.id}"
    if told.choice is Choice.APPROVE and data.requested_by == person.id:
        return "whoever asks for a data rollback may not approve it; two others have to"
    if data.plan.hash != told.plan:
        return "the plan has changed since; look at the newest message"
    step = DataStep.APPROVE if told.choice is Choice.APPROVE else DataStep.REJECT
    stepped = data.step(step)
    if isinstance(stepped, Refusal):
        return stepped.value
    if draft.now >= data.plan.expires_at:
        return Refusal.PLAN_EXPIRED.value
    if step is DataStep.APPROVE:
        return _approve(draft, incident, stepped, person, told.at)
    text = f"{person.name} rejected the data rollback; data stays as it is"
    draft.say(incident, TimelineKind.DATA_NOT_DONE, text)
    return replace(incident, data=replace(stepped, ended_at=draft.now))


def about_data(incident: Incident, told: Instruction) -> bool:
    """Whether a decision is on the incident's data rollback, and not on its traffic."""
    data = incident.data
    if data is None:
        return False
    return not data.phase.over or (data.plan is not None and data.plan.hash == told.plan)


def why_stale(draft: Draft, data: DataRollback) -> str:
    """Why what was approved may not be imported any more; empty if it may."""
    plan, rules = data.plan, draft.policy.stack(draft.stack.id).data
    if plan is None or rules is None:
        return "the policy names no snapshots of the stack any more"
    if draft.now >= plan.expires_at:
        return "the approval ran out before anything was imported"
    if plan.verified_at > draft.now + SKEW:
        return "the clock was set back since the snapshot was verified; reject this, and ask again"
    if draft.now - plan.verified_at > rules.verified_within:
        return f"the snapshot was verified more than {rules.verified_within} ago; ask again"
    if len(living(draft.policy, draft.stack.id, data)) < APPROVALS:
        return f"fewer than {APPROVALS} of its approvals are by people who may approve it now"
    return ""


def expire_data(draft: Draft, incident: Incident) -> Reason:
    """Nobody decided on the plan in time."""
    data = incident.data
    if data is None or data.plan is None or draft.now < data.plan.expires_at:
        return Reason.STALE
    expired = data.step(DataStep.EXPIRE)
    if isinstance(expired, Refusal):
        return Reason.STALE
    text = "Fewer than two people approved the data rollback in time; data stays as it is"
    draft.say(incident, TimelineKind.DATA_NOT_DONE, text)
    incident = replace(incident, data=replace(expired, ended_at=draft.now))
    draft.put(incident)
    draft.refresh(incident)
    return Reason.EXPIRED


def withdraw_data(incident: Incident) -> Incident:
    """The incident, which is over: a data rollback that nobody has approved goes with it."""
    withdrawn = incident.data.step(DataStep.WITHDRAW) if incident.data else None
    return replace(incident, data=withdrawn) if isinstance(withdrawn, DataRollback) else incident


def _approve(
    draft: Draft, incident: Incident, approved: DataRollback, person: Person, at: datetime
) -> Incident | str:
    """`approved` is the data rollback as it is once enough people have approved it."""
    moved = incident.moved(Trigger.DATA_APPROVED)
    if isinstance(moved, Refusal):
        return moved.value
    before = living(draft.policy, draft.stack.id, approved)
    if any(each.by == person.id for each in before):
        return f"you have approved it, and somebody else has to as well (1 of {APPROVALS})"
    approved = replace(approved, approvals=(*before, Approval(by=person.id, at=at)))
    count = f"{len(approved.approvals)} of {APPROVALS}"
    why_not = why_stale(draft, approved) if len(approved.approvals) >= APPROVALS else ""
    if why_not or approved.plan is None:
        return why_not or Refusal.NO_PROPOSAL.value
    text = f"{person.name} approved the data rollback ({count})"
    draft.say(incident, TimelineKind.DATA_APPROVED, text, at=at)
    if len(approved.approvals) < APPROVALS:
        noted = incident.moved(Trigger.ACKNOWLEDGE)
        incident = incident if isinstance(noted, Refusal) else noted
        waiting = replace(approved, phase=DataPhase.PROPOSED)
        return acknowledged(replace(incident, data=waiting), person.id, at)
    order, until = DataOrder(plan=approved.plan), approved.plan.expires_at
    action = draft.act(ActionKind.EXPORT_DATA, incident.id, order, not_after=until)
    approved = replace(approved, action=action, approved_at=at)
    return acknowledged(replace(moved, data=approved), person.id, at)
