"""What a page shows: drawn from the incident as it is now, never from what it was."""

from __future__ import annotations

from typing import Final

from shared.domain.action import NoticeOrder
from shared.domain.data_phase import DataPhase
from shared.domain.data_words import data_paragraphs
from shared.domain.ids import derive
from shared.domain.incident import Incident, Rollback
from shared.domain.incident_state import State
from shared.domain.links import Symptom
from shared.domain.paging import Card, Choice, Page, PageStep
from shared.domain.plan_words import describe_plan
from shared.domain.policy import Policy
from shared.domain.rollback import (
    MoveResult,
    Plan,
    RollbackMode,
    ServiceOutcome,
    ServicePlan,
    describe_split,
)
from shared.domain.rollback_phase import Phase

_HEADLINES: Final = {
    PageStep.OPENED: "{title}",
    PageStep.REOPENED: "Again: {title}",
    PageStep.RAISED: "Worse: {title}",
    PageStep.ROLLBACK_UNDONE: "Rollback not carried out: {title}",
    PageStep.ROLLBACK_HELD: "Rollback in doubt, look at it now: {title}",
    PageStep.NOT_RECOVERED: "Rolled back and not recovered: {title}",
    PageStep.UNPROVEN: "Rolled back, and nobody knows whether it helped: {title}",
    PageStep.AUTOMATIC: "Rolling back by itself: {title}",
    PageStep.ACTION_FAILED: "Could not page the owner: {title}",
    PageStep.UNREADABLE: "Unreadable messages: {title}",
    PageStep.ASKED: "To approve: {title}",
    PageStep.REMINDER: "Still nobody has it: {title}",
    PageStep.RESUMED: "Its cause is over, and it is not: {title}",
    PageStep.JOINED: "More has joined: {title}",
    PageStep.HANDED_OVER: "Now yours: {title}",
    PageStep.RELEASE_UNDONE: "Not released, and put back: {title}",
    PageStep.RELEASE_HELD: "Release in doubt, look at it now: {title}",
    PageStep.RELEASE_DOUBTFUL: "Released, and not surely well: {title}",
    PageStep.DATA_FAILED: "Data rollback failed: {title}",
    PageStep.DATA_HELD: "Data rollback in doubt, look at it now: {title}",
    PageStep.ESCALATED: "Nobody has it yet: {title}",
    PageStep.AFTER_HOLD: "Held back until now: {title}",
}


def card_for(policy: Policy, incident: Incident, page: Page) -> Card:
    """The card of one page of an incident."""
    lane = policy.lane(incident.lane)
    person = policy.people.get(page.person)
    return Card(
        headline=_HEADLINES[page.step].format(title=incident.title),
        severity=incident.severity,
        mention=person.slack if person and page.wakes else "",
        facts=(
            ("Severity", incident.severity.value),
            ("Lane", lane.name),
            ("Stack", policy.stack(incident.stack).name),
            ("Incident", incident.id),
        ),
        paragraphs=_paragraphs(policy, incident, page),
        status=_status(policy, incident),
        choices=_choices(incident, page),
        subject=_subject(incident),
        runbook=incident.runbook,
        release=_is_release(incident),
        incident=incident.id,
    )


def _is_release(incident: Incident) -> bool:
    return incident.rollback is not None and incident.rollback.release


def notice_card(order: NoticeOrder) -> Card:
    """The card of a message that wakes nobody and asks for no decision."""
    return Card(
        headline=order.headline,
        severity=None,
        mention="",
        facts=(),
        paragraphs=order.paragraphs,
        status="",
        choices=(),
        subject="",
    )


def digest(card: Card) -> str:
    """The same for cards that look the same."""
    return derive("card", repr(card), length=16)


def _subject(incident: Incident) -> str:
    plan = incident.rollback.plan if incident.rollback else None
    data = incident.data
    if data is not None and data.plan is not None and not data.phase.over:
        return f"{incident.id}|{data.plan.hash}"
    return f"{incident.id}|{plan.hash}" if plan else incident.id


def _paragraphs(policy: Policy, incident: Incident, page: Page) -> tuple[str, ...]:
    why = f"Why this lane: {'; '.join(incident.reasons)}"
    rollback = _rollback(policy, incident.rollback) if incident.rollback else ()
    data = tuple(data_paragraphs(policy, incident.data)) if incident.data else ()
    what = (f"What fails: {incident.summary or incident.title}",)
    lane = policy.lane(incident.lane)
    remedy = (f"What to do: {lane.remedy}",) if lane.remedy else ()
    about = (*_put_together(policy, incident), *_to_do(incident), *_links(policy, incident))
    return (*page.details, *about, *what, why, *remedy, *rollback, *data)


def _put_together(policy: Policy, incident: Incident) -> tuple[str, ...]:
    """Where it went, where it came from, and what was merged into it: old messages say so too."""
    told = [f"Merged into incident {incident.merged_into}"] if incident.merged_into else []
    if incident.lane_was:
        team = policy.owner(incident.lane).name
        told.append(f"Moved from lane {incident.lane_was} to {incident.lane}: {team} has it now")
    if incident.split_from:
        told.append(f"Split off incident {incident.split_from}")
    if incident.merged:
        lines = (f"• {each.id} ({each.lane}): {each.title}" for each in incident.merged)
        told.append("\n".join(("Merged into it:", *lines)))
    return tuple(told)


def _links(policy: Policy, incident: Incident) -> tuple[str, ...]:
    """Whose it is, where another incident explains it; and what it explains itself."""
    cause, lines = incident.cause, []
    if cause is not None and cause.holds:
        lane, owner = policy.lane(cause.lane).name, _team(policy, cause.team)
        lines.append(
            f"Whose it is now: {owner}, who have incident {cause.incident} ({lane}), its cause."
            " You hear of it again if it outlasts that."
        )
    elif cause is not None:
        lines.append(f"It came with incident {cause.incident}, which was its cause and is over.")
    if incident.symptoms:
        known = (f"• {_symptom(policy, each)}" for each in incident.symptoms)
        lines.append("\n".join(("It also causes, and nobody else was woken for it:", *known)))
    return tuple(lines)


def _symptom(policy: Policy, symptom: Symptom) -> str:
    where = f"incident {symptom.incident}" if symptom.incident else "counted here"
    return f"{policy.lane(symptom.lane).name}: {symptom.title} ({where})"


def _team(policy: Policy, team_id: str) -> str:
    team = policy.teams.get(team_id)
    return team.name if team else team_id


def _to_do(incident: Incident) -> tuple[str, ...]:
    """What a rollback has left to do, until it is done."""
    task = incident.repin
    if task is None or not task.open:
        return ()
    lines = (f"• {line}" for line in task.in_words())
    lead = "To do: re-pin in the provisioning, then `/switchman repinned"
    return ("\n".join((f"{lead} {incident.id}`:", *lines)),)


def _rollback(policy: Policy, rollback: Rollback) -> tuple[str, ...]:
    plan = rollback.plan
    if plan is None:
        if rollback.waits_since is not None:
            return (f"A rollback is planned as soon as this is over: {rollback.why_not}",)
        if rollback.why_not:
            return (f"No rollback is proposed: {rollback.why_not}",)
        return ("A rollback plan is being prepared.",) if rollback.phase is Phase.PLANNING else ()
    moves = (f"• {_move(service)}" for service in plan.services)
    moved = "\n".join((f"{_title(policy, rollback)}:", *moves))
    if rollback.phase is Phase.PROPOSED:
        return _approval(policy, rollback, plan), "\n".join(describe_plan(plan)), moved
    return (moved, *_outcomes(rollback))


def _title(policy: Policy, rollback: Rollback) -> str:
    """How far it got, who asked for it, and who approved it."""
    title = (_RELEASE_TITLES if rollback.release else _TITLES)[rollback.phase]
    if rollback.requested_by:
        title += f", asked for by {_names(policy, (rollback.requested_by,))}"
    if rollback.mode is RollbackMode.AUTOMATIC:
        return f"{title} (by itself, as the policy allows)"
    if rollback.approvers and rollback.phase is not Phase.PROPOSED:
        title += f" (approved by {_names(policy, rollback.approvers)})"
    return title


def _approval(policy: Policy, rollback: Rollback, plan: Plan) -> str:
    """Who may approve, how many have to, and who has."""
    needed = policy.stack(plan.stack).rollback.approvals
    teams = policy.approver_names(plan.stack)
    if needed == 1:
        return f"Approval: {teams} may approve it."
    given = len(rollback.approvers)
    by = f" by {_names(policy, rollback.approvers)}" if given else ""
    return (
        f"Approval: {needed} people of {teams} have to approve it; {given} of {needed} so far{by}."
    )


def _names(policy: Policy, people: tuple[str, ...]) -> str:
    known = (policy.people.get(each) for each in people)
    return " and ".join(p.name if p else each for p, each in zip(known, people, strict=True))


_TITLES: Final = {
    Phase.PLANNING: "Rollback being planned",
    Phase.PROPOSED: "Proposed rollback",
    Phase.APPLYING: "Rollback being carried out",
    Phase.RESTORING: "Rollback being undone",
    Phase.APPLIED: "Rolled back",
    Phase.UNDONE: "Rollback undone",
    Phase.HELD: "Rollback stopped half-way",
    Phase.REJECTED: "Rollback rejected",
    Phase.EXPIRED: "Rollback plan expired",
    Phase.UNAVAILABLE: "No rollback",
    Phase.WITHDRAWN: "Rollback no longer needed",
}


_RELEASE_TITLES: Final = {
    Phase.PLANNING: "Release being planned",
    Phase.PROPOSED: "Proposed release",
    Phase.APPLYING: "Release being carried out",
    Phase.RESTORING: "Release being taken back",
    Phase.APPLIED: "Released",
    Phase.UNDONE: "Release taken back",
    Phase.HELD: "Release stopped half-way",
    Phase.REJECTED: "Release rejected",
    Phase.EXPIRED: "Release plan expired",
    Phase.UNAVAILABLE: "No release",
    Phase.WITHDRAWN: "Release withdrawn",
}


def _move(plan: ServicePlan) -> str:
    """One service's change, short enough for two of them in Slack's confirm dialog."""
    before, after = (describe_split(s, plan.latest_ready) for s in (plan.before, plan.after))
    return f"{plan.service}: {before} → {after}".replace(f"{plan.service}-", "")


def _outcomes(rollback: Rollback) -> tuple[str, ...]:
    refused = tuple(_outcome(o) for o in rollback.outcomes if o.result is not MoveResult.MOVED)
    if rollback.verdict is None:
        return refused
    rto = f", RTO {rollback.rto_seconds:.1f} s" if rollback.rto_seconds is not None else ""
    return (*refused, f"Verdict: {rollback.verdict.value}{rto}")


def _outcome(outcome: ServiceOutcome) -> str:
    return f"{outcome.service}: {outcome.detail}"


def _status(policy: Policy, incident: Incident) -> str:
    who = policy.people.get(incident.acknowledged_by)
    by = f" by {who.name}" if who else ""
    moving = "Releasing" if _is_release(incident) else "Rolling back"
    waits = incident.cause is not None and incident.cause.holds
    words = {
        State.OPEN: "Open: waits for its cause" if waits else "Open: nobody has acknowledged yet",
        State.ACKNOWLEDGED: f"Acknowledged{by}",
        State.MITIGATING: f"{moving} ({_acknowledged(incident)}{by})",
        State.MITIGATED: "Mitigated: healthy again",
        State.RESOLVING: "Nothing fires: checking that it stays so",
        State.RESOLVED: "Resolved",
        State.REVIEWED: "Reviewed and closed",
        State.MERGED: f"Merged into {incident.merged_into}",
    }
    return words[incident.state]


def _acknowledged(incident: Incident) -> str:
    """What goes by itself waits for nobody."""
    by_itself = incident.rollback and incident.rollback.mode is RollbackMode.AUTOMATIC
    return "not acknowledged" if by_itself and not incident.acknowledged_at else "acknowledged"


_MAY_ACKNOWLEDGE: Final = (State.OPEN, State.ACKNOWLEDGED, State.MITIGATING, State.MITIGATED)
_MAY_END: Final = (State.OPEN, State.ACKNOWLEDGED, State.MITIGATED)


def _choices(incident: Incident, page: Page) -> tuple[Choice, ...]:
    """Only what may still be pressed."""
    choices: list[Choice] = []
    if page.acknowledged_at is None and incident.state in _MAY_ACKNOWLEDGE:
        choices.append(Choice.ACKNOWLEDGE)
    proposed = incident.rollback is not None and incident.rollback.phase is Phase.PROPOSED
    if proposed and incident.state in (State.OPEN, State.ACKNOWLEDGED):
        choices += [Choice.APPROVE, Choice.REJECT]
    data = incident.data is not None and incident.data.phase is DataPhase.PROPOSED
    if data and incident.state in _MAY_END:
        choices += [Choice.APPROVE, Choice.REJECT]
    ended_by_people = not incident.settles or incident.acknowledged_at is not None
    if ended_by_people and incident.state in _MAY_END:
        choices.append(Choice.RESOLVE)
    return tuple(choices)
