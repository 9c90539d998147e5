"""What an alert changes. Most change nothing but their own row."""

from __future__ import annotations

from dataclasses import replace

from shared.domain.alert import Alert, AlertStatus
from shared.domain.decide.affected import concerned, newly_concerned
from shared.domain.decide.causes import cause_of
from shared.domain.decide.draft import Draft, reopened
from shared.domain.decide.endings import alert_row, confirmed, ended, overtaken
from shared.domain.decide.escalating import page_owner, remind
from shared.domain.decide.freezing import exposed
from shared.domain.decide.joining import (
    began_at,
    did_not_hold,
    join_cause,
    note_unpaged,
    page_about_joining,
    taken_up_again,
    worth_a_page,
)
from shared.domain.decide.making_way import make_way
from shared.domain.decide.opening import (
    new_incident,
    opened,
    watch,
    wish_rollback,
)
from shared.domain.decide.proposals import planned_again
from shared.domain.decide.severity import raised
from shared.domain.decide.timers import KEEP_UNSENT
from shared.domain.decision import Reason
from shared.domain.event import AlertReceived
from shared.domain.incident import Incident, TimelineKind
from shared.domain.incident_state import State, Trigger
from shared.domain.lane import Classification
from shared.domain.lease import SKEW
from shared.domain.machine import Refusal
from shared.domain.paging import PageStep
from shared.domain.severity import worst


def on_alert(draft: Draft, event: AlertReceived) -> Reason:
    """Open, join, reopen; or note the end. No alert resolves an incident."""
    if event.alert.status is AlertStatus.RESOLVED:
        return ended(draft, event)
    if event.overtaken_by is not None:
        return overtaken(draft, event, event.overtaken_by)
    if event.row is not None:
        return confirmed(draft, event.alert, event.row)
    return _fired(draft, event)


def _fired(draft: Draft, event: AlertReceived) -> Reason:
    alert, found = event.alert, event.classification
    make_way(draft, found.lane, found.severity, alert=alert.row_id, what=alert.title)
    kept = _kept(draft, event)
    cause = None if kept is not None else _cause(draft, event)
    if cause is not None:
        draft.row(alert_row(draft, alert, found, cause.id))
        return join_cause(draft, cause, event)
    incident = kept or _of_lane(draft, found.lane)
    if kept is not None and kept.lane != found.lane:
        found = replace(found, lane=kept.lane)
        event = replace(event, classification=found)
    if incident is None:
        incident = _open(draft, alert, found)
        reason = Reason.OPENED
    else:
        reason = _join(draft, incident, event)
    draft.row(alert_row(draft, alert, found, incident.id))
    return reason


def _kept(draft: Draft, event: AlertReceived) -> Incident | None:
    """Where people said what belongs to an incident, later alerts of the same series stay with it."""
    kept = draft.stack.holding(event.last) if event.last else None
    if kept is None or not kept.put_together or kept.aside or _is_over(draft, kept):
        return None
    return kept


def _cause(draft: Draft, event: AlertReceived) -> Incident | None:
    """The incident that explains the alert, where its own lane has none that is open."""
    lane = event.classification.lane
    known = draft.stack.by_lane(lane)
    if known is not None and known in draft.stack.open_incidents():
        return None
    return cause_of(draft.policy, draft.stack, lane, began_at(draft, event))


def _of_lane(draft: Draft, lane: str) -> Incident | None:
    """The lane's incident that the alert joins, if there is one; what is over makes room."""
    incident = draft.stack.by_lane(lane)
    while incident is not None and _is_over(draft, incident):
        draft.retire(incident)
        incident = draft.stack.by_lane(lane)
    return incident


def _is_over(draft: Draft, incident: Incident) -> bool:
    """Whether a new alert of its lane is a new incident.

    An incident with a page that has yet to go out is kept for it, and reopened: the page is drawn
    from the incident, and would never be sent once that is filed.
    """
    if incident.state is State.REVIEWED:
        return True
    if incident.state is not State.RESOLVED or incident.resolved_at is None:
        return False
    unsent = any(page.sent_at is None for page in incident.pages)
    window = draft.policy.timing.reopen_window
    return draft.now >= incident.resolved_at + (max(window, KEEP_UNSENT) if unsent else window)


def _open(draft: Draft, alert: Alert, found: Classification) -> Incident:
    lane = draft.policy.lane(found.lane)
    incident = new_incident(draft, lane, found.severity, alert.title, alert.summary, found.reasons)
    incident = replace(
        incident,
        rule=found.rule,
        trigger=alert.row_id,
        runbook=alert.runbook or lane.runbook,
        settles=True,
        services=concerned(draft, alert),
    )
    draft.say(
        incident,
        TimelineKind.ALERT_FIRED,
        f"{alert.source} reports: {alert.summary or alert.title}",
        at=min(alert.starts_at, draft.now),
    )
    incident = exposed(draft, incident)
    return opened(draft, wish_rollback(draft, incident, found.no_rollback))


def _join(draft: Draft, incident: Incident, event: AlertReceived) -> Reason:
    """The alert belongs to an incident that exists; usually nothing else follows."""
    alert, found = event.alert, event.classification
    incident = newly_concerned(draft, incident, alert)
    moved = incident.moved(Trigger.ALERT_FIRED)
    assert not isinstance(moved, Refusal), "reviewed incidents are over and never joined"
    if incident.state is State.RESOLVED:
        return _reopen(draft, replace(moved, trigger=alert.row_id), found)
    reason = Reason.JOINED
    if incident.state is State.RESOLVING:
        moved = replace(moved, ended_by="")
        draft.say(moved, TimelineKind.REOPENED, "Another alert fired: not resolved after all")
        watch(draft, moved)
        draft.put(moved)
        reason = Reason.REOPENED
    seen = exposed(draft, moved)
    if seen is not moved:
        moved = _wider(draft, moved, seen)
        reason = Reason.RAISED
    if found.severity.worse_than(moved.severity):
        moved = raised(draft, moved, found.severity, found.reasons[0])
        moved = planned_again(draft, moved, alert)
        reason = Reason.RAISED
    elif did_not_hold(draft, moved, event):
        moved = taken_up_again(draft, moved, event)
        reason = Reason.DID_NOT_HOLD
    elif worth_a_page(draft, moved, alert):
        moved = page_about_joining(draft, moved, alert)
        reason = Reason.JOINED_PAGED
    else:
        note_unpaged(draft, moved, alert)
    if reason is not Reason.JOINED:
        draft.refresh(draft.stack.incident(moved.id) or moved)
    return reason


def _wider(draft: Draft, before: Incident, seen: Incident) -> Incident:
    """The blast radius is wider than was known: its owner is paged if that makes it worse."""
    if not seen.severity.worse_than(before.severity):
        draft.put(seen)
        return seen
    same = replace(seen, severity=before.severity)
    return raised(draft, same, seen.severity, seen.reasons[-1])


def _reopen(draft: Draft, incident: Incident, found: Classification) -> Reason:
    """Open again, with a page unless the last one is still fresh and nobody has reacted to it."""
    worse = found.severity.worse_than(incident.severity)
    paged = not worse and _still_paged(draft, incident)
    severity = worst(incident.severity, found.severity)
    incident = replace(reopened(incident, draft.now), severity=severity)
    if incident.rollback is None or incident.rollback.phase.may_be_wished_again:
        incident = wish_rollback(draft, incident, found.no_rollback)
    draft.put(incident)
    watch(draft, incident)
    remind(draft, incident)
    if paged:
        text = "Fires again: reopened, without another page so soon after the last"
        draft.say(incident, TimelineKind.REOPENED, text)
    else:
        draft.say(incident, TimelineKind.REOPENED, "Fires again: reopened")
        incident = page_owner(draft, incident, PageStep.REOPENED)
    draft.refresh(incident)
    return Reason.REOPENED


def _still_paged(draft: Draft, incident: Incident) -> bool:
    """Whether its last page still calls somebody: it is fresh, and nobody has reacted to it.

    Who acknowledged, or ended the incident, is done with it. A page from the future was sent
    before the clock was set back, nobody knows how far.
    """
    sent = [page for page in incident.pages if page.sent_at and page.wakes]
    last = max(sent, key=lambda page: page.decided_at, default=None)
    if last is None or last.acknowledged_at is not None or incident.ended_by:
        return False
    return -SKEW < draft.now - last.decided_at < draft.policy.timing.repage_after
