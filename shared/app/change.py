"""Moving traffic: at most once for each decision and service."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

from shared.app.move import Move
from shared.app.recovery import watch_health
from shared.domain.action import ActionKind, TrafficOrder
from shared.domain.policy import Policy
from shared.domain.rollback import (
    MoveResult,
    Plan,
    ServicePlan,
    TrafficOutcome,
)
from shared.ports import Clock, Health, Lease, Traffic

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeTraffic:
    """Carries out a plan, or puts back what it found: all services in parallel.

    A stack moves together: if somebody changed one of its services, none is touched.
    """

    policy: Policy
    traffic: Traffic
    health: Health
    clock: Clock

    def __call__(self, lease: Lease) -> TrafficOutcome:
        """Perform an `apply` or `restore` action."""
        order = lease.action.order
        assert isinstance(order, TrafficOrder)
        restoring = lease.action.kind is ActionKind.RESTORE
        plans = _services(order, restoring=restoring)
        move = Move(self.traffic, self.clock, restoring=restoring, not_after=lease.action.not_after)
        standing = _in_parallel(move.standing, plans)
        changed = any(found.result is MoveResult.FOREIGN for found in standing)
        outcome = TrafficOutcome(
            services=standing if changed else _in_parallel(move, plans),
            started_at=lease.first_claimed_at,
            served_at=self.clock.now(),
        )
        to_judge = order.drill or not restoring
        if not to_judge or not outcome.all(MoveResult.MOVED):
            return outcome
        return self._judge(order.plan, outcome)

    def _judge(self, plan: Plan, outcome: TrafficOutcome) -> TrafficOutcome:
        """Add whether health was restored, and when."""
        stack = self.policy.stack(plan.stack)
        checks = [
            (planned.uri, service.health)
            for service in stack.services
            for planned in plan.services
            if planned.service == service.name
        ]
        found = watch_health(self.health, self.clock, checks, stack.rollback)
        return replace(outcome, healthy_at=found.healthy_at, health=found.detail)


def _services(order: TrafficOrder, *, restoring: bool) -> tuple[ServicePlan, ...]:
    chosen = tuple(s for s in order.plan.services if not order.only or s.service in order.only)
    return tuple(s.reversed() for s in chosen) if restoring else chosen


def _in_parallel(move: Callable[[ServicePlan], T], plans: tuple[ServicePlan, ...]) -> tuple[T, ...]:
    with ThreadPoolExecutor(max_workers=max(1, len(plans)), thread_name_prefix="move") as pool:
        return tuple(pool.map(move, plans))
