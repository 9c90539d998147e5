"""Opening an incident, whoever or whatever asked for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.domain.action import ActionKind, PlanOrder
from shared.domain.decide.draft import Draft
from shared.domain.decide.escalating import page_owner, remind
from shared.domain.event import AlertReceived, TimerKind
from shared.domain.incident import Incident, Rollback, TimelineKind, incident_id
from shared.domain.incident_state import State
from shared.domain.paging import PageStep
from shared.domain.policy import Lane, Person, Remediation
from shared.domain.rollback import RollbackMode
from shared.domain.rollback_phase import Phase
from shared.domain.severity import Severity


def asked_for(draft: Draft, person: Person, reason: str) -> Rollback:
    """The wish of a person, which no alert set off; its plan is still to come."""
    return Rollback(
        mode=RollbackMode.MANUAL,
        phase=Phase.PLANNING,
        asked_at=draft.now,
        trigger="",
        requested_by=person.id,
        reason=reason,
    )


def new_incident(
    draft: Draft,
    lane: Lane,
    severity: Severity,
    title: str,
    summary: str,
    reasons: tuple[str, ...],
) -> Incident:
    """An incident that no alert set off: a person has to end it."""
    return Incident(
        id=incident_id(draft.stack.id, draft.event.id),
        stack=draft.stack.id,
        lane=lane.id,
        team=lane.owner,
        severity=severity,
        state=State.OPEN,
        title=title,
        summary=summary,
        reasons=reasons,
        rule="",
        trigger="",
        opened_at=draft.now,
        runbook=lane.runbook,
        settles=False,
    )


def opened(draft: Draft, incident: Incident) -> Incident:
    """Say that it is open, page its owner, and look at it again when it may have settled."""
    team = draft.policy.owner(incident.lane)
    draft.say(
        incident,
        TimelineKind.OPENED,
        f"{incident.severity} incident in lane {incident.lane}, owned by {team.name}: "
        f"{incident.reasons[0]}",
    )
    incident = page_owner(draft, incident, PageStep.OPENED)
    watch(draft, incident)
    remind(draft, incident)
    return incident


def watch(draft: Draft, incident: Incident) -> None:
    """Set the timer that ends the incident once nothing fires, if that is how it ends."""
    if incident.settles:
        draft.timer(TimerKind.SETTLE, incident, draft.now + draft.policy.timing.settle)


def wish_rollback(
    draft: Draft, incident: Incident, no_rollback: str = "", requested_by: str = ""
) -> Incident:
    """Ask for a rollback plan, where that is what the lane's owner would do.

    `no_rollback` says why it would not help here: then that is what people are told.
    """
    if draft.policy.lane(incident.lane).remediation is not Remediation.ROLLBACK:
        return incident
    if not draft.policy.stack(draft.stack.id).services:
        return incident
    if draft.stack.rollback_owner():
        no_rollback = "another incident's rollback of this stack is under way"
    wish = Rollback(
        mode=RollbackMode.PROPOSED,
        phase=Phase.UNAVAILABLE if no_rollback else Phase.PLANNING,
        asked_at=draft.now,
        trigger=incident.trigger,
        fired_at=_fired_at(draft),
        why_not=no_rollback,
        requested_by=requested_by,
    )
    if no_rollback:
        text = f"No rollback is proposed: {no_rollback}"
        draft.say(incident, TimelineKind.NOT_PROPOSED, text)
        return replace(incident, rollback=wish)
    return replace(incident, rollback=ask_for_plan(draft, incident, wish))


def _fired_at(draft: Draft) -> datetime | None:
    """When the alert began that is being dealt with, if it is one."""
    return draft.event.alert.starts_at if isinstance(draft.event, AlertReceived) else None


def ask_for_plan(draft: Draft, incident: Incident, wish: Rollback) -> Rollback:
    """Have the plan made, now or as soon as a drill has put its traffic back, or a tag is set."""
    if draft.stack.drill is not None or draft.stack.tagging:
        return replace(wish, waiting=True)
    person = draft.policy.people.get(wish.requested_by)
    order = plan_order(
        draft,
        asked_by=person.name if person else "",
        reason=wish.reason or incident.title,
        did_not_help=tuple(
            service.to_revision
            for tried in incident.earlier
            if tried.plan is not None and tried.phase is not Phase.UNDONE
            for service in tried.plan.services
        ),
    )
    order = replace(order, patient=wish.waits_since is not None)
    draft.act(ActionKind.PLAN, incident.id, order)
    return replace(wish, waiting=False)


def plan_order(
    draft: Draft,
    *,
    asked_by: str,
    reason: str = "",
    drill: str = "",
    view: str = "",
    did_not_help: tuple[str, ...] = (),
) -> PlanOrder:
    """The order for a plan, with all that the head knows of the stack's services."""
    return PlanOrder(
        drill=drill,
        view=view,
        records=draft.stack.services,
        rolled_back=draft.stack.rolled_back,
        did_not_help=did_not_help,
        asked_by=asked_by,
        reason=reason,
    )


def plan_what_waits(draft: Draft) -> None:
    """What a plan had to wait for is over."""
    for incident in draft.stack.incidents:
        wish = incident.rollback
        if wish is not None and wish.waiting and wish.phase is Phase.PLANNING:
            asked = ask_for_plan(draft, incident, wish)
            draft.put(replace(incident, rollback=asked))


def why_no_rollback(draft: Draft) -> str:
    """Why no rollback of the stack can be asked for now; empty if one can."""
    if not draft.policy.stack(draft.stack.id).services:
        known = ", ".join(draft.policy.stacks)
        return f"the policy has no services for {draft.stack.id!r}; it has: {known}"
    if draft.stack.drill is not None:
        return f"drill {draft.stack.drill.id} is under way"
    owner = draft.stack.rollback_owner()
    return f"incident {owner.id} has a rollback under way" if owner else ""
