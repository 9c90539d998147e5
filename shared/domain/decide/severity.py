"""How bad an incident is: raised by alerts and by people, lowered by people alone, never silently."""

from __future__ import annotations

from dataclasses import replace

from shared.domain.decide.causes import holding_cause
from shared.domain.decide.draft import Draft
from shared.domain.decide.escalating import page_owner
from shared.domain.decide.notices import tell_team
from shared.domain.incident import Incident, TimelineKind
from shared.domain.paging import PageStep
from shared.domain.policy import Person
from shared.domain.severity import Severity


def raised(draft: Draft, incident: Incident, severity: Severity, why: str) -> Incident:
    """The incident is that bad from now on, and its owner is paged.

    Where the owner of its cause has it too, that is raised with it, and its owner is paged.
    """
    worse = replace(incident, severity=severity, rounds=incident.rounds + 1)
    text = f"Raised from {incident.severity} to {severity}: {why}"
    draft.say(worse, TimelineKind.RAISED, text)
    cause = holding_cause(draft.policy, draft.stack, worse)
    if cause is None:
        return page_owner(draft, worse, PageStep.RAISED)
    draft.put(worse)
    if severity.worse_than(cause.severity):
        draft.refresh(raised(draft, cause, severity, why))
    return draft.stack.incident(worse.id) or worse


def change_severity(
    draft: Draft, incident: Incident, severity: Severity | None, why: str, person: Person
) -> Incident | str:
    """The incident as bad as a person says, with the reason; or why not.

    A rollback that is proposed is still a person's to approve, however bad it is now.
    """
    if incident not in draft.stack.open_incidents():
        return f"it is {incident.state}"
    if severity is None or not why.strip():
        return "a change of severity says to which one, and why"
    if severity is incident.severity:
        return f"it is {severity} already"
    if severity.worse_than(incident.severity):
        return raised(draft, incident, severity, f"{person.name}: {why}")
    return _lowered(draft, incident, severity, why, person)


def _lowered(
    draft: Draft, incident: Incident, severity: Severity, why: str, person: Person
) -> Incident | str:
    team = draft.policy.owner(incident.lane)
    ours = person.id in draft.policy.roster(team, draft.now)
    if not ours and not draft.policy.may_approve(incident.stack, person, draft.now):
        approvers = draft.policy.approver_names(incident.stack)
        return f"only {team.name}, or {approvers}, may call it less bad than {incident.severity}"
    text = f"{person.name} lowered it from {incident.severity} to {severity}: {why}"
    draft.say(incident, TimelineKind.LOWERED, text)
    tell_team(draft, team, f"Lowered to {severity}: {incident.title}", text, incident.id)
    return replace(incident, severity=severity)
