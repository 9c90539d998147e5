"""A release gives way to whatever fires: no incident waits for one, or is taken for one."""

from __future__ import annotations

from dataclasses import replace

from shared.domain.decide.draft import Draft
from shared.domain.event import TimerKind
from shared.domain.incident import Incident, Rollback, TimelineKind
from shared.domain.incident_state import State, Trigger
from shared.domain.machine import Refusal
from shared.domain.policy import Remediation
from shared.domain.rollback_phase import Phase, Step
from shared.domain.severity import CRITICAL, Severity

_NEEDS_SOMEBODY = (Phase.UNDONE, Phase.HELD)


def make_way(draft: Draft, lane: str, severity: Severity, *, alert: str = "", what: str) -> None:
    """Something bad begins in this lane: a release that waits is withdrawn, one that is done is over.

    While one moves traffic, its verdict depends on this `alert` from now on: should it still fire
    in the end, traffic is put back. One that failed has people at it, and stays.
    """
    rolls_back = draft.policy.lane(lane).remediation is Remediation.ROLLBACK
    if severity not in CRITICAL and not rolls_back:
        return
    for incident in draft.stack.incidents:
        release = incident.rollback
        if release is None or incident.aside or not stands_alone(incident):
            continue
        if release.phase.busy:
            _judged_by(draft, incident, release, alert)
        elif incident.state is State.RESOLVED:
            draft.retire(incident)
        else:
            draft.retire(over(draft, incident, f"No release any more, because of this: {what}"))


def stands_alone(incident: Incident) -> bool:
    """Whether it is about a release, and about nothing that fires: nothing else belongs to it."""
    release = incident.rollback
    return release is not None and release.release and release.phase not in _NEEDS_SOMEBODY


def over(draft: Draft, incident: Incident, text: str) -> Incident:
    """The incident of a release as it is when nothing of it is left to do; one that waits is withdrawn."""
    for trigger in (Trigger.SETTLE, Trigger.ALL_CLEAR):
        moved = incident.moved(trigger)
        incident = incident if isinstance(moved, Refusal) else moved
    assert incident.rollback is not None, "only a release is over like this"
    withdrawn = incident.rollback.step(Step.WITHDRAW)
    if not isinstance(withdrawn, Refusal):
        incident = replace(incident, rollback=withdrawn)
    incident = replace(incident, resolved_at=incident.resolved_at or draft.now)
    draft.say(incident, TimelineKind.RESOLVED, text)
    draft.timer(TimerKind.FORGET, incident, draft.now + draft.policy.timing.reopen_window)
    draft.put(incident)
    draft.refresh(incident)
    return incident


def _judged_by(draft: Draft, incident: Incident, release: Rollback, alert: str) -> None:
    if alert and not release.trigger:
        draft.put(replace(incident, rollback=replace(release, trigger=alert)))
