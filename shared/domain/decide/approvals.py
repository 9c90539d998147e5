"""Who has to approve a rollback, who is asked to, and what an approval leads to."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.domain.action import ActionKind, TrafficOrder
from shared.domain.approval import Approval
from shared.domain.decide.draft import Draft, acknowledged
from shared.domain.incident import Incident, Rollback, TimelineKind
from shared.domain.incident_state import Trigger
from shared.domain.machine import Refusal
from shared.domain.paging import PageStep
from shared.domain.policy import Person
from shared.domain.rollback_phase import Phase


def approve(
    draft: Draft, incident: Incident, approved: Rollback, person: Person, at: datetime
) -> Incident | str:
    """Count the approval; with the last one that is needed, traffic moves.

    `approved` is the incident's rollback as it is once that is so. The caller has made sure that
    the person may approve this plan, and that the plan still stands.
    """
    moved = incident.moved(Trigger.ROLLBACK_APPROVED)
    if isinstance(moved, Refusal):
        return moved.value
    plan = approved.plan
    assert plan is not None, "only a plan is approved"
    before = tuple(each for each in approved.approvals if _counts(draft, each))
    if any(each.by == person.id for each in before):
        return f"you have approved it, and somebody else has to as well ({_count(draft, before)})"
    given = (*before, Approval(by=person.id, at=at))
    approved = replace(approved, approvals=given)
    if len(given) < _needed(draft):
        return _counted(draft, incident, approved, person, at)
    who = f"{person.name} approved the {approved.called}"
    text = f"{who} ({_count(draft, given)})" if before else who
    draft.say(moved, TimelineKind.APPROVED, text, at=at)
    order = TrafficOrder(plan=plan)
    draft.act(ActionKind.APPLY, incident.id, order, not_after=plan.expires_at)
    approved = replace(approved, approved_by=person.id, approved_at=at)
    return acknowledged(replace(moved, rollback=approved), person.id, at)


def why_too_few(draft: Draft, requester: Person) -> str:
    """Why asking would lead nowhere, where too few people may approve besides who asks."""
    others = sum(
        person != requester for person in draft.policy.approvers(draft.stack.id, draft.now)
    )
    if others >= _needed(draft):
        return ""
    many = "nobody else" if not others else f"only {others} besides you"
    return f"{many} may approve rollbacks of {draft.stack.id}; add approvers to the policy"


def page_approvers(draft: Draft, incident: Incident, requester: Person) -> None:
    """Page as many as have to approve, none of them the one who asks."""
    ready = draft.policy.approvers(draft.stack.id, draft.now)
    others = [p for p in ready if p != requester]
    for other in others[: _needed(draft)]:
        incident = _page(draft, incident, other)


def _counted(
    draft: Draft, incident: Incident, approved: Rollback, person: Person, at: datetime
) -> Incident:
    """One more approval, and not the last: somebody is asked for the next."""
    text = f"{person.name} approved the {approved.called} ({_count(draft, approved.approvals)})"
    draft.say(incident, TimelineKind.APPROVED, text, at=at)
    noted = incident.moved(Trigger.ACKNOWLEDGE)
    incident = acknowledged(incident if isinstance(noted, Refusal) else noted, person.id, at)
    incident = replace(incident, rollback=replace(approved, phase=Phase.PROPOSED))
    left_out = {*approved.approvers, approved.requested_by}
    ready = draft.policy.approvers(draft.stack.id, draft.now)
    others = [p for p in ready if p.id not in left_out]
    paged = {page.person for page in incident.pages}
    if others and not any(other.id in paged for other in others):
        incident = _page(draft, incident, others[0])
    return incident


def _page(draft: Draft, incident: Incident, approver: Person) -> Incident:
    teams = (draft.policy.teams[t] for t in draft.policy.stack(draft.stack.id).rollback.approvers)
    team = next(t for t in teams if approver.id in draft.policy.roster(t, draft.now))
    incident = draft.page(incident, PageStep.ASKED, team_id=team.id, person_id=approver.id)
    draft.say(incident, TimelineKind.PAGING, f"{approver.name} may approve it and is being paged")
    return incident


def _counts(draft: Draft, given: Approval) -> bool:
    """Whether it is by somebody who, as the policy is now, might approve when they did."""
    allowed = draft.policy.approvers(draft.stack.id, given.at)
    return any(given.by == person.id for person in allowed)


def _needed(draft: Draft) -> int:
    return draft.policy.stack(draft.stack.id).rollback.approvals


def _count(draft: Draft, given: tuple[Approval, ...]) -> str:
    return f"{len(given)} of {_needed(draft)}"
