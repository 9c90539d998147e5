"""What an alert changes. Most change nothing but their own row."""

from __future__ import annotations

from dataclasses import replace

from shared.domain.alert import Alert, AlertRow, AlertStatus
from shared.domain.decide.draft import Draft, nobody_has_it
from shared.domain.decide.joining import (
    did_not_hold,
    note_unpaged,
    page_about_joining,
    taken_up_again,
    worth_a_page,
)
from shared.domain.decide.opening import (
    new_incident,
    opened,
    page_owner,
    remind,
    watch,
    wish_rollback,
)
from shared.domain.decide.verdicts import settle_verdict
from shared.domain.decision import Reason
from shared.domain.event import AlertReceived
from shared.domain.incident import Incident, TimelineKind
from shared.domain.incident_state import State, Trigger
from shared.domain.lane import Classification
from shared.domain.machine import Refusal
from shared.domain.paging import PageStep
from shared.domain.severity import worst


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
        draft.retire(incident)
        incident = None
    if incident is None:
        incident = _open(draft, alert, found)
        reason = Reason.OPENED
    else:
        reason = _join(draft, incident, alert, found)
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
    lane = draft.policy.lane(found.lane)
    incident = new_incident(draft, lane, found.severity, alert.title, alert.summary, found.reasons)
    incident = replace(
        incident,
        rule=found.rule,
        trigger=alert.row_id,
        runbook=alert.runbook or lane.runbook,
        settles=True,
    )
    draft.say(
        incident,
        TimelineKind.ALERT_FIRED,
        f"{alert.source} reports: {alert.summary or alert.title}",
        at=min(alert.starts_at, draft.now),
    )
    return opened(draft, wish_rollback(draft, incident, found.no_rollback))


def _join(draft: Draft, incident: Incident, alert: Alert, found: Classification) -> Reason:
    """The alert belongs to an incident that exists; usually nothing else follows."""
    moved = incident.moved(Trigger.ALERT_FIRED)
    assert not isinstance(moved, Refusal), "reviewed incidents are over and never joined"
    if incident.state is State.RESOLVED:
        return _reopen(draft, replace(moved, trigger=alert.row_id), found)
    reason = Reason.JOINED
    if incident.state is State.RESOLVING:
        draft.say(moved, TimelineKind.REOPENED, "Another alert fired: not resolved after all")
        watch(draft, moved)
        draft.put(moved)
        reason = Reason.REOPENED
    if found.severity.worse_than(incident.severity):
        moved = _raise_severity(draft, moved, found)
        reason = Reason.RAISED
    elif did_not_hold(moved, alert):
        moved = taken_up_again(draft, moved, alert)
        reason = Reason.DID_NOT_HOLD
    elif worth_a_page(draft, moved, alert):
        moved = page_about_joining(draft, moved, alert)
        reason = Reason.JOINED_PAGED
    else:
        note_unpaged(draft, moved, alert)
    if reason is not Reason.JOINED:
        draft.refresh(draft.stack.incident(moved.id) or moved)
    return reason


def _raise_severity(draft: Draft, incident: Incident, found: Classification) -> Incident:
    """A worse alert joined: the incident is that bad from now on, and its owner is paged."""
    raised = replace(incident, severity=found.severity, rounds=incident.rounds + 1)
    draft.say(
        raised,
        TimelineKind.RAISED,
        f"Raised from {incident.severity} to {found.severity}: {found.reasons[0]}",
    )
    return page_owner(draft, raised, PageStep.RAISED)


def _reopen(draft: Draft, incident: Incident, found: Classification) -> Reason:
    """Open again, with a page unless the last one that was sent is still fresh."""
    raised = found.severity.worse_than(incident.severity)
    incident = replace(
        nobody_has_it(incident),
        rounds=incident.rounds + 1,
        resolved_at=None,
        severity=worst(incident.severity, found.severity),
    )
    if incident.rollback is None or incident.rollback.phase.may_be_wished_again:
        incident = wish_rollback(draft, incident, found.no_rollback)
    draft.put(incident)
    watch(draft, incident)
    remind(draft, incident)
    if _paged_lately(draft, incident) and not raised:
        text = "Fires again: reopened, without another page so soon after the last"
        draft.say(incident, TimelineKind.REOPENED, text)
    else:
        draft.say(incident, TimelineKind.REOPENED, "Fires again: reopened")
        incident = page_owner(draft, incident, PageStep.REOPENED)
    draft.refresh(incident)
    return Reason.REOPENED


def _paged_lately(draft: Draft, incident: Incident) -> bool:
    sent = [page.decided_at for page in incident.pages if page.sent_at]
    return bool(sent) and draft.now < max(sent) + draft.policy.timing.repage_after


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
