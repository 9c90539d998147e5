"""When a person takes over: it is said, automation is off, and a person clears it."""

from __future__ import annotations

from dataclasses import replace

from shared.domain.decide.draft import Draft
from shared.domain.decide.notices import notify
from shared.domain.decision import Reason
from shared.domain.event import Instruction
from shared.domain.incident import TimelineKind
from shared.domain.ledger import Latch, ServiceRecord, bare
from shared.domain.policy import Person
from shared.domain.rollback import Plan, ServicePlan, describe_split
from shared.domain.stack import Stack


def say_latched(draft: Draft, before: ServiceRecord, latch: Latch) -> None:
    """Say in the rollback lane's channel, and to whoever works on an incident, who changed what."""
    service, stack = before.service, draft.stack.id
    who = latch.by or "Somebody"
    changed = (
        f"{who} changed the traffic of {service} by hand: it was "
        f"{describe_split(before.traffic)}, and is {describe_split(latch.found)}."
    )
    off = (
        "Until somebody clears this, Switchman does nothing there by itself: no automatic "
        "rollback, no drill that moves traffic, no tag. A rollback that a person approves is "
        "still carried out."
    )
    clear = (
        f"To clear it: `/switchman unlatch {stack} {service}`, by "
        f"{draft.policy.approver_names(stack)}."
    )
    notify(draft, f"Hands off {service}: a person has taken over", changed, off, clear)
    for incident in draft.stack.open_incidents():
        draft.say(incident, TimelineKind.LATCHED, f"{changed} Automation is off for it")


def unlatch(draft: Draft, asked: Instruction, person: Person) -> Reason | str:
    """A person hands a service back to Switchman; or why not."""
    service = asked.text
    if not draft.policy.may_approve(draft.stack.id, person, draft.now):
        allowed = draft.policy.approver_names(draft.stack.id)
        return f"only {allowed} may hand services of {draft.stack.id} back to Switchman"
    record = draft.stack.record(service)
    if record is None or record.latch is None:
        return f"nobody has taken over the traffic of {service!r}, as far as Switchman has seen"
    draft.stack = draft.stack.with_record(replace(record, latch=None))
    text = f"{person.name} handed {service} back: Switchman may act on it by itself again."
    notify(draft, f"{service} is handed back", text)
    return Reason.CARRIED_OUT


def hands_off(stack: Stack, plan: Plan) -> str:
    """Why nothing may be done by itself about what the plan moves; empty if it may.

    A service that is no longer as it was last seen may have been taken over meanwhile: the next
    look tells.
    """
    for service in plan.services:
        record = stack.record(service.service)
        if record is None:
            continue
        if record.latch is not None:
            return taken_over(record.service, record.latch)
        seen = (record.traffic, *(record.own.splits if record.own else ()))
        if bare(service.before) not in map(bare, seen):
            return f"the traffic of {service.service} has changed since it was last looked at"
    return ""


def latched(stack: Stack) -> str:
    """Who has taken over some service of the stack; empty if nobody has."""
    held = ((record.service, record.latch) for record in stack.services)
    return next((taken_over(service, latch) for service, latch in held if latch), "")


def taken_over(service: str, latch: Latch) -> str:
    """Who took over, in words."""
    return f"{latch.by or 'somebody'} changed the traffic of {service} by hand"


def with_latches(stack: Stack, plan: Plan) -> Plan:
    """The plan, saying of each service that a person has taken over what that means."""
    return replace(plan, services=tuple(_with_latch(stack, each) for each in plan.services))


def _with_latch(stack: Stack, plan: ServicePlan) -> ServicePlan:
    record = stack.record(plan.service)
    if record is None or record.latch is None:
        return plan
    note = f"{taken_over(plan.service, record.latch)}, so that automation is off for it"
    return replace(plan, why=f"{plan.why}; {note}: only your approval moves it")
