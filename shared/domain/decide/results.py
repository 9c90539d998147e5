"""What follows from the end of an action."""

from __future__ import annotations

from dataclasses import replace

from shared.domain.action import (
    Action,
    ActionKind,
    Delivered,
    GaveUp,
    PageOrder,
    PlanOrder,
    ShowOrder,
)
from shared.domain.card import card_for, digest
from shared.domain.decide.draft import Draft
from shared.domain.decide.drills import on_drill_step
from shared.domain.decide.sheets import plan_sheet
from shared.domain.decide.traffic import on_applied, on_lost, on_restored
from shared.domain.decision import Reason, TimelineRow
from shared.domain.event import ActionFinished, TimerKind
from shared.domain.incident import Incident, Rollback, TimelineKind
from shared.domain.incident_state import State
from shared.domain.machine import Refusal
from shared.domain.paging import Page, PageStep
from shared.domain.rollback import NoPlan, Plan, TrafficOutcome
from shared.domain.rollback_phase import Phase, Step

_GONE = (State.RESOLVED, State.REVIEWED)


def on_finished(draft: Draft, event: ActionFinished) -> Reason:
    """Note the result, and do what it asks for."""
    action, outcome = event.action, event.outcome
    incident = draft.stack.incident(action.incident)
    if incident is None:
        return _without_incident(draft, event)
    match outcome:
        case Delivered():
            assert isinstance(action.order, PageOrder)
            return _delivered(draft, incident, action.order.page, outcome)
        case Plan() | NoPlan():
            return _planned(draft, incident, outcome)
        case TrafficOutcome() if action.kind is ActionKind.APPLY:
            return on_applied(draft, incident, outcome, event.trigger)
        case TrafficOutcome():
            return on_restored(draft, incident, outcome)
        case GaveUp(reason):
            return _gave_up(draft, incident, event, reason)
        case _:
            return Reason.RECORDED


def _without_incident(draft: Draft, event: ActionFinished) -> Reason:
    """A drill's step, a plan for somebody's modal, or something about an incident long gone."""
    order = event.action.order
    if isinstance(order, PlanOrder) and order.view:
        sheet = plan_sheet(draft, event.outcome)
        draft.act(ActionKind.SHOW, "", ShowOrder(view=order.view, sheet=sheet))
        return Reason.RECORDED
    if event.action.kind is ActionKind.PAGE and isinstance(event.outcome, Delivered):
        return _delivered_late(draft, event.action, event.outcome)
    return on_drill_step(draft, event)


def _delivered_late(draft: Draft, action: Action, outcome: Delivered) -> Reason:
    """The page reached somebody after its incident was closed and filed: the story says so."""
    draft.row(
        TimelineRow(
            id=f"{draft.event.id}-t1",
            incident=action.incident,
            at=draft.now,
            kind=TimelineKind.PAGED,
            text=f"Paged in {outcome.message.channel}, after the incident was closed",
        )
    )
    return Reason.RECORDED


def _delivered(draft: Draft, incident: Incident, key: str, outcome: Delivered) -> Reason:
    """The message stands; if it shows what is no longer so, it is drawn again."""
    page = incident.page(key)
    if page is None:
        return Reason.STALE
    if page.sent_at is None:
        incident = _sent(draft, incident, page, outcome)
    shown = incident.page(key) or page
    if digest(card_for(draft.policy, incident, shown)) != outcome.drawn:
        draft.act(ActionKind.REFRESH, incident.id, PageOrder(page=key))
    return Reason.RECORDED


def _sent(draft: Draft, incident: Incident, page: Page, outcome: Delivered) -> Incident:
    page = page.sent(outcome.message, draft.now)
    if incident.acknowledged_at and incident.acknowledged_at >= page.decided_at:
        page = page.acknowledged(incident.acknowledged_at)
    incident = incident.with_page(page)
    person = draft.policy.people.get(page.person)
    who = person.name if person else page.person
    draft.say(incident, TimelineKind.PAGED, f"Paged {who} in {page.channel}")
    draft.put(incident)
    return incident


def _planned(draft: Draft, incident: Incident, outcome: Plan | NoPlan) -> Reason:
    """A plan is proposed; one that waits for a drill to end was asked for before it began."""
    if incident.rollback is None or incident.rollback.waiting:
        return Reason.STALE
    rollback = incident.rollback.planned(outcome)
    if isinstance(rollback, Refusal):
        return Reason.STALE
    if incident.state in _GONE:
        withdrawn = rollback.step(Step.WITHDRAW)
        rollback = rollback if isinstance(withdrawn, Refusal) else withdrawn
    incident = replace(incident, rollback=rollback)
    _say_plan(draft, incident, rollback)
    if rollback.phase is Phase.PROPOSED and rollback.plan is not None:
        draft.timer(TimerKind.PLAN_EXPIRES, incident, rollback.plan.expires_at)
    draft.put(incident)
    draft.refresh(incident)
    return Reason.RECORDED


def _say_plan(draft: Draft, incident: Incident, rollback: Rollback) -> None:
    if rollback.plan is None:
        text = f"No rollback is proposed: {rollback.why_not}"
        draft.say(incident, TimelineKind.NOT_PROPOSED, text)
        return
    moves = ", ".join(service.in_words() for service in rollback.plan.services)
    draft.say(incident, TimelineKind.PROPOSED, f"Rollback proposed: {moves}")


def _gave_up(draft: Draft, incident: Incident, event: ActionFinished, reason: str) -> Reason:
    """An action that will not be tried again is never given up in silence."""
    kind = event.action.kind
    if kind is ActionKind.PLAN:
        return _planned(draft, incident, NoPlan(reason=reason))
    if kind in (ActionKind.APPLY, ActionKind.RESTORE):
        return on_lost(draft, incident, reason)
    if kind is ActionKind.PAGE:
        _page_failed(draft, incident, event, reason)
    else:
        draft.say(incident, TimelineKind.FAILED, f"{kind} failed: {reason}")
    return Reason.RECORDED


def _page_failed(draft: Draft, incident: Incident, event: ActionFinished, reason: str) -> None:
    """Page another team about it; the failure of that page too is written down."""
    assert isinstance(event.action.order, PageOrder)
    failed = incident.page(event.action.order.page)
    where = failed.channel if failed else "an unknown channel"
    draft.say(incident, TimelineKind.PAGE_FAILED, f"The page to {where} failed: {reason}")
    tried = (*failed.instead_of, failed.channel) if failed else ()
    teams = draft.policy.teams.values()
    other = next((team for team in teams if team.channel not in tried), None)
    if other is not None:
        details = (f"The page to {where} could not be delivered: {reason}",)
        draft.page(incident, PageStep.ACTION_FAILED, details, team_id=other.id, instead_of=tried)
