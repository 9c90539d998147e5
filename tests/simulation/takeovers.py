"""What must hold once a person has changed a service's traffic, and when tags may be sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shared.domain.action import Action, ActionKind, TrafficOrder
from shared.domain.event import Instruction
from shared.domain.ledger import bare
from shared.domain.paging import Choice
from shared.domain.rollback import ServiceState
from shared.domain.stack import Stack
from shared.domain.tags import calm
from shared.domain.targets import pinned_split
from tests.simulation.record import Record
from tests.simulation.shop import DEPLOYER

Wrong = tuple[str, str]
TEN_TICKS: Final = timedelta(minutes=10)
_FRESH: Final = timedelta(seconds=30)
_HANDS_OFF: Final = "ten ticks after a change by hand nothing moves that no person approved since"
_ONLY_WHEN_CALM: Final = "no tag is sent during an incident"


@dataclass(frozen=True, slots=True)
class _TakenOver:
    """When a person changed the traffic, and what people had told Switchman until then."""

    at: datetime
    told: frozenset[str]


class Takeovers:
    """Changes by hand that are nobody else's doing, and what workers know of their stacks."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._taken: dict[str, _TakenOver] = {}
        self._gone: set[tuple[str, str]] = set()
        self._known: dict[int, tuple[datetime, Stack]] = {}

    def loaded(self, worker: object, stack: Stack, now: datetime) -> None:
        """A worker has read its stack's head."""
        self._known[id(worker)] = (now, stack)

    def changed(self, before: ServiceState, after: ServiceState, now: datetime) -> None:
        """Somebody else changed the service; its shares, or other things."""
        self._gone.add((after.resource, before.etag))
        if bare(before.traffic) == bare(after.traffic):
            return
        self._taken.pop(after.resource, None)
        if after.last_modifier != DEPLOYER and self._must_be_noticed(after):
            told = frozenset(self._record.instructions)
            self._taken[after.resource] = _TakenOver(now, told)

    def wrong_to_ask(
        self, worker: object, action: Action, resource: str, etag: str, now: datetime
    ) -> Iterator[Wrong]:
        """Every invariant that a request of ours for the service breaks now.

        One that is guarded by the etag of before a change by hand moves nothing, however late it
        is sent: its sender looked before.
        """
        if action.kind is ActionKind.TAG:
            at, stack = self._known.get(id(worker), (now, Stack(id="nobody has looked")))
            if not calm(stack) or now - at > _FRESH:
                yield _ONLY_WHEN_CALM, action.id
        taken = self._taken.get(resource)
        if taken is None or now >= taken.at + TEN_TICKS or (resource, etag) in self._gone:
            return
        since = (i for i in self._record.instructions.values() if i.id not in taken.told)
        if not any(_lets(each, action, resource) for each in since):
            yield _HANDS_OFF, f"{action.kind} {action.id} of {resource}"

    def _must_be_noticed(self, after: ServiceState) -> bool:
        """What equals the last look, or what we made or found ourselves, cannot be."""
        service = after.resource.rpartition("/")[2]
        heads = self._record.heads.values()
        seen = next((r for head in heads if (r := head.record(service)) is not None), None)
        if seen is None or bare(seen.traffic) == bare(after.traffic):
            return False
        orders = (action.order for action in self._record.actions.values())
        plans = (
            p for order in orders if isinstance(order, TrafficOrder) for p in order.plan.services
        )
        ours = {
            bare(split)
            for plan in plans
            if plan.resource == after.resource
            for split in (plan.before, plan.after, pinned_split(plan.reversed()))
        }
        return bare(after.traffic) not in ours


def _lets(told: Instruction, action: Action, resource: str) -> bool:
    """Whether this lets the action touch the service: an approval of it, or a hand-over."""
    if told.choice is Choice.UNLATCH:
        return told.text == resource.rpartition("/")[2]
    return told.choice is Choice.APPROVE and told.incident == action.incident
