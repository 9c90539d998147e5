"""What Switchman does to the world, recorded before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from shared.domain.paging import MessageRef, Sheet
from shared.domain.rollback import NoPlan, Plan, TrafficOutcome


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

    @property
    def topic(self) -> Topic:
        """Where the action is published, so that a rollback never holds up a page."""
        people = (ActionKind.PAGE, ActionKind.REFRESH, ActionKind.TELL, ActionKind.SHOW)
        return Topic.PAGES if self in people else Topic.CHANGES


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

    For an incident, or for a `drill`, or for a person's open modal (`view`).
    """

    drill: str = ""
    view: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficOrder:
    """Carry out a plan, or put back what it found (`only` names the services to put back)."""

    plan: Plan
    only: tuple[str, ...] = ()
    drill: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowOrder:
    """Fill a person's open modal."""

    view: str
    sheet: Sheet


Order = PageOrder | TellOrder | PlanOrder | TrafficOrder | ShowOrder

ORDERS: Final[Mapping[ActionKind, type[Order]]] = {
    ActionKind.PAGE: PageOrder,
    ActionKind.REFRESH: PageOrder,
    ActionKind.TELL: TellOrder,
    ActionKind.SHOW: ShowOrder,
    ActionKind.PLAN: PlanOrder,
    ActionKind.APPLY: TrafficOrder,
    ActionKind.RESTORE: TrafficOrder,
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
class GaveUp:
    """It could not be done, and will not be tried again."""

    reason: str


Outcome = Delivered | Done | GaveUp | Plan | NoPlan | TrafficOutcome
