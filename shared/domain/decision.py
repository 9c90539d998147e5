"""What a decision consists of: the new head, rows, actions, timers, and a named reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.domain.action import Action
from shared.domain.alert import AlertRow
from shared.domain.event import Timer
from shared.domain.incident import Incident, TimelineKind
from shared.domain.paging import Choice
from shared.domain.rollback import NoPlan, Plan
from shared.domain.stack import Stack


class Reason(StrEnum):
    """Why it was decided so; every decision has one, also the decision to do nothing."""

    OPENED = "an incident was opened"
    JOINED = "the alert joined an incident that is being dealt with"
    JOINED_CAUSE = "the alert joined the incident of its cause, and nobody else was woken"
    JOINED_PAGED = "the alert joined an incident, and its owner was paged about that"
    DID_NOT_HOLD = "the alert fired after the rollback had taken effect: its owner was paged"
    RESUMED = "the cause is over and the symptom fires: its owner was paged again"
    WITH_CAUSE = "whoever has the cause has this too: nobody else is reminded"
    HANDED_OVER = "the cause is over: what it caused and still fires goes to its own owner"
    REMINDED = "nobody has acknowledged: somebody was paged again"
    HELD_BACK = "nobody has acknowledged, and pages are held back for now"
    REOPENED = "the incident was reopened"
    RAISED = "a worse alert joined: the severity was raised and the owner paged"
    ENDED = "the alert ended; the settle timer resolves the incident"
    ENDED_UNSEEN = "the alert ended before anything was known of it"
    ENDED_ALREADY = "the alert has already ended, as was said after this message"
    OVERTAKEN = "the alert fires, as was said after this message"
    REPEATED = "the alert is known and still fires"
    RECOVERED = "the alert that set the rollback off has ended"
    MEASURING = "the metrics are asked whether the rollback helped"
    MEASURED = "the metrics say that the rollback helped"
    CARRIED_OUT = "carried out"
    REFUSED = "refused, and the person was told"
    STALE = "it is no longer about anything open"
    STILL_FIRING = "alerts are firing"
    CHECKING = "nothing fires: the incident is being checked for resolution"
    RESOLVED = "nothing fires: the incident is resolved"
    RECORDED = "the result was recorded"
    FORGOTTEN = "the reopen window is over"
    EXPIRED = "the plan expired"
    DRILL_PLANNED = "a drill was started"
    DRILL_REFUSED = "the drill was refused"
    REJECTED = "the message was recorded as unreadable"
    LOOKING = "the stack's services are looked at"
    STILL_LOOKING = "the last look at the stack's services has not ended yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineRow:
    """One line of an incident's story."""

    id: str
    incident: str
    at: datetime
    kind: TimelineKind
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedAlert:
    """A person said that an alert belongs to another incident; all else of its row stays."""

    id: str
    incident: str
    lane: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRow:
    """A closed incident, as it was when it left the head."""

    incident: Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRow:
    """A drill and what it found. Seconds are None for what was not measured.

    `refused`: it was never begun, so that it says nothing about the way back.

    RTO is counted as for an incident; `restore_seconds` from the first request to put traffic
    back until health; `total_seconds` from the first traffic request until then.
    """

    id: str
    stack: str
    drill: str
    at: datetime
    passed: bool
    text: str
    plan: Plan | NoPlan | None = None
    applied: bool = False
    asked_by: str = ""
    target_seconds: float = 300.0
    rto_seconds: float | None = None
    restore_seconds: float | None = None
    total_seconds: float | None = None
    findings: tuple[str, ...] = ()
    refused: bool = False

    @property
    def verdict(self) -> str:
        """How it ended, as people file it."""
        return "PASS" if self.passed else "REFUSED" if self.refused else "FAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow:
    """A message that could not be read: a bounded piece of it without secrets, and why."""

    id: str
    source: str
    at: datetime
    reason: str
    snippet: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """What a person told Switchman to do, and what came of it. Never changed, never pruned.

    `id` is the instruction's, and `asked` its text: a reason, a drill with its options, or what
    a declared incident is about. `person` is the Slack member id, or `person:ID` by the policy,
    and then `via` says how they were known to be that. `answer` is the reason of the decision,
    `text` what the person was told where it was refused.
    """

    id: str
    at: datetime
    person: str
    choice: Choice
    stack: str
    incident: str
    plan: str
    answer: str
    asked: str = ""
    text: str = ""
    via: str = ""


Row = AlertRow | MovedAlert | TimelineRow | IncidentRow | DrillRow | RejectedRow | AuditRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer of `decide`. A `stack` equal to the one given means: the head stays as it is."""

    stack: Stack
    reason: Reason
    rows: tuple[Row, ...] = ()
    actions: tuple[Action, ...] = ()
    timers: tuple[Timer, ...] = ()
    cleared: tuple[Timer, ...] = ()
