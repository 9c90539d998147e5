"""What follows from the end of an action."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from shared.domain.action import (
    ActionKind,
    Delivered,
    GaveUp,
    Measured,
    MeasureOrder,
    PageOrder,
    PlanOrder,
    ShowOrder,
    TrafficOrder,
)
from shared.domain.card import card_for, digest
from shared.domain.decide.data_steps import on_data_step
from shared.domain.decide.draft import Draft
from shared.domain.decide.drills import on_drill_step
from shared.domain.decide.filed import on_late_page
from shared.domain.decide.latches import with_latches
from shared.domain.decide.notices import on_notified
from shared.domain.decide.observing import note_own, on_sights
from shared.domain.decide.proof import on_measured
from shared.domain.decide.proposals import about_rollback, on_planned
from shared.domain.decide.releases import on_release_planned
from shared.domain.decide.sheets import plan_sheet
from shared.domain.decide.tagging import on_tagged
from shared.domain.decide.traffic import on_applied, on_lost, on_restored
from shared.domain.decision import Reason
from shared.domain.event import ActionFinished
from shared.domain.incident import Incident, TimelineKind
from shared.domain.incident_state import State
from shared.domain.metrics import Measurement
from shared.domain.paging import Page, PageStep
from shared.domain.rollback import NoPlan, Plan, TrafficOutcome

_BESIDE: Final = {
    ActionKind.OBSERVE: on_sights,
    ActionKind.TAG: on_tagged,
    ActionKind.NOTIFY: on_notified,
    ActionKind.VERIFY_SNAPSHOT: on_data_step,
    ActionKind.EXPORT_DATA: on_data_step,
    ActionKind.IMPORT_DATA: on_data_step,
    ActionKind.CHECK_DATA: on_data_step,
}
"""What is about services and no incident, or about data."""

_GONE = (State.RESOLVED, State.REVIEWED)


def on_finished(draft: Draft, event: ActionFinished) -> Reason:
    """Note the result, and do what it asks for."""
    beside = _BESIDE.get(event.action.kind)
    if beside is not None:
        return beside(draft, event)
    note_own(draft, event)
    if isinstance(event.outcome, Plan):
        event = replace(event, outcome=with_latches(draft.stack, event.outcome))
    return _about_incident(draft, event)


def _about_incident(draft: Draft, event: ActionFinished) -> Reason:
    action, outcome = event.action, event.outcome
    incident = draft.stack.incident(action.incident)
    if incident is None:
        return _without_incident(draft, event)
    if isinstance(action.order, TrafficOrder) and not about_rollback(incident, action):
        return Reason.STALE
    match outcome:
        case Delivered():
            assert isinstance(action.order, PageOrder)
            return _delivered(draft, incident, action.order.page, outcome)
        case Plan() | NoPlan():
            return on_planned(draft, incident, outcome, event.trigger)
        case TrafficOutcome():
            return _changed(draft, incident, event, outcome)
        case Measured():
            assert isinstance(action.order, MeasureOrder)
            return on_measured(draft, incident, action.order, outcome, event.trigger)
        case GaveUp(reason):
            return _gave_up(draft, incident, event, reason)
        case _:
            return Reason.RECORDED


def _changed(
    draft: Draft, incident: Incident, event: ActionFinished, outcome: TrafficOutcome
) -> Reason:
    """Traffic was moved, or put back."""
    if event.action.kind is ActionKind.APPLY:
        return on_applied(draft, incident, outcome, event.trigger)
    return on_restored(draft, incident, outcome)


def _without_incident(draft: Draft, event: ActionFinished) -> Reason:
    """A drill's step, a plan for somebody's modal, or something about an incident long gone."""
    order = event.action.order
    if isinstance(order, PlanOrder) and order.view:
        sheet = plan_sheet(draft, event.outcome)
        draft.act(ActionKind.SHOW, "", ShowOrder(view=order.view, sheet=sheet))
        return Reason.RECORDED
    if isinstance(order, PlanOrder) and order.release is not None:
        return on_release_planned(draft, event)
    if event.action.kind is ActionKind.PAGE:
        return on_late_page(draft, event)
    return on_drill_step(draft, event)


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
    if page.wakes:
        draft.say(incident, TimelineKind.PAGED, f"Paged {who} in {page.channel}")
    else:
        text = f"Shown in {page.channel}, without waking anybody"
        draft.say(incident, TimelineKind.SHOWN, text)
    draft.put(incident)
    return incident


def _gave_up(draft: Draft, incident: Incident, event: ActionFinished, reason: str) -> Reason:
    """An action that will not be tried again is never given up in silence."""
    kind, order = event.action.kind, event.action.order
    if isinstance(order, MeasureOrder):
        unknown = Measured(tuple(Measurement(missing=reason) for _ in order.queries))
        return on_measured(draft, incident, order, unknown, event.trigger)
    if kind is ActionKind.PLAN:
        return on_planned(draft, incident, NoPlan(reason=reason), event.trigger)
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
    if failed is not None and not failed.wakes:
        return  # the page itself is still to come
    tried = (*failed.instead_of, failed.channel) if failed else ()
    teams = draft.policy.teams.values()
    other = next((team for team in teams if team.channel not in tried), None)
    if other is not None:
        details = (f"The page to {where} could not be delivered: {reason}",)
        draft.page(incident, PageStep.ACTION_FAILED, details, team_id=other.id, instead_of=tried)
