"""What an alert changes. Most change nothing but their own row."""

from __future__ import annotations

from dataclasses import replace

from shared.domain.action import ActionKind, PlanOrder
from shared.domain.alert import Alert, AlertRow, AlertStatus
from shared.domain.decide.draft import Draft
from shared.domain.decide.verdicts import settle_verdict
from shared.domain.decision import IncidentRow, Reason
from shared.domain.event import AlertReceived, TimerKind
from shared.domain.incident import Incident, Rollback, TimelineKind, incident_id
from shared.domain.incident_state import State, Trigger
from shared.domain.lane import Classification
from shared.domain.machine import Refusal
from shared.domain.paging import PageStep
from shared.domain.policy import Remediation
from shared.domain.rollback import RollbackMode
from shared.domain.rollback_phase import Phase


def on_alert(draft: Draft, event: AlertReceived) -> Reason:
    """Open, join, reopen; or note the end. No alert resolves an incident."""
    if event.alert.status is AlertStatus.RESOLVED:
        return _ended(draft, event)
    if event.row is not None:
        ended = event.row.status is AlertStatus.RESOLVED
        return Reason.ENDED_ALREADY if ended else Reason.REPEATED
    return _fired(draft, event.alert, event.classification)


def _fired(draft: Draft, alert: Alert, found: Classification) -> Reason:
    incident = draft.stack.by_lane(found.lane)
    if incident is not None and _is_over(draft, incident):
        draft.row(IncidentRow(incident=incident))
        draft.drop(incident)
        incident = None
    if incident is None:
        incident = _open(draft, alert, found)
        reason = Reason.OPENED
    else:
        reason = _join(draft, incident, found, alert.row_id)
    draft.row(_alert_row(draft, alert, found, incident.id))
    return reason


def _is_over(draft: Draft, incident: Incident) -> bool:
    """Whether a new alert of its lane is a new incident."""
    if incident.state is State.REVIEWED:
        return True
    if incident.state is not State.RESOLVED or incident.resolved_at is None:
        return False
    return draft.now >= incident.resolved_at + draft.policy.timing.reopen_window


def _open(draft: Draft, alert: Alert, found: Classification) -> Incident:
    incident = Incident(
        id=incident_id(draft.stack.id, draft.event.id),
        stack=draft.stack.id,
        lane=found.lane,
        team=found.team,
        severity=found.severity,
        state=State.OPEN,
        title=alert.title,
        summary=alert.summary,
        reasons=found.reasons,
        rule=found.rule,
        trigger=alert.row_id,
        opened_at=draft.now,
        runbook=alert.runbook or draft.policy.lane(found.lane).runbook,
    )
    draft.say(
        incident,
        TimelineKind.ALERT_FIRED,
        f"{alert.source} reports: {alert.summary or alert.title}",
        at=min(alert.starts_at, draft.now),
    )
    lane = draft.policy.lane(found.lane)
    team = draft.policy.owner(found.lane)
    draft.say(
        incident,
        TimelineKind.OPENED,
        f"{found.severity} incident in lane {lane.id}, owned by {team.name}: {found.reasons[0]}",
    )
    incident = _wish_rollback(draft, incident)
    incident = _page_owner(draft, incident, PageStep.OPENED)
    draft.timer(TimerKind.SETTLE, incident, draft.now + draft.policy.timing.settle)
    return incident


def _page_owner(draft: Draft, incident: Incident, step: PageStep) -> Incident:
    incident = draft.page(incident, step)
    person = draft.policy.people[incident.pages[-1].person]
    draft.say(incident, TimelineKind.PAGING, f"{person.name} is on call and is being paged")
    return incident


def _wish_rollback(draft: Draft, incident: Incident) -> Incident:
    """Ask for a rollback plan, where that is what the lane's owner would do."""
    if draft.policy.lane(incident.lane).remediation is not Remediation.ROLLBACK:
        return incident
    if not draft.policy.stack(draft.stack.id).services or draft.stack.rollback_owner():
        return incident
    draft.act(ActionKind.PLAN, incident.id, PlanOrder())
    wish = Rollback(
        mode=RollbackMode.PROPOSED,
        phase=Phase.PLANNING,
        asked_at=draft.now,
        trigger=incident.trigger,
    )
    return replace(incident, rollback=wish)


def _join(draft: Draft, incident: Incident, found: Classification, trigger: str) -> Reason:
    """The alert belongs to an incident that exists; usually nothing else follows."""
    moved = incident.moved(Trigger.ALERT_FIRED)
    assert not isinstance(moved, Refusal), "reviewed incidents are over and never joined"
    if incident.state is State.RESOLVED:
        return _reopen(draft, replace(moved, trigger=trigger))
    raised = found.severity.worse_than(incident.severity)
    if raised:
        moved = _raise_severity(draft, moved, found)
    if incident.state is State.RESOLVING:
        draft.say(moved, TimelineKind.REOPENED, "Another alert fired: not resolved after all")
        draft.timer(TimerKind.SETTLE, moved, draft.now + draft.policy.timing.settle)
        draft.put(moved)
        draft.refresh(moved)
        return Reason.REOPENED
    return Reason.RAISED if raised else Reason.JOINED


def _raise_severity(draft: Draft, incident: Incident, found: Classification) -> Incident:
    """A worse alert joined: the incident is that bad from now on, and its owner is paged."""
    raised = replace(incident, severity=found.severity, rounds=incident.rounds + 1)
    draft.say(
        raised,
        TimelineKind.RAISED,
        f"Raised from {incident.severity} to {found.severity}: {found.reasons[0]}",
    )
    return _page_owner(draft, raised, PageStep.RAISED)


def _reopen(draft: Draft, incident: Incident) -> Reason:
    """Open again, with a page unless the last one is still fresh."""
    fresh_until = max(p.decided_at for p in incident.pages) + draft.policy.timing.repage_after
    incident = replace(
        incident,
        rounds=incident.rounds + 1,
        resolved_at=None,
        mitigated_at=None,
        acknowledged_at=None,
        acknowledged_by="",
    )
    if incident.rollback is None or incident.rollback.phase.may_be_wished_again:
        incident = _wish_rollback(draft, incident)
    draft.put(incident)
    draft.timer(TimerKind.SETTLE, incident, draft.now + draft.policy.timing.settle)
    if draft.now < fresh_until:
        text = "Fires again: reopened, without another page so soon after the last"
        draft.say(incident, TimelineKind.REOPENED, text)
        draft.refresh(incident)
        return Reason.REOPENED
    draft.say(incident, TimelineKind.REOPENED, "Fires again: reopened")
    _page_owner(draft, incident, PageStep.REOPENED)
    return Reason.REOPENED


def _ended(draft: Draft, event: AlertReceived) -> Reason:
    if event.row is None:
        reason = Reason.ENDED_UNSEEN
        row = _alert_row(draft, event.alert, event.classification, incident="")
        draft.row(replace(row, reason=reason.value))
        return reason
    if event.row.status is AlertStatus.RESOLVED:
        return Reason.ENDED_ALREADY
    ends_at = event.alert.ends_at or draft.now
    draft.row(replace(event.row, status=AlertStatus.RESOLVED, ends_at=ends_at))
    incident = draft.stack.incident(event.row.incident)
    if incident is None or incident.rollback is None or incident.rollback.trigger != event.row.id:
        return Reason.ENDED
    recovered = settle_verdict(draft, incident, AlertStatus.RESOLVED)
    return Reason.RECOVERED if recovered else Reason.ENDED


def _alert_row(draft: Draft, alert: Alert, found: Classification, incident: str) -> AlertRow:
    return AlertRow(
        id=alert.row_id,
        stack=draft.stack.id,
        lane=found.lane,
        incident=incident,
        status=alert.status,
        title=alert.title,
        starts_at=alert.starts_at,
        received_at=draft.now,
        ends_at=alert.ends_at,
        labels=dict(alert.labels),
    )
