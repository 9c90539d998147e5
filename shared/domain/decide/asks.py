"""What people ask for outside an incident: a rollback, a look at its plan, a drill, an incident."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from shared.domain.action import ActionKind
from shared.domain.decide.approvals import page_approvers, why_too_few
from shared.domain.decide.data import ask_for_data
from shared.domain.decide.draft import Draft
from shared.domain.decide.drills import start_drill
from shared.domain.decide.latches import unlatch
from shared.domain.decide.making_way import make_way
from shared.domain.decide.opening import (
    ask_for_plan,
    asked_for,
    new_incident,
    opened,
    plan_order,
    why_no_rollback,
    wish_rollback,
)
from shared.domain.decide.releases import APPLY, on_release
from shared.domain.decision import Reason
from shared.domain.event import Instruction
from shared.domain.incident import TimelineKind
from shared.domain.incident_state import State
from shared.domain.paging import Choice
from shared.domain.policy import Person
from shared.domain.severity import Severity

_UNTOUCHED: Final = (State.OPEN, State.ACKNOWLEDGED)


def on_ask(draft: Draft, asked: Instruction, person: Person) -> Reason | str:
    """Begin what was asked for, or say why not."""
    match asked.choice:
        case Choice.PREVIEW:
            return _preview(draft, asked, person)
        case Choice.ROLLBACK:
            return _rollback(draft, asked, person)
        case Choice.DRILL:
            return _drill(draft, asked, person)
        case Choice.DECLARE:
            return _declare(draft, asked, person)
        case Choice.RELEASE:
            return on_release(draft, asked, person)
        case Choice.UNLATCH:
            return unlatch(draft, asked, person)
        case Choice.DATA_ROLLBACK:
            return ask_for_data(draft, asked, person)
        case _:
            return f"nobody can {asked.choice} a stack"


def _preview(draft: Draft, asked: Instruction, person: Person) -> Reason:
    order = plan_order(draft, asked_by=person.name, view=asked.view)
    draft.act(ActionKind.PLAN, "", order)
    return Reason.CARRIED_OUT


def _rollback(draft: Draft, asked: Instruction, person: Person) -> Reason | str:
    lane = draft.policy.rollback_lane()
    why_not = why_too_few(draft, person)
    if lane is not None and not why_not:
        make_way(draft, lane.id, Severity.SEV3, what=f"{person.name} asks for a rollback")
    why_not = why_no_rollback(draft) or why_not
    if why_not or lane is None:
        return why_not or "no lane of the policy has rollback as its remediation"
    known = draft.stack.by_lane(lane.id)
    if known is not None and known.state not in (*_UNTOUCHED, State.RESOLVED, State.REVIEWED):
        return f"incident {known.id} is {known.state}"
    wish = asked_for(draft, person, asked.text)
    text = f"{person.name} asks for a rollback: {asked.text}"
    if known is not None and known.state in _UNTOUCHED:
        wish = replace(wish, trigger=known.trigger)
        incident = known.with_wish(wish)
        incident = replace(incident, rollback=ask_for_plan(draft, incident, wish))
        draft.say(incident, TimelineKind.ASKED, text)
        page_approvers(draft, replace(incident, rounds=incident.rounds + 1), person)
        return Reason.CARRIED_OUT
    title = f"Rollback of {draft.policy.stack(draft.stack.id).name} asked for"
    incident = new_incident(draft, lane, Severity.SEV3, title, asked.text, (text,))
    incident = replace(incident, rollback=ask_for_plan(draft, incident, wish))
    draft.retire(known)
    draft.say(incident, TimelineKind.OPENED, text)
    page_approvers(draft, incident, person)
    return Reason.CARRIED_OUT


def _drill(draft: Draft, asked: Instruction, person: Person) -> Reason | str:
    words = asked.text.split()
    apply = APPLY in words
    names = [word for word in words if word != APPLY]
    if apply and not draft.policy.may_approve(draft.stack.id, person, draft.now):
        teams = draft.policy.approver_names(draft.stack.id)
        return f"only {teams} may have a drill move traffic"
    drill = names[0] if names else ""
    why_not = start_drill(draft, asked.id, drill, person.name, apply=apply)
    return why_not or Reason.DRILL_PLANNED


def _declare(draft: Draft, asked: Instruction, person: Person) -> Reason | str:
    lane = draft.policy.lanes.get(asked.lane)
    if lane is None:
        return f"there is no lane {asked.lane!r}; there is: {', '.join(draft.policy.lanes)}"
    severity = asked.severity or draft.policy.default_severity
    make_way(draft, lane.id, severity, what=f"{person.name} declared an incident")
    known = draft.stack.by_lane(lane.id)
    if known is not None and known in draft.stack.open_incidents():
        return (
            f"incident {known.id} is open in that lane; it is about: {known.title}. If yours is"
            " the same, go on with that one; if not, end that one first, or declare yours in"
            " another lane"
        )
    draft.retire(known)
    reasons = (f"{person.name} declared it",)
    incident = new_incident(draft, lane, severity, asked.text, asked.text, reasons)
    opened(draft, wish_rollback(draft, incident, requested_by=person.id))
    return Reason.OPENED
