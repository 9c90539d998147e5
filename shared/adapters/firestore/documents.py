"""Where things lie in Firestore and which of their fields can be asked for.

Each document has the whole object as JSON in `body`. Instants are text as `ids.stamp` writes
them, but for `expire_at`, which Firestore's TTL policies need as a timestamp.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from shared.domain.action import Action
from shared.domain.alert import AlertRow, AlertStatus
from shared.domain.decision import DrillRow, IncidentRow, RejectedRow, TimelineRow
from shared.domain.event import Instruction, Timer
from shared.domain.ids import stamp
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
ACTIONS: Final = "actions"
TIMERS: Final = "timers"
INSTRUCTIONS: Final = "instructions"

KEEP_EVENTS: Final = timedelta(days=7)
KEEP_RESOLVED_ALERTS: Final = timedelta(days=30)

Fields = dict[str, Any]


def event_fields(commit: Commit, now: datetime) -> Fields:
    """The event's row, which also knows the actions it led to."""
    return {
        "stack": commit.stack_id,
        "kind": commit.kind,
        "at": stamp(commit.at),
        "actions": [action.id for action in commit.actions],
        "expire_at": now + KEEP_EVENTS,
    }


def head_fields(stack: Stack, event: str) -> Fields:
    """The head.

    The event's id makes every write a change: Firestore gives no new update time to a document
    that stays as it is, and the update time is the token.
    """
    return {"schema": stored.SCHEMA, "event": event, "body": stored.HEAD.encode(stack).decode()}


def alert_fields(row: AlertRow, now: datetime) -> Fields:
    """An alert's row; it may be forgotten some time after it ended."""
    fields = {
        "incident": row.incident,
        "status": row.status.value,
        "body": stored.ALERT.encode(row).decode(),
    }
    if row.status is AlertStatus.RESOLVED:
        return {**fields, "expire_at": now + KEEP_RESOLVED_ALERTS}
    return fields


def ended(known: str, row: AlertRow) -> AlertRow:
    """The stored alert with the end that was reported, and otherwise as it was."""
    return replace(stored.ALERT.decode(known), status=row.status, ends_at=row.ends_at)


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


def action_fields(action: Action, event: str) -> Fields:
    """An action nobody has claimed. `waiting_since` is there until it is settled."""
    return {
        "event": event,
        "waiting_since": stamp(action.decided_at),
        "attempts": 0,
        "lease_until": "",
        "first_claimed_at": "",
        "body": stored.ACTION.encode(action).decode(),
    }


def timer_fields(timer: Timer) -> Fields:
    """A timer."""
    return {"due": stamp(timer.due), "body": stored.TIMER.encode(timer).decode()}


def instruction_fields(instruction: Instruction) -> Fields:
    """A stored instruction."""
    return {"body": stored.INSTRUCTION.encode(instruction).decode()}


def to_text(update_time: datetime) -> str:
    """A document's update time as a token or fence."""
    return stamp(update_time)


def to_time(text: str) -> datetime:
    """The update time in a token or fence.

    Raises ValueError for text that `to_text` did not make.
    """
    return datetime.fromisoformat(text).astimezone(UTC)
