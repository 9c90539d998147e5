"""Tagging known-good revisions. No revision's share of the traffic changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from shared.app.move import Move
from shared.app.parallel import Parallel, in_threads
from shared.domain.action import TrafficOrder
from shared.domain.errors import Refused, Transient
from shared.domain.rollback import MoveResult, ServiceOutcome, ServicePlan, TrafficOutcome
from shared.domain.tags import calm
from shared.ports import Clock, Heads, Lease, Outbox, Traffic


@dataclass(frozen=True, slots=True, kw_only=True)
class TagKnownGood:
    """Sets the tags of a plan, fenced as any change of traffic is.

    Nothing hangs on a tag: whatever is in the way, it is given up, and a later look asks anew.
    """

    heads: Heads
    outbox: Outbox
    traffic: Traffic
    clock: Clock
    in_parallel: Parallel = in_threads

    def __call__(self, lease: Lease) -> TrafficOutcome:
        """Perform a `tag` action; what came of each service, none of which is tried again."""
        order = lease.action.order
        assert isinstance(order, TrafficOrder)
        move = Move(
            self.traffic,
            self.clock,
            left=lambda: self._left(lease),
            restoring=False,
            decided_at=lease.action.decided_at,
            not_after=lease.action.not_after,
        )

        def attempt(plan: ServicePlan) -> ServiceOutcome:
            try:
                return move(plan)
            except (Refused, Transient) as error:
                why = str(error)
                return ServiceOutcome(service=plan.service, result=MoveResult.REFUSED, detail=why)

        ended = self.in_parallel(attempt, order.plan.services)
        return TrafficOutcome(services=ended, started_at=lease.first_claimed_at)

    def _left(self, lease: Lease) -> timedelta:
        """How long the action is still ours. Raises `Refused` when it is no time for tags.

        It is asked right before anything is sent. An incident that is opened later still waits
        with its plan until this action has ended.
        """
        stack, _ = self.heads.load(lease.action.stack)
        if not calm(stack):
            raise Refused("something has come up on the stack: it is no time for tags")
        return self.outbox.left(lease)
