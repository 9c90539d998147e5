"""The life of one incident, as a table."""

from __future__ import annotations

from enum import StrEnum

from shared.domain.machine import Back, Machine, Refusal


class State(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    MITIGATING = "mitigating"
    MITIGATED = "mitigated"
    RESOLVING = "resolving"
    RESOLVED = "resolved"
    REVIEWED = "reviewed"
    MERGED = "merged"


class Trigger(StrEnum):
    """What can happen to an incident."""

    ALERT_FIRED = "alert fired"
    ACKNOWLEDGE = "acknowledge"
    ROLLBACK_APPROVED = "rollback approved"
    DATA_APPROVED = "data rollback approved"
    ROLLBACK_HEALTHY = "rollback healthy"
    ROLLBACK_FAILED = "rollback failed"
    SETTLE = "settle"
    STILL_FIRING = "still firing"
    ALL_CLEAR = "all clear"
    REVIEW = "review"
    MERGE = "merge"
    HAND_OVER = "hand over"
    CAUSE_OVER = "cause over"


OVER = (State.RESOLVED, State.REVIEWED, State.MERGED)
"""Nobody has to deal with it any more."""

_BACK: Back[State] = Back((State.OPEN, State.ACKNOWLEDGED, State.MITIGATED))

INCIDENT: Machine[State, Trigger] = Machine(
    name="incident",
    states=State,
    triggers=Trigger,
    table={
        State.OPEN: {
            Trigger.ALERT_FIRED: State.OPEN,
            Trigger.ACKNOWLEDGE: State.ACKNOWLEDGED,
            Trigger.ROLLBACK_APPROVED: State.MITIGATING,
            Trigger.DATA_APPROVED: State.MITIGATING,
            Trigger.ROLLBACK_HEALTHY: Refusal.NO_ROLLBACK_RUNNING,
            Trigger.ROLLBACK_FAILED: Refusal.NO_ROLLBACK_RUNNING,
            Trigger.SETTLE: State.RESOLVING,
            Trigger.STILL_FIRING: Refusal.NOT_RESOLVING,
            Trigger.ALL_CLEAR: Refusal.NOT_RESOLVING,
            Trigger.REVIEW: Refusal.NOT_RESOLVED,
            Trigger.MERGE: State.MERGED,
            Trigger.HAND_OVER: State.OPEN,
            Trigger.CAUSE_OVER: State.OPEN,
        },
        State.ACKNOWLEDGED: {
            Trigger.ALERT_FIRED: State.ACKNOWLEDGED,
            Trigger.ACKNOWLEDGE: Refusal.ALREADY_ACKNOWLEDGED,
            Trigger.ROLLBACK_APPROVED: State.MITIGATING,
            Trigger.DATA_APPROVED: State.MITIGATING,
            Trigger.ROLLBACK_HEALTHY: Refusal.NO_ROLLBACK_RUNNING,
            Trigger.ROLLBACK_FAILED: Refusal.NO_ROLLBACK_RUNNING,
            Trigger.SETTLE: State.RESOLVING,
            Trigger.STILL_FIRING: Refusal.NOT_RESOLVING,
            Trigger.ALL_CLEAR: Refusal.NOT_RESOLVING,
            Trigger.REVIEW: Refusal.NOT_RESOLVED,
            Trigger.MERGE: State.MERGED,
            Trigger.HAND_OVER: State.OPEN,
            Trigger.CAUSE_OVER: State.OPEN,
        },
        State.MITIGATING: {
            Trigger.ALERT_FIRED: State.MITIGATING,
            Trigger.ACKNOWLEDGE: Refusal.ALREADY_ACKNOWLEDGED,
            Trigger.ROLLBACK_APPROVED: Refusal.ROLLBACK_RUNNING,
            Trigger.DATA_APPROVED: Refusal.ROLLBACK_RUNNING,
            Trigger.ROLLBACK_HEALTHY: State.MITIGATED,
            Trigger.ROLLBACK_FAILED: State.OPEN,
            Trigger.SETTLE: Refusal.ROLLBACK_RUNNING,
            Trigger.STILL_FIRING: Refusal.NOT_RESOLVING,
            Trigger.ALL_CLEAR: Refusal.NOT_RESOLVING,
            Trigger.REVIEW: Refusal.NOT_RESOLVED,
            Trigger.MERGE: Refusal.ROLLBACK_RUNNING,
            Trigger.HAND_OVER: Refusal.ROLLBACK_RUNNING,
            Trigger.CAUSE_OVER: State.MITIGATING,
        },
        State.MITIGATED: {
            Trigger.ALERT_FIRED: State.MITIGATED,
            Trigger.ACKNOWLEDGE: Refusal.ALREADY_ACKNOWLEDGED,
            Trigger.ROLLBACK_APPROVED: Refusal.ALREADY_MITIGATED,
            Trigger.DATA_APPROVED: State.MITIGATING,
            Trigger.ROLLBACK_HEALTHY: Refusal.ALREADY_MITIGATED,
            Trigger.ROLLBACK_FAILED: State.OPEN,
            Trigger.SETTLE: State.RESOLVING,
            Trigger.STILL_FIRING: Refusal.NOT_RESOLVING,
            Trigger.ALL_CLEAR: Refusal.NOT_RESOLVING,
            Trigger.REVIEW: Refusal.NOT_RESOLVED,
            Trigger.MERGE: Refusal.ALREADY_MITIGATED,
            Trigger.HAND_OVER: Refusal.ALREADY_MITIGATED,
            Trigger.CAUSE_OVER: State.MITIGATED,
        },
        State.RESOLVING: {
            Trigger.ALERT_FIRED: _BACK,
            Trigger.ACKNOWLEDGE: State.RESOLVING,
            Trigger.ROLLBACK_APPROVED: Refusal.NOTHING_FIRES,
            Trigger.DATA_APPROVED: Refusal.NOTHING_FIRES,
            Trigger.ROLLBACK_HEALTHY: Refusal.NO_ROLLBACK_RUNNING,
            Trigger.ROLLBACK_FAILED: Refusal.NO_ROLLBACK_RUNNING,
            Trigger.SETTLE: Refusal.ALREADY_RESOLVING,
            Trigger.STILL_FIRING: _BACK,
            Trigger.ALL_CLEAR: State.RESOLVED,
            Trigger.REVIEW: Refusal.NOT_RESOLVED,
            Trigger.MERGE: State.MERGED,
            Trigger.HAND_OVER: Refusal.ALREADY_RESOLVING,
            Trigger.CAUSE_OVER: State.RESOLVING,
        },
        State.RESOLVED: {
            Trigger.ALERT_FIRED: State.OPEN,
            Trigger.ACKNOWLEDGE: Refusal.ALREADY_RESOLVED,
            Trigger.ROLLBACK_APPROVED: Refusal.NOTHING_FIRES,
            Trigger.DATA_APPROVED: Refusal.NOTHING_FIRES,
            Trigger.ROLLBACK_HEALTHY: Refusal.NO_ROLLBACK_RUNNING,
            Trigger.ROLLBACK_FAILED: Refusal.NO_ROLLBACK_RUNNING,
            Trigger.SETTLE: Refusal.ALREADY_RESOLVED,
            Trigger.STILL_FIRING: Refusal.NOT_RESOLVING,
            Trigger.ALL_CLEAR: Refusal.ALREADY_RESOLVED,
            Trigger.REVIEW: State.REVIEWED,
            Trigger.MERGE: Refusal.ALREADY_RESOLVED,
            Trigger.HAND_OVER: Refusal.ALREADY_RESOLVED,
            Trigger.CAUSE_OVER: Refusal.ALREADY_RESOLVED,
        },
        State.REVIEWED: dict.fromkeys(Trigger, Refusal.CLOSED),
        State.MERGED: dict.fromkeys(Trigger, Refusal.MERGED),
    },
)
