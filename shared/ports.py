"""What the use cases need of the world. Adapters implement these; tests hold them to a contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # an adapter loads only what it makes itself
    from shared.domain.action import Action, Outcome
    from shared.domain.alert import AlertRow
    from shared.domain.decision import AuditRow, DrillRow, RejectedRow, Row, TimelineRow
    from shared.domain.event import Instruction, Timer
    from shared.domain.incident import Incident
    from shared.domain.metrics import MetricQuery, Missing, Reading
    from shared.domain.paging import Card, MessageRef, Sheet
    from shared.domain.policy import HealthCheck
    from shared.domain.rollback import Revision, ServiceState, Split
    from shared.domain.snapshots import Content, Operation, Shelf, Snapshot
    from shared.domain.stack import Stack

Token = str
"""What a head was when it was loaded; opaque, and empty for a head that does not exist yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to carry out one action for a while.

    `fence` is opaque and changes with every claim and renewal; a result is only accepted with
    the current one. `attempt` counts claims from 1. `first_claimed_at` is the store's clock.
    """

    action: Action
    fence: str
    attempt: int
    first_claimed_at: datetime


class NotClaimed(Enum):
    """Why an action was not claimed."""

    UNKNOWN = "there is no such action"
    SETTLED = "it is already done"
    HELD = "another worker is at it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The end of an action, written together with what was decided about it."""

    action: str
    fence: str
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What `Heads.series(id, limit)` answered; `older` were looked up beside, by other ways."""

    id: str
    limit: int
    rows: tuple[AlertRow, ...] = ()
    older: tuple[AlertRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """What is known of what an alert is about.

    `pending` is as `Heads.seen` answers; an event that was seen may leave `rows` out. `own` is the
    alert's row, and `rows` are as `Heads.series` answers.
    """

    pending: tuple[Action, ...] | None
    own: AlertRow | None
    rows: tuple[AlertRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """Everything one event changes; all of it is written, or nothing.

    `stack` is None when the head stays as it is: then the token is still checked (in a
    transaction that reads the head), and the head is not written. Actions become outbox rows;
    timers replace those of the same id; `cleared` are timers to delete, unless one
    was set anew for another time. With `series`, the series must still be what it was when
    this was decided: two messages about it take effect one after the other.
    """

    event: str
    kind: str
    at: datetime
    stack_id: str
    stack: Stack | None
    rows: tuple[Row, ...] = ()
    actions: tuple[Action, ...] = ()
    timers: tuple[Timer, ...] = ()
    cleared: tuple[Timer, ...] = ()
    settles: Settlement | None = None
    series: Series | None = None


class Committed(Enum):
    """Both mean that it is done."""

    NEW = "written now"
    ALREADY = "written before, by an earlier delivery of the same event"


class Heads(Protocol):
    """The commit port: the same shape for every store."""

    def load(self, stack_id: str) -> tuple[Stack, Token]:
        """The head and its token; an empty stack and an empty token if there is none."""
        ...

    def commit(self, commit: Commit, token: Token) -> Committed:
        """Write all of it or nothing.

        A row of an alert that is there is changed only in its status, end, `heard_at` and
        reason; one that has ended never fires again. A `MovedAlert` changes its incident and its
        lane, and nothing else.
        Raises `Conflict` when the head is no longer what the token says or a row was raced
        (decide again), `StaleHolder` when the settlement's fence is not the current one,
        `Transient` when the store is away. A commit whose answer was lost and which succeeded
        is reported as `Committed.ALREADY`.
        """
        ...

    def seen(self, event_id: str) -> tuple[Action, ...] | None:
        """None for an event never committed; else its actions that are not settled yet."""
        ...

    def alert(self, row_id: str) -> AlertRow | None:
        """The alert's row."""
        ...

    def series(self, series: str, limit: int = 20) -> tuple[AlertRow, ...]:
        """The rows of one series, the newest start first."""
        ...

    def recall(self, event_id: str, row_id: str, series: str, limit: int) -> Recalled:
        """`seen`, `alert` and `series` at once, as every alert needs them."""
        ...

    def firing(self, incident_id: str) -> int:
        """How many alerts of the incident fire (a COUNT query)."""
        ...

    def alerts(self, incident_id: str) -> int:
        """How many alerts the incident has, firing or not (a COUNT query)."""
        ...

    def firing_rows(self, incident_id: str, limit: int) -> tuple[AlertRow, ...]:
        """Alerts of the incident that fire, by their ids."""
        ...


class Outbox(Protocol):
    """Actions on their way to being done."""

    def claim(self, action_id: str, lease: timedelta) -> Lease | NotClaimed:
        """Take the action for `lease` by the store's clock; an expired lease is taken over."""
        ...

    def renew(self, held: Lease, lease: timedelta) -> Lease:
        """Hold it for longer. Raises `StaleHolder` when it has passed to another worker."""
        ...

    def left(self, held: Lease) -> timedelta:
        """How much longer this claim holds the action, by the store's clock; zero if it does not.

        Renewals since count: a claim is told by its `attempt`, not by its fence.
        """
        ...

    def release(self, held: Lease) -> None:
        """Give it back undone, so that the next delivery may try at once."""
        ...

    def unsettled(self, older_than: timedelta, limit: int = 100) -> tuple[Action, ...]:
        """Actions decided longer ago than this, not done, and not held by anyone."""
        ...


class Timers(Protocol):
    """Things to look at later."""

    def due(self, now: datetime, limit: int = 100) -> tuple[Timer, ...]:
        """Timers whose time has come, earliest first."""
        ...


class Instructions(Protocol):
    """What people told Switchman to do, stored before it is acted on."""

    def add_instruction(self, instruction: Instruction) -> bool:
        """Store it; False if it was stored before (a replayed request)."""
        ...

    def instruction(self, instruction_id: str) -> Instruction | None:
        """The stored instruction."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentView:
    """One incident with its count of alerts, for people to read."""

    incident: Incident
    alerts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadView:
    """One stack's head. `writes` is None where the store does not count them."""

    stack: Stack
    writes: int | None


class Reports(Protocol):
    """Reading for people."""

    def received(
        self, since: datetime, until: datetime, after: AlertRow | None = None, limit: int = 500
    ) -> tuple[AlertRow, ...]:
        """Alerts that began in this time, `until` not included, by their start and their id.

        At most `limit`, the first of them that come after the given one.
        """
        ...

    def incidents(self, limit: int = 100) -> tuple[IncidentView, ...]:
        """Every incident of a head, and up to `limit` closed ones, newest first."""
        ...

    def incident(self, incident_id: str) -> IncidentView | None:
        """One incident, open or closed."""
        ...

    def timeline(self, incident_id: str) -> tuple[TimelineRow, ...]:
        """The incident's story, in order."""
        ...

    def drills(self, limit: int = 20) -> tuple[DrillRow, ...]:
        """Drills, newest first."""
        ...

    def rejected(self, limit: int = 100) -> tuple[RejectedRow, ...]:
        """Messages that could not be read, newest first."""
        ...

    def heads(self) -> tuple[HeadView, ...]:
        """Every stack's head, and how often it was written."""
        ...

    def audit(self, limit: int = 100) -> tuple[AuditRow, ...]:
        """What people told Switchman to do and what came of it, newest first."""
        ...


class Housekeeping(Protocol):
    """Forgetting what nobody needs any more."""

    def prune(self, now: datetime) -> int:
        """Delete what may be forgotten at `now`, a bounded number of rows at a time.

        Events after 7 days, resolved alerts 30 days after their end, and what belonged to them.
        Never an unsettled action, a firing alert, an incident, its timeline, or the audit.
        Returns how many rows went; 0 where the store itself forgets (Firestore's TTL).
        """
        ...


class Store(Heads, Outbox, Timers, Instructions, Reports, Housekeeping, Protocol):
    """All of it."""

    def close(self) -> None:
        """Let go of files and connections."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a topic. The same `id` published twice may be delivered once."""

    id: str
    data: bytes
    attributes: Mapping[str, str] = field(default_factory=dict)


class Publisher(Protocol):
    """The way onto a topic."""

    def publish(self, topic: str, messages: Sequence[Message]) -> None:
        """Return once every message is durable; raise `Transient` otherwise."""
        ...


class Chat(Protocol):
    """Messages to people."""

    def post(self, channel: str, card: Card, key: str) -> MessageRef:
        """Post a card. `key` travels as metadata so that `find` can look it up.

        Raises `Transient`, `Refused` (it will never work: say why), or `UnknownOutcome`.
        """
        ...

    def find(self, channel: str, key: str) -> MessageRef | None:
        """The message posted with this key, if there is one among the channel's recent ones."""
        ...

    def update(self, message: MessageRef, card: Card) -> None:
        """Redraw a posted card in place."""
        ...

    def ask(self, trigger: str, stack: str) -> str:
        """Open a modal that asks about a rollback of the stack, with a placeholder; its id."""
        ...

    def show(self, view: str, sheet: Sheet) -> None:
        """Fill the open modal with the plan."""
        ...

    def tell(self, channel: str, user: str, text: str) -> None:
        """Say something that only this user sees."""
        ...


class LastResort(Protocol):
    """A way to people that needs neither the policy nor the store."""

    def send(self, text: str) -> None:
        """Return within a few seconds, once somebody outside has taken the text.

        Raises `Transient` when nobody is known to have, `Refused` when nobody ever will. No
        error shows the address, which is a secret.
        """
        ...


class Traffic(Protocol):
    """Cloud Run's traffic."""

    def look(self, resource: str) -> ServiceState:
        """The service as it is now."""
        ...

    def revisions(self, resource: str) -> tuple[Revision, ...]:
        """The service's revisions, newest first."""
        ...

    def send(self, resource: str, traffic: Split, etag: str, *, dry_run: bool = False) -> None:
        """Ask for this traffic, and return once Cloud Run has taken the request.

        Raises `Refused` (it says no; nothing changed), `Conflict` (the etag is old; nothing
        changed), `Transient` (nothing was sent), `UnknownOutcome` (it may have happened).
        """
        ...

    def settled(self, resource: str, traffic: Split, deadline: timedelta) -> ServiceState:
        """Wait until the service is Ready and its observed traffic is this, or time is up.

        Returns the service as last seen either way; raises `Transient` when it cannot be seen.
        """
        ...


@dataclass(frozen=True, slots=True)
class HealthResult:
    """What one request said."""

    ok: bool
    detail: str


class Health(Protocol):
    """Requests that prove a service works."""

    def check(self, uri: str, check: HealthCheck) -> HealthResult:
        """One request. Never raises: what cannot be reached is not healthy."""
        ...


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...

    def sleep(self, duration: timedelta) -> None:
        """Wait."""
        ...


class Metrics(Protocol):
    """What is measured of the services: the proof of a recovery, and of a soak."""

    def value(self, query: MetricQuery, at: datetime) -> Reading | Missing:
        """The query's value at `at`, with the time of its newest sample; of several, the worst.

        Raises `Transient` when the source is away, `Refused` (what to do about it) when it says no.
        """
        ...

    def requests(self, resource: str, revision: str, window: timedelta, at: datetime) -> int | None:
        """How many requests the Cloud Run revision answered in the window that ends at `at`.

        None where that is not known; sources lag by minutes, so that it may be more, never less.
        Raises as `value` does.
        """
        ...


class Snapshots(Protocol):
    """A stack's data, and copies of it.

    Every call answers within 25 s and raises `Transient` when the source is away, `Refused` (what
    to do about it) when it says no. How long an export or import itself takes, `look_up` tells.
    """

    def shelf(self, stack: str) -> Shelf:
        """What snapshots there are, as their manifests describe them, and what can be imported."""
        ...

    def verify(self, stack: str, snapshot: str) -> Content:
        """What the snapshot holds, found by reading all of it."""
        ...

    def export(self, stack: str, key: str) -> None:
        """Begin to copy the present data into a new snapshot; with a known key nothing is begun."""
        ...

    def import_replace(self, stack: str, snapshot: Snapshot, key: str) -> None:
        """Begin to replace all data by the snapshot; with a known key nothing is begun.

        All of it is replaced or, where the snapshot has another digest, nothing. Raises `Refused`
        or `Transient` only if nothing was begun, `UnknownOutcome` if it may have been.
        """
        ...

    def look_up(self, stack: str, key: str) -> Operation | None:
        """The export or import of this key; None if the source has not begun one."""
        ...

    def smoke(self, stack: str, snapshot: Snapshot) -> HealthResult:
        """Whether the data is now that of the snapshot, as far as the source can tell."""
        ...
