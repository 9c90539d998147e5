"""What is written of alerts: that they fire, that they still do, and that they have ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.domain.alert import Alert, AlertRow, AlertStatus
from shared.domain.decide.draft import Draft
from shared.domain.decide.verdicts import settle_verdict
from shared.domain.decision import Reason
from shared.domain.event import AlertReceived
from shared.domain.lane import Classification
from shared.domain.series import said_later


def alert_row(draft: Draft, alert: Alert, found: Classification, incident: str) -> AlertRow:
    """The row of an alert that is heard of for the first time."""
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
        series=alert.series,
        heard_at=alert.published_at,
        labels=dict(alert.labels),
        recorded=alert.recorded(),
    )


def confirmed(draft: Draft, alert: Alert, row: AlertRow) -> Reason:
    """It still fires. An end that was said before this and comes later must not count."""
    if said_later(alert, row):
        draft.row(replace(row, heard_at=alert.published_at))
    return Reason.REPEATED


def overtaken(draft: Draft, event: AlertReceived, by: AlertRow) -> Reason:
    """It fired, and has ended since: that is written down, and nobody is woken."""
    if event.row is None:
        row = alert_row(draft, event.alert, event.classification, incident="")
        reason = Reason.ENDED_ALREADY.value
        ended_at, heard_at = by.ends_at, by.heard_at
        row = replace(row, status=by.status, ends_at=ended_at, heard_at=heard_at, reason=reason)
        draft.row(row)
    return Reason.ENDED_ALREADY


def ended(draft: Draft, event: AlertReceived) -> Reason:
    """End what this ends, and note the end where nothing fires, for what may come late."""
    alert, row = event.alert, event.row
    for each in event.ends:
        _end(draft, each, alert)
    if row is None:
        unseen = alert_row(draft, alert, event.classification, incident="")
        draft.row(replace(unseen, ends_at=_end_of(draft, alert), reason=Reason.ENDED_UNSEEN.value))
        return _settled(draft, event) if event.ends else Reason.ENDED_UNSEEN
    if event.ends:
        return _settled(draft, event)
    if row.status is AlertStatus.FIRING:
        return Reason.OVERTAKEN
    if said_later(alert, row):
        _end(draft, row, alert)
    return Reason.ENDED_ALREADY


def _end(draft: Draft, row: AlertRow, alert: Alert) -> None:
    """An end only ever moves on: a row that has ended keeps the later of the two."""
    ends_at = _end_of(draft, alert)
    if row.status is AlertStatus.RESOLVED and row.ends_at is not None:
        ends_at = max(ends_at, row.ends_at)
    resolved = AlertStatus.RESOLVED
    draft.row(replace(row, status=resolved, ends_at=ends_at, heard_at=alert.published_at))


def _end_of(draft: Draft, alert: Alert) -> datetime:
    return alert.ends_at or alert.published_at or draft.now


def _settled(draft: Draft, event: AlertReceived) -> Reason:
    """What ended may have set a rollback off, which has helped then.

    Only once nothing of its series fires: a trigger that has ended may have fired again since.
    """
    recovered = False
    for incident in draft.stack.incidents:
        if incident.rollback is not None and incident.rollback.trigger in event.over:
            recovered = settle_verdict(draft, incident, AlertStatus.RESOLVED) or recovered
    return Reason.RECOVERED if recovered else Reason.ENDED
