"""Lanes that know each other: a symptom goes to whoever has its cause, and to nobody else.

A symptom that comes after its cause joins the cause's incident, and wakes nobody. One that was
there first keeps its own incident, which waits: its owner is told whose it is now, and hears of it
again when the cause is over while it still fires.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from shared.domain.decide.draft import Draft, nobody_has_it
from shared.domain.decide.escalating import page_owner, remind
from shared.domain.decide.making_way import stands_alone
from shared.domain.incident import Incident, TimelineKind
from shared.domain.incident_state import OVER, State, Trigger
from shared.domain.links import Cause, Symptom
from shared.domain.machine import Refusal
from shared.domain.paging import PageStep
from shared.domain.policy import UNASSIGNED, Policy
from shared.domain.stack import Stack

_GOES_ON: Final = (State.OPEN, State.ACKNOWLEDGED, State.MITIGATING, State.MITIGATED)


def cause_of(
    policy: Policy, stack: Stack, lane: str, began: datetime, besides: str = ""
) -> Incident | None:
    """The incident by which something in this lane that began then is explained, if there is one.

    It is in a lane that this one depends on, the nearest first, its owner was paged, and it goes
    on: what began after it was mitigated is news. Of services that nobody knows to belong
    together none explains another, and none (`besides`) itself.
    """
    if stack.id == UNASSIGNED:
        return None
    known = [each for lane_id in policy.upstream(lane) if (each := stack.by_lane(lane_id))]
    others = (each for each in known if each.id != besides)
    return next((each for each in others if _explains(policy, stack, each, began)), None)


def holding_cause(policy: Policy, stack: Stack, incident: Incident) -> Incident | None:
    """The incident whose owner has this one too; None where this one's owner is on their own.

    Until it is resolved it may come back, so that it holds for so long.
    """
    cause = incident.cause
    known = stack.holding(cause.incident) if cause is not None and cause.holds else None
    if known is None or known.id == incident.id or known.aside or known.state in OVER:
        return None
    upstream = policy.upstream(incident.lane)
    explains = known.lane in upstream or any(known.answers_for(lane) for lane in upstream)
    return known if explains else None


def follow_causes(draft: Draft) -> None:
    """After an event: what waited for a cause that is over goes on, what a new one explains waits."""
    if draft.stack is draft.before:
        return
    for incident in draft.stack.incidents:
        waits = incident.cause is not None and incident.cause.holds and not incident.aside
        if waits and holding_cause(draft.policy, draft.stack, incident) is None:
            goes_on_alone(draft, incident)
    for cause in draft.stack.incidents:
        if _is_new(draft, cause) and _goes_on(cause):
            _explain(draft, cause)


def goes_on_alone(draft: Draft, incident: Incident) -> None:
    """The cause is over: another one explains it, or its owner is paged as long as it is open."""
    assert incident.cause is not None, "only what waits for a cause can go on without it"
    over = incident.cause.incident
    alone = replace(incident, cause=replace(incident.cause, holds=False))
    began = incident.opened_at
    other = cause_of(draft.policy, draft.stack, incident.lane, began, besides=incident.id)
    moved = alone.moved(Trigger.CAUSE_OVER)
    if other is not None and incident.state not in OVER:
        _hold(draft, other, alone)
    elif isinstance(moved, Refusal):
        draft.put(alone)
    else:
        _resume(draft, moved, over)


def _explains(policy: Policy, stack: Stack, cause: Incident, began: datetime) -> bool:
    if not _goes_on(cause) or holding_cause(policy, stack, cause) is not None:
        return False
    over_at = cause.mitigated_at if cause.state is State.MITIGATED else None
    return over_at is None or began <= over_at


def _goes_on(incident: Incident) -> bool:
    """Whether somebody was woken for it, other than to approve a rollback, and it is not over.

    While its pages are held back nobody is called out for it, whoever was before.
    """
    if incident.state not in _GOES_ON or incident.aside or incident.held or stands_alone(incident):
        return False
    return any(page.wakes and page.step is not PageStep.ASKED for page in incident.pages)


def _paged_now(draft: Draft, incident: Incident) -> bool:
    """Whether this event has had somebody paged for it already."""
    before = draft.before.incident(incident.id)
    return before is None or any(before.page(page.key) is None for page in incident.pages)


def _is_new(draft: Draft, incident: Incident) -> bool:
    """Whether it was opened, or opened again, by this event."""
    before = draft.before.incident(incident.id)
    return before is None or not _goes_on(before)


def _explain(draft: Draft, cause: Incident) -> None:
    """Whatever of the dependent lanes was open before waits for the new incident."""
    if draft.stack.id == UNASSIGNED or holding_cause(draft.policy, draft.stack, cause):
        return
    for incident in draft.stack.open_incidents():
        depends = cause.lane in draft.policy.upstream(incident.lane)
        known = draft.before.incident(incident.id)
        waits = holding_cause(draft.policy, draft.stack, incident) is not None
        if depends and not waits and not incident.aside and known and known.state not in OVER:
            _hold(draft, cause, incident)


def _hold(draft: Draft, cause: Incident, incident: Incident) -> None:
    """The incident waits for its cause. It is looked at again, lest the cause goes unnoticed."""
    link = Cause(incident=cause.id, lane=cause.lane, team=cause.team, since=draft.now)
    waiting = replace(incident, cause=link)
    owner = draft.policy.owner(cause.lane).name
    depends = f"{incident.lane} depends on {cause.lane}"
    text = f"Its cause is incident {cause.id}: {depends}. {owner} has it now; no reminders"
    draft.say(waiting, TimelineKind.CAUSE, text)
    draft.put(waiting)
    remind(draft, waiting)
    draft.refresh(waiting)
    known = draft.stack.incident(cause.id) or cause
    text = f"It explains incident {incident.id}, of {named(draft, incident.lane)}: {depends}"
    draft.say(known, TimelineKind.SYMPTOM, text)
    symptom = known.symptom(incident.lane) or _symptom(incident, draft.now)
    known = known.with_symptom(replace(symptom, incident=incident.id))
    draft.put(known)
    draft.refresh(known)


def _symptom(incident: Incident, since: datetime) -> Symptom:
    return Symptom(
        lane=incident.lane,
        title=incident.title,
        severity=incident.severity,
        since=since,
        summary=incident.summary,
        rule=incident.rule,
        trigger=incident.trigger,
        runbook=incident.runbook,
        reasons=incident.reasons,
    )


def _resume(draft: Draft, incident: Incident, over: str) -> None:
    """Its owner is on their own again, and is paged unless nothing of it fires just now, or that has been done."""
    if incident.state in (State.OPEN, State.RESOLVING):
        incident = nobody_has_it(incident)
    remind(draft, incident)
    if incident.state is State.RESOLVING:
        text = f"Incident {over}, its cause, is over; nothing of this one fires just now"
        draft.say(incident, TimelineKind.RESUMED, text)
        draft.put(incident)
        return
    if _paged_now(draft, incident):
        draft.say(incident, TimelineKind.RESUMED, f"It no longer waits for incident {over}")
        draft.put(incident)
        return
    text = f"Incident {over}, its cause, is over, and this one is not"
    draft.say(incident, TimelineKind.RESUMED, f"{text}: its owner is paged")
    incident = replace(incident, rounds=incident.rounds + 1)
    draft.refresh(page_owner(draft, incident, PageStep.RESUMED))


def named(draft: Draft, lane: str) -> str:
    """The lane, as the policy and as people call it."""
    return f"lane {lane} ({draft.policy.lane(lane).name})"
