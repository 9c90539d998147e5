"""What Switchman does to the world, recorded before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from shared.domain.data_rollback import DataOutcome, DataPlan
from shared.domain.ledger import Look, ServiceRecord
from shared.domain.metrics import Measurement, MetricQuery
from shared.domain.paging import MessageRef, Sheet
from shared.domain.release import ReleaseAsk
from shared.domain.rollback import NoPlan, Plan, TrafficOutcome
from shared.domain.snapshots import Snapshot


class Topic(StrEnum):
    """The three topics. Only the worker of `changes` may touch Cloud Run."""

    EVENTS = "events"
    PAGES = "pages"
    CHANGES = "changes"


class ActionKind(StrEnum):
    """Everything Switchman can do."""

    PAGE = "page"
    REFRESH = "refresh"
    TELL = "tell"
    SHOW = "show"
    PLAN = "plan"
    APPLY = "apply"
    RESTORE = "restore"
    MEASURE = "measure"
    OBSERVE = "observe"
    TAG = "tag"
    NOTIFY = "notify"
    VERIFY_SNAPSHOT = "verify_snapshot"
    EXPORT_DATA = "export_data"
    IMPORT_DATA = "import_data"
    CHECK_DATA = "check_data"

    @property
    def topic(self) -> Topic:
        """Where the action is published, so that a rollback never holds up a page."""
        return Topic.PAGES if self in _FOR_PEOPLE else Topic.CHANGES


_FOR_PEOPLE: Final = (
    ActionKind.PAGE,
    ActionKind.REFRESH,
    ActionKind.TELL,
    ActionKind.SHOW,
    ActionKind.NOTIFY,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOrder:
    """Send the page with this key."""

    page: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TellOrder:
    """Tell one person something that only they see."""

    channel: str
    slack_user: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOrder:
    """Find out what the stack could be rolled back to. Reads only.

    For an incident, or for a `drill`, or for a person's open modal (`view`). The rest is what
    the head knows, so that the worker needs no store: `records` of the services, the digests
    that were `rolled_back` from, the revisions that `did_not_help` in this incident, and who
    asked and why. With `release` the plan takes back what rollbacks left.
    `patient`: a deployment that is under way may end first.
    """

    drill: str = ""
    view: str = ""
    records: tuple[ServiceRecord, ...] = ()
    rolled_back: tuple[str, ...] = ()
    did_not_help: tuple[str, ...] = ()
    asked_by: str = ""
    reason: str = ""
    release: ReleaseAsk | None = None
    patient: bool = False

    def record(self, service: str) -> ServiceRecord | None:
        """What is remembered of a service, if anybody ever looked at it."""
        return next((each for each in self.records if each.service == service), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficOrder:
    """Carry out a plan, or put back what it found (`only` names the services to put back)."""

    plan: Plan
    only: tuple[str, ...] = ()
    drill: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureOrder:
    """Ask whether a rollback helped: what each query says at `at`, whenever it is asked.

    `since` is when health was restored, which also says which rollback this is about. `last`:
    the time in which it had to help is over, so that the answer decides.
    """

    queries: tuple[MetricQuery, ...]
    since: datetime
    at: datetime
    last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowOrder:
    """Fill a person's open modal."""

    view: str
    sheet: Sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Ripe:
    """A revision that has served its share for the soak time and has yet to prove itself."""

    service: str
    revision: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ObserveOrder:
    """Look at the stack's services, and count the requests of what is `ripe`. Reads only."""

    ripe: tuple[Ripe, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeOrder:
    """Say something in a channel that wakes nobody; `instead_of` are those that did not take it."""

    channel: str
    headline: str
    paragraphs: tuple[str, ...]
    instead_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DataWish:
    """Verify the snapshot (empty: the newest that qualifies) and plan its import. Reads only.

    `notes` is what whoever approves should know besides.
    """

    snapshot: str = ""
    asked_by: str = ""
    reason: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DataOrder:
    """One step of a data plan. `export` is the state before, without which nothing is imported."""

    plan: DataPlan
    export: Snapshot | None = None


Order = (
    PageOrder
    | TellOrder
    | PlanOrder
    | TrafficOrder
    | ShowOrder
    | MeasureOrder
    | ObserveOrder
    | NoticeOrder
    | DataWish
    | DataOrder
)

ORDERS: Final[Mapping[ActionKind, type[Order]]] = {
    ActionKind.PAGE: PageOrder,
    ActionKind.REFRESH: PageOrder,
    ActionKind.TELL: TellOrder,
    ActionKind.SHOW: ShowOrder,
    ActionKind.PLAN: PlanOrder,
    ActionKind.APPLY: TrafficOrder,
    ActionKind.RESTORE: TrafficOrder,
    ActionKind.MEASURE: MeasureOrder,
    ActionKind.OBSERVE: ObserveOrder,
    ActionKind.TAG: TrafficOrder,
    ActionKind.NOTIFY: NoticeOrder,
    ActionKind.VERIFY_SNAPSHOT: DataWish,
    ActionKind.EXPORT_DATA: DataOrder,
    ActionKind.IMPORT_DATA: DataOrder,
    ActionKind.CHECK_DATA: DataOrder,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing to do. `id` is the event's id and an ordinal; `not_after` forbids a late start."""

    id: str
    kind: ActionKind
    stack: str
    incident: str
    order: Order
    decided_at: datetime
    not_after: datetime | None = None


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message stands in Slack and shows the card with this digest."""

    message: MessageRef
    drawn: str


@dataclass(frozen=True, slots=True)
class Done:
    """Done; there is nothing more to say."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What each query of the order was answered, in its order."""

    answers: tuple[Measurement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """A service that could not be looked at, and why."""

    service: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sights:
    """What was seen of a stack's services."""

    looks: tuple[Look, ...] = ()
    unseen: tuple[Unseen, ...] = ()


@dataclass(frozen=True, slots=True)
class GaveUp:
    """It could not be done, and will not be tried again."""

    reason: str


Outcome = (
    Delivered
    | Done
    | GaveUp
    | Plan
    | NoPlan
    | TrafficOutcome
    | Measured
    | Sights
    | DataPlan
    | DataOutcome
)
