"""Everything that can happen. An event has an id of its own and belongs to one stack."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from shared.domain.action import Action, Outcome
from shared.domain.alert import Alert, AlertRow, AlertStatus
from shared.domain.ids import derive, stamp
from shared.domain.lane import Classification
from shared.domain.paging import Choice
from shared.domain.severity import Severity

MOST_ENDED: Final = 400
"""How many alerts one instruction can end: Firestore takes at most 500 writes in one commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertReceived:
    """A sender reported an alert.

    `row` is what the store already has of it; `classification` is where it goes otherwise.
    `overtaken_by`, `resumed`, `ends`, `more` and `over` are what `series.place` found. `last` is the
    incident of its series before. `again` is the day, where the
    message is so old that nobody knows any more what came of it: it may have had its effect
    before, and what it leads to now needs other ids.
    """

    alert: Alert
    row: AlertRow | None
    classification: Classification
    overtaken_by: AlertRow | None = None
    resumed: bool = False
    ends: tuple[AlertRow, ...] = ()
    more: bool = False
    over: tuple[str, ...] = ()
    again: str = ""
    last: str = ""

    @property
    def id(self) -> str:
        """Alert row, status, and when it was published."""
        return f"{self.alert.event_id}-{self.again}" if self.again else self.alert.event_id

    @property
    def stack(self) -> str:
        """The row's stack: an alert is classified once."""
        return self.row.stack if self.row else self.classification.stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """What a person told Switchman to do, verified and stored before it is acted on.

    `id` is the SHA-256 of Slack's signed base string; `person` is the Slack member id. Of the
    command line the id is derived, `person` is `person:ID` by the policy, `via` says how they are
    known to be that, and the answer is waited for in the audit. It is about an incident (and
    perhaps its plan), or else about a stack. `text` is the reason, the drill with its options, or
    what a declared incident is about; `view` is an open modal. `into` is the incident that another
    is merged into; `alerts` names those that are split off, or an incident that was merged. `snapshot` is
    what data is to be rolled back to, where somebody asks for that and names one.
    """

    id: str
    choice: Choice
    person: str
    channel: str
    at: datetime
    incident: str = ""
    plan: str = ""
    stack: str = ""
    lane: str = ""
    severity: Severity | None = None
    text: str = ""
    view: str = ""
    via: str = ""
    into: str = ""
    alerts: tuple[str, ...] = ()
    snapshot: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instructed:
    """A stored instruction reached us.

    `firing` is how many alerts of its incident fire now. `fires` are those alerts, at most
    `MOST_ENDED` of them, where the instruction may end or move them.
    """

    instruction: Instruction
    stack: str
    firing: int = 0
    fires: tuple[AlertRow, ...] = ()

    @property
    def id(self) -> str:
        """The instruction's id."""
        return self.instruction.id


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionFinished:
    """An action came to an end. `trigger` is the status of the rollback's trigger alert now."""

    action: Action
    attempt: int
    outcome: Outcome
    trigger: AlertStatus | None = None

    @property
    def id(self) -> str:
        """Action and attempt."""
        return f"{self.action.id}-{self.attempt}"

    @property
    def stack(self) -> str:
        """The action's stack."""
        return self.action.stack


class TimerKind(StrEnum):
    """What a timer is for."""

    SETTLE = "settle"
    CONFIRM = "confirm"
    PLAN_EXPIRES = "plan_expires"
    VERIFY = "verify"
    FORGET = "forget"
    REMIND = "remind"
    MEASURE = "measure"
    DATA_EXPIRES = "data_expires"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """Something to look at later. One of each kind for an incident: setting it replaces it."""

    kind: TimerKind
    stack: str
    incident: str
    due: datetime

    @property
    def id(self) -> str:
        """Incident and kind."""
        return f"{self.incident}:{self.kind}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerDue:
    """A timer's time has come. `firing` is how many alerts of the incident fire just now.

    `fires` are those alerts, at most `MOST_ENDED` of them, where some may be of other lanes.
    """

    timer: Timer
    firing: int
    trigger: AlertStatus | None = None
    fires: tuple[AlertRow, ...] = ()

    @property
    def id(self) -> str:
        """Incident, kind of timer and due time."""
        return derive("timer", self.timer.id, stamp(self.timer.due))

    @property
    def stack(self) -> str:
        """The timer's stack."""
        return self.timer.stack


def drill_id(event_id: str) -> str:
    """The id of the drill that an event starts."""
    return f"drill-{event_id[:20]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillDue:
    """The schedule (or a person) asks for a drill. `id` makes a repeat harmless.

    With `apply` traffic is moved and put back; without, a plan is all there is.
    """

    id: str
    stack: str
    drill: str
    asked_by: str
    apply: bool = False

    @property
    def drill_id(self) -> str:
        """The id under which the drill is recorded."""
        return drill_id(self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class LookDue:
    """A minute has begun in which the stack's services are to be looked at once."""

    stack: str
    at: datetime

    @property
    def id(self) -> str:
        """Stack and minute."""
        return derive("look", self.stack, stamp(self.at.replace(second=0, microsecond=0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRejected:
    """A sender we know sent something that can never be read. `snippet` holds no secret."""

    id: str
    source: str
    reason: str
    snippet: str
    stack: str = "unassigned"


Event = (
    AlertReceived | Instructed | ActionFinished | TimerDue | DrillDue | LookDue | MessageRejected
)
