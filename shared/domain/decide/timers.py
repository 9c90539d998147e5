"""What follows when a timer's time has come."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from shared.domain.alert import AlertStatus
from shared.domain.decide.causes import goes_on_alone, holding_cause
from shared.domain.decide.data_approvals import expire_data, withdraw_data
from shared.domain.decide.draft import Draft, reopened
from shared.domain.decide.escalating import next_page, page_owner, remind
from shared.domain.decide.handing import hand_over, theirs
from shared.domain.decide.making_way import over
from shared.domain.decide.opening import ask_for_plan, watch
from shared.domain.decide.proof import measure, verify
from shared.domain.decide.verdicts import settle_verdict
from shared.domain.decision import Reason
from shared.domain.event import TimerDue, TimerKind
from shared.domain.incident import Incident, TimelineKind
from shared.domain.incident_state import State, Trigger
from shared.domain.machine import Refusal
from shared.domain.paging import PageStep
from shared.domain.rollback_phase import Phase, Step

_THE_REST: Final = timedelta(seconds=1)
"""So soon what one commit could not hold is handed over."""

KEEP_UNSENT: Final = timedelta(hours=6)
"""How long a resolved incident stays in the head for a page that has not gone out yet."""


def on_timer(draft: Draft, event: TimerDue) -> Reason:
    """Look at the incident again."""
    draft.clear(event.timer)
    incident = draft.stack.incident(event.timer.incident)
    if incident is None or incident.aside:
        return Reason.STALE
    match event.timer.kind:
        case TimerKind.SETTLE:
            return _settle(draft, incident, _own(incident, event))
        case TimerKind.CONFIRM:
            return _confirm(draft, incident, event)
        case TimerKind.PLAN_EXPIRES:
            return _expire(draft, incident)
        case TimerKind.VERIFY | TimerKind.MEASURE as kind:
            prove = verify if kind is TimerKind.VERIFY else measure
            return prove(draft, incident, event.trigger)
        case TimerKind.FORGET:
            return _forget(draft, incident)
        case TimerKind.REMIND:
            return _remind(draft, incident)
        case TimerKind.DATA_EXPIRES:
            return expire_data(draft, incident)


def _own(incident: Incident, event: TimerDue) -> int:
    """How many alerts fire that are the incident's own, as far as they were looked at."""
    return len(event.fires) - len(theirs(incident, event.fires)) if event.fires else event.firing


def _settle(draft: Draft, incident: Incident, firing: int) -> Reason:
    """Nothing fires: check for a settle time that it stays so. Otherwise look again later."""
    if firing and incident.state is State.RESOLVED:
        return _not_over(draft, incident)
    if not incident.settles:
        return Reason.STALE  # a person has to end what was merged into it
    moved = incident.moved(Trigger.SETTLE)
    if firing or moved is Refusal.ROLLBACK_RUNNING:
        watch(draft, incident)
        return Reason.STILL_FIRING
    if isinstance(moved, Refusal):
        return Reason.STALE
    draft.put(moved)
    draft.refresh(moved)
    draft.timer(TimerKind.CONFIRM, moved, draft.now + draft.policy.timing.settle)
    return Reason.CHECKING


def _not_over(draft: Draft, incident: Incident) -> Reason:
    """It was resolved, and fires: whoever overlooked that, a person has to know now."""
    moved = incident.moved(Trigger.ALERT_FIRED)
    assert not isinstance(moved, Refusal), "a resolved incident may always be reopened"
    moved = reopened(moved, draft.now)
    watch(draft, moved)
    remind(draft, moved)
    draft.say(moved, TimelineKind.REOPENED, "It was resolved while an alert of it fired: reopened")
    draft.refresh(page_owner(draft, moved, PageStep.REOPENED))
    return Reason.REOPENED


def _confirm(draft: Draft, incident: Incident, event: TimerDue) -> Reason:
    if _own(incident, event):
        moved = incident.moved(Trigger.STILL_FIRING)
        if isinstance(moved, Refusal):
            return Reason.STALE
        moved = replace(moved, ended_by="")
        draft.put(moved)
        watch(draft, moved)
        draft.refresh(moved)
        return Reason.STILL_FIRING
    moved = incident.moved(Trigger.ALL_CLEAR)
    if isinstance(moved, Refusal):
        return Reason.STALE
    others = theirs(incident, event.fires)
    if others:
        left = event.firing > len(others)
        incident = hand_over(draft, incident, others, left=left)
        if left:
            draft.timer(TimerKind.CONFIRM, incident, draft.now + _THE_REST)
            return Reason.HANDED_OVER
        moved = replace(incident, state=moved.state)
    return _resolved(draft, moved, event.trigger)


def _resolved(draft: Draft, incident: Incident, trigger: AlertStatus | None) -> Reason:
    """What set its rollback off may fire on all the same, split off into another incident."""
    incident = withdraw_data(replace(incident, resolved_at=draft.now))
    if incident.rollback is not None:
        withdrawn = incident.rollback.step(Step.WITHDRAW)
        if not isinstance(withdrawn, Refusal):
            incident = replace(incident, rollback=replace(withdrawn, waiting=False))
    draft.say(incident, TimelineKind.RESOLVED, "Nothing fires any more: resolved")
    draft.put(incident)
    if trigger is not AlertStatus.FIRING:
        settle_verdict(draft, incident, AlertStatus.RESOLVED)
    resolved = draft.stack.incident(incident.id)
    draft.refresh(resolved or incident)
    due = draft.now + draft.policy.timing.reopen_window
    draft.timer(TimerKind.FORGET, incident, due)
    return Reason.RESOLVED


def _expire(draft: Draft, incident: Incident) -> Reason:
    rollback = incident.rollback
    if rollback is None or rollback.plan is None:
        return Reason.STALE
    expired = rollback.step(Step.EXPIRE)
    if isinstance(expired, Refusal):
        return Reason.STALE
    if draft.now < rollback.plan.expires_at:
        draft.timer(TimerKind.PLAN_EXPIRES, incident, rollback.plan.expires_at)
        return Reason.STALE
    incident = replace(incident, rollback=expired)
    text = f"Nobody decided on the {rollback.called}: the plan expired"
    draft.say(incident, TimelineKind.EXPIRED, text)
    if rollback.release:
        over(draft, incident, "It may be asked for again")
        return Reason.EXPIRED
    if incident.state in (State.OPEN, State.ACKNOWLEDGED):
        wish = replace(rollback, phase=Phase.PLANNING, plan=None)
        incident = replace(incident, rollback=ask_for_plan(draft, incident, wish))
    draft.put(incident)
    draft.refresh(incident)
    return Reason.EXPIRED


def _remind(draft: Draft, incident: Incident) -> Reason:
    """Page again, unless the owner of its cause has this one too."""
    if incident.cause is not None and incident.cause.holds:
        return _wait_on(draft, incident)
    return next_page(draft, incident)


def _wait_on(draft: Draft, incident: Incident) -> Reason:
    """Its cause's owner has it: see to it that this stays so, and does not outlast the cause."""
    if incident.state in (State.RESOLVED, State.REVIEWED):
        return Reason.STALE
    if holding_cause(draft.policy, draft.stack, incident) is None:
        goes_on_alone(draft, incident)
        return Reason.RESUMED
    remind(draft, incident)
    return Reason.WITH_CAUSE


def _forget(draft: Draft, incident: Incident) -> Reason:
    if incident.state not in (State.RESOLVED, State.REVIEWED) or incident.resolved_at is None:
        return Reason.STALE
    due = incident.resolved_at + draft.policy.timing.reopen_window
    unsent = any(page.sent_at is None for page in incident.pages)
    if draft.now < due or (unsent and draft.now < incident.resolved_at + KEEP_UNSENT):
        again = max(due, draft.now + draft.policy.timing.reopen_window)
        draft.timer(TimerKind.FORGET, incident, due if draft.now < due else again)
        return Reason.STALE
    draft.retire(incident)
    return Reason.FORGOTTEN
