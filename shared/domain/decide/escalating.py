"""Nobody has acknowledged: who is paged next, and when. An open incident is never forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from shared.domain.decide.draft import Draft
from shared.domain.decision import Reason
from shared.domain.escalation import Called, next_round, of_step
from shared.domain.event import TimerKind
from shared.domain.incident import Incident, TimelineKind
from shared.domain.incident_state import OVER, State
from shared.domain.paging import PageStep
from shared.domain.quiet import held
from shared.domain.stack import Stack

_HAD = (State.ACKNOWLEDGED, State.MITIGATED)


def page_owner(draft: Draft, incident: Incident, step: PageStep) -> Incident:
    """Page whoever is on call for the lane."""
    called = draft.policy.on_call(draft.policy.owner(incident.lane), draft.now)
    incident = draft.call(incident, step, called)
    if not incident.held:
        names = _names(draft, called)
        duty = "" if called.gap else f" on call and {_is(called)}"
        draft.say(incident, TimelineKind.PAGING, f"{names} {_is(called)}{duty} being paged")
    return incident


def remind(draft: Draft, incident: Incident) -> None:
    """Look again whether somebody has acknowledged: for the next step, or for a reminder."""
    hold = held(draft.policy, incident, draft.now) if incident.held else None
    team = draft.policy.owner(incident.lane)
    wait = next_round(draft.policy, team, incident).wait
    due = hold.over(draft.now) if hold else draft.now + wait
    draft.timer(TimerKind.REMIND, incident, due)


def escalates(draft: Draft, incident: Incident) -> bool:
    """Whether nobody has it and the next step of an escalation is on its way."""
    team = draft.policy.owner(incident.lane)
    pending = next_round(draft.policy, team, incident).number > 0
    return incident.state is State.OPEN and pending


def next_page(draft: Draft, incident: Incident) -> Reason:
    """Page again while nobody has acknowledged, or about what joined since the last page."""
    if incident.state is State.OPEN:
        return _nobody_has_it(draft, incident)
    if incident.state in (State.RESOLVING, State.MITIGATING):
        remind(draft, incident)  # it may come back to where nobody has it
        return Reason.STALE
    if incident.state not in _HAD or not (incident.joined or incident.held):
        return Reason.STALE
    if incident.held and held(draft.policy, incident, draft.now) is not None:
        remind(draft, incident)
        return Reason.HELD_BACK
    if incident.joined:
        draft.say(incident, TimelineKind.JOINED, f"Joined: {incident.joined}")
    incident = page_owner(draft, _another_round(incident), PageStep.JOINED)
    draft.refresh(incident)
    return Reason.REMINDED


def keep_paging(draft: Draft, before: Stack) -> None:
    """Whatever was decided: an open incident has a timer, and an escalation that ends says so."""
    for incident in draft.stack.incidents:
        known = before.incident(incident.id)
        if known is not None and _pending(known) and not _pending(incident):
            _say_ended(draft, incident)
        if not _needs_timer(incident) or draft.waits(TimerKind.REMIND, incident):
            continue
        went_off = draft.waits(TimerKind.REMIND, incident) is False
        if went_off or known is None or _begins(known, incident):
            remind(draft, incident)


def _nobody_has_it(draft: Draft, incident: Incident) -> Reason:
    hold = held(draft.policy, incident, draft.now)
    if hold is not None:
        if incident.held:
            remind(draft, incident)
        else:
            draft.put(incident.waiting(hold.until))
            draft.hold(incident, hold)
        return Reason.HELD_BACK
    incident = _another_round(incident)
    incident = _page_next(draft, incident)
    remind(draft, incident)
    draft.refresh(incident)
    return Reason.REMINDED


def _page_next(draft: Draft, incident: Incident) -> Incident:
    """After a hold it begins with the team; then step by step, and again with the team."""
    if incident.held:
        return page_owner(draft, replace(incident, escalated=0), PageStep.AFTER_HOLD)
    team = draft.policy.owner(incident.lane)
    then = next_round(draft.policy, team, incident)
    if not then.number:
        return page_owner(draft, replace(incident, escalated=0), PageStep.REMINDER)
    incident = replace(incident, escalated=then.number)
    why = f"Nobody acknowledged for {_minutes(then.wait)}"
    step = f"step {then.number} of {len(team.escalation)} of the escalation of {team.name}"
    called = of_step(draft.policy, team, then.number, draft.now)
    incident = draft.call(incident, PageStep.ESCALATED, called, (f"{why}: this is {step}.",))
    text = f"{why}: {_names(draft, called)} {_is(called)} being paged, {step}"
    draft.say(incident, TimelineKind.ESCALATED, text)
    return incident


def _another_round(incident: Incident) -> Incident:
    return replace(incident, joined="", rounds=incident.rounds + 1)


def _pending(incident: Incident) -> bool:
    """Whether people are still called out for it: nobody has it, and it is not over."""
    waits = (State.OPEN, State.RESOLVING, State.MITIGATING)
    return incident.acknowledged_at is None and incident.state in waits


def _needs_timer(incident: Incident) -> bool:
    over = incident.aside or incident.state in OVER
    return incident.state is State.OPEN or (incident.held and not over)


def _begins(known: Incident, incident: Incident) -> bool:
    """Whether no timer can be there yet, or one that waits for the end of a hold that is over."""
    waited = _needs_timer(known) or _pending(known)
    return not waited or (known.held and not incident.held)


def _say_ended(draft: Draft, incident: Incident) -> None:
    if not draft.policy.owner(incident.lane).escalation:
        return
    why = "somebody has it" if incident.acknowledged_at else f"it is {incident.state}"
    draft.say(incident, TimelineKind.ESCALATION_ENDED, f"Escalation stopped: {why}")


def _names(draft: Draft, called: Called) -> str:
    return " and ".join(draft.policy.people[each].name for each in called.people)


def _is(called: Called) -> str:
    return "is" if len(called.people) == 1 else "are"


def _minutes(wait: timedelta) -> str:
    return f"{wait.total_seconds() / 60:g} min"
