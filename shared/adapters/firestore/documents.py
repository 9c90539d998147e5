"""Where things lie in Firestore and which of their fields can be asked for.

Each document has the whole object as JSON in `body`. Instants are text as `ids.stamp` writes
them, but for `expire_at`, which Firestore's TTL policies need as a timestamp.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from shared.domain import retention
from shared.domain.action import Action, Outcome
from shared.domain.alert import AlertRow, AlertStatus
from shared.domain.decision import (
    AuditRow,
    DrillRow,
    IncidentRow,
    MovedAlert,
    RejectedRow,
    TimelineRow,
)
from shared.domain.errors import Conflict
from shared.domain.event import Instruction, Timer
from shared.domain.ids import stamp
from shared.domain.lease import remaining
from shared.domain.stack import Stack
from shared.ports import Commit
from shared.wire import stored

STACKS: Final = "stacks"
EVENTS: Final = "events"
ALERTS: Final = "alerts"
TIMELINE: Final = "timeline"
INCIDENTS: Final = "incidents"
DRILLS: Final = "drills"
REJECTED: Final = "rejected"
AUDIT: Final = "audit"
ACTIONS: Final = "actions"
TIMERS: Final = "timers"
INSTRUCTIONS: Final = "instructions"
SERIES: Final = "series"

Fields = dict[str, Any]


def event_fields(commit: Commit, now: datetime) -> Fields:
    """The event's row, which also knows the actions it led to.

    One that left an audit row is kept as that row is: delivered again, it could not write it.
    """
    fields: Fields = {
        "stack": commit.stack_id,
        "kind": commit.kind,
        "at": stamp(commit.at),
        "actions": [action.id for action in commit.actions],
    }
    if any(isinstance(row, AuditRow) for row in commit.rows):
        return fields
    return {**fields, "expire_at": now + retention.EVENTS}


def head_fields(stack: Stack, event: str) -> Fields:
    """The head.

    The event's id makes every write a change: Firestore gives no new update time to a document
    that stays as it is, and the update time is the token.
    """
    return {"schema": stored.SCHEMA, "event": event, "body": stored.HEAD.encode(stack).decode()}


def alert_fields(row: AlertRow, now: datetime) -> Fields:
    """An alert's row; it may be forgotten some time after it ended."""
    fields: Fields = {
        "incident": row.incident,
        "status": row.status.value,
        "starts_at": stamp(row.starts_at),
        "body": stored.ALERT.encode(row).decode(),
    }
    if row.series:
        fields["series"] = row.series
    if row.status is AlertStatus.RESOLVED:
        return {**fields, "expire_at": now + retention.RESOLVED_ALERTS}
    return fields


def told(known: str, row: AlertRow) -> AlertRow:
    """The stored alert with what was reported of it. Raises `Conflict` where that cannot be."""
    now = stored.ALERT.decode(known).told_as(row)
    if now is None:
        raise Conflict(f"alert {row.id} was written by another")
    return now


def moved_fields(known: str, row: MovedAlert) -> Fields:
    """What changes of an alert's row when it belongs to another incident."""
    moved = replace(stored.ALERT.decode(known), incident=row.incident, lane=row.lane)
    return {"incident": moved.incident, "body": stored.ALERT.encode(moved).decode()}


def timeline_fields(row: TimelineRow, place: int) -> Fields:
    """A line of the timeline; `place` is its place within the commit."""
    body = stored.TIMELINE.encode(row).decode()
    return {"incident": row.incident, "at": stamp(row.at), "place": place, "body": body}


def incident_fields(row: IncidentRow) -> Fields:
    """A closed incident."""
    body = stored.INCIDENT.encode(row.incident).decode()
    return {"opened_at": stamp(row.incident.opened_at), "body": body}


def drill_fields(row: DrillRow) -> Fields:
    """A drill."""
    return {"at": stamp(row.at), "body": stored.DRILL.encode(row).decode()}


def rejected_fields(row: RejectedRow) -> Fields:
    """A message that could not be read."""
    return {"at": stamp(row.at), "body": stored.REJECTED.encode(row).decode()}


def audit_fields(row: AuditRow) -> Fields:
    """What a person told Switchman to do, and what came of it."""
    return {"at": stamp(row.at), "body": stored.AUDIT.encode(row).decode()}


def action_fields(action: Action, event: str) -> Fields:
    """An action nobody has claimed. `waiting_since` is there until it is settled."""
    return {
        "event": event,
        "waiting_since": stamp(action.decided_at),
        "attempts": 0,
        "leased_at": "",
        "lease_until": "",
        "first_claimed_at": "",
        "body": stored.ACTION.encode(action).decode(),
    }


def settled_fields(outcome: Outcome, now: datetime) -> Fields:
    """What an action came to; from then on it may be forgotten as events are."""
    return {
        "outcome": stored.OUTCOME.encode(outcome).decode(),
        "expire_at": now + retention.EVENTS,
    }


def lease_fields(now: datetime, lease: timedelta) -> Fields:
    """The action is held from now on for so long."""
    return {"leased_at": stamp(now), "lease_until": stamp(now + lease)}


def lease_left(action: Fields, now: datetime) -> timedelta:
    """How much longer the action is held; zero if it is free.

    An action last claimed before `leased_at` was written tells when it was claimed first.
    """
    if not action["lease_until"]:
        return timedelta()
    leased_at = action.get("leased_at") or action["first_claimed_at"]
    return remaining(to_time(leased_at), to_time(action["lease_until"]), now)


def timer_fields(timer: Timer) -> Fields:
    """A timer."""
    return {"due": stamp(timer.due), "body": stored.TIMER.encode(timer).decode()}


def instruction_fields(instruction: Instruction) -> Fields:
    """A stored instruction."""
    body = stored.INSTRUCTION.encode(instruction).decode()
    return {"body": body, "expire_at": instruction.at + retention.INSTRUCTIONS}


def mark_fields(event: str, now: datetime) -> Fields:
    """The mark of a series, which every commit about it changes. It need not outlive its rows."""
    return {"event": event, "expire_at": now + retention.RESOLVED_ALERTS}


def to_text(update_time: datetime) -> str:
    """A document's update time as a token or fence."""
    return stamp(update_time)


def to_time(text: str) -> datetime:
    """The update time in a token or fence.

    Raises ValueError for text that `to_text` did not make.
    """
    return datetime.fromisoformat(text).astimezone(UTC)
