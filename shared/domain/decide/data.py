"""A data rollback is asked for: its snapshot is verified, and who may approve it is paged."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from shared.domain.action import ActionKind, DataWish
from shared.domain.data_phase import DataPhase
from shared.domain.data_rollback import (
    APPROVALS,
    DataRollback,
    approver_teams,
    approvers,
)
from shared.domain.decide.draft import Draft
from shared.domain.decide.making_way import make_way
from shared.domain.decide.opening import new_incident, why_no_rollback
from shared.domain.decide.verdicts import awaits_verdict
from shared.domain.decision import Reason
from shared.domain.event import Instruction
from shared.domain.incident import Incident, TimelineKind
from shared.domain.incident_state import OVER, State
from shared.domain.paging import PageStep
from shared.domain.policy import Person
from shared.domain.severity import Severity

_MAY_ASK: Final = (State.OPEN, State.ACKNOWLEDGED, State.MITIGATED)


def ask_for_data(draft: Draft, asked: Instruction, person: Person) -> Reason | str:
    """Have the snapshot verified, in the incident that is open or in a new one; or why not."""
    lane = draft.policy.rollback_lane()
    why_not = _why_never(draft, person)
    if lane is not None and not why_not:
        make_way(draft, lane.id, Severity.SEV3, what=f"{person.name} asks for a data rollback")
        why_not = _why_not_now(draft)
    if why_not or lane is None:
        return why_not or "no lane of the policy has rollback as its remediation"
    known = draft.stack.by_lane(lane.id)
    if known is not None and known.state not in (*_MAY_ASK, *OVER):
        return f"incident {known.id} is {known.state}"
    text = f"{person.name} asks for a data rollback{_to(asked.snapshot)}: {asked.text}"
    if known is not None and known.state in _MAY_ASK:
        incident = replace(known, rounds=known.rounds + 1)
        draft.say(incident, TimelineKind.DATA_ASKED, text)
    else:
        title = f"Data rollback of {draft.policy.stack(draft.stack.id).name} asked for"
        incident = new_incident(draft, lane, Severity.SEV3, title, asked.text, (text,))
        draft.retire(known)
        draft.say(incident, TimelineKind.OPENED, text)
    incident = replace(incident, data=_verifying(draft, incident, asked, person))
    for other in _others(draft, person)[:APPROVALS]:
        incident = _page(draft, incident, other)
    draft.refresh(incident)
    return Reason.CARRIED_OUT


def _why_never(draft: Draft, requester: Person) -> str:
    """Why this person can ask for no data rollback by this policy; empty if they can."""
    stack = draft.stack.id
    if draft.policy.stack(stack).data is None:
        return (
            f"the policy names no snapshots of {stack};"
            " add `data: {source: folder}` to the stack, as docs/policy.md has it"
        )
    others = len(_others(draft, requester))
    if others < APPROVALS:
        return (
            f"{APPROVALS} people besides you have to approve it, and {others} may;"
            f" add approvers of {stack} to the policy"
        )
    return ""


def _why_not_now(draft: Draft) -> str:
    """What is in the way: a rollback or a drill under way, or one whose verdict is to come."""
    why_not = why_no_rollback(draft)
    if why_not:
        return why_not
    unproven = (i for i in draft.stack.incidents if i.rollback and awaits_verdict(i.rollback))
    incident = next(unproven, None)
    if incident is None:
        return ""
    return f"it is not known yet whether the rollback of traffic in {incident.id} helped"


def _verifying(
    draft: Draft, incident: Incident, asked: Instruction, person: Person
) -> DataRollback:
    latched = (r.service for r in draft.stack.services if r.latch is not None)
    order = DataWish(
        snapshot=asked.snapshot,
        asked_by=person.name,
        reason=asked.text,
        notes=tuple(f"Note: a person has taken over the traffic of {each}" for each in latched),
    )
    return DataRollback(
        phase=DataPhase.VERIFYING,
        asked_at=draft.now,
        requested_by=person.id,
        reason=asked.text,
        snapshot=asked.snapshot,
        action=draft.act(ActionKind.VERIFY_SNAPSHOT, incident.id, order),
    )


def _others(draft: Draft, requester: Person) -> list[Person]:
    ready = approvers(draft.policy, draft.stack.id, draft.now)
    return [person for person in ready if person != requester]


def _page(draft: Draft, incident: Incident, approver: Person) -> Incident:
    teams = (draft.policy.teams[t] for t in approver_teams(draft.policy, draft.stack.id))
    team = next(t for t in teams if approver.id in draft.policy.roster(t, draft.now))
    incident = draft.page(incident, PageStep.ASKED, team_id=team.id, person_id=approver.id)
    draft.say(incident, TimelineKind.PAGING, f"{approver.name} may approve it and is being paged")
    return incident


def _to(snapshot: str) -> str:
    return f" to snapshot {snapshot}" if snapshot else ""
