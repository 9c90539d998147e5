"""Moving traffic: at most once for each decision and service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.app.move import Move, unfinished
from shared.app.parallel import Parallel, in_threads
from shared.app.recovery import WatchHealth
from shared.domain.action import ActionKind, TrafficOrder
from shared.domain.errors import SwitchmanError
from shared.domain.policy import Policy
from shared.domain.rollback import (
    MoveResult,
    Plan,
    ServiceOutcome,
    ServicePlan,
    TrafficOutcome,
)
from shared.ports import Clock, Health, Lease, Outbox, Traffic


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeTraffic:
    """Carries out a plan, or puts back what it found: all services in parallel.

    A stack moves together: if somebody changed one of its services, none is touched.
    """

    policy: Policy
    outbox: Outbox
    traffic: Traffic
    health: Health
    clock: Clock
    in_parallel: Parallel = in_threads

    def __call__(self, lease: Lease) -> TrafficOutcome:
        """Perform an `apply` or `restore` action."""
        order = lease.action.order
        assert isinstance(order, TrafficOrder)
        restoring = lease.action.kind is ActionKind.RESTORE
        plans = _services(order, restoring=restoring)
        move = Move(
            self.traffic,
            self.clock,
            left=lambda: self.outbox.left(lease),
            restoring=restoring,
            decided_at=lease.action.decided_at,
            not_after=lease.action.not_after,
        )
        standing = self.in_parallel(move.standing, plans)
        changed = any(found.result is MoveResult.FOREIGN for found in standing)
        outcome = TrafficOutcome(
            services=standing if changed else self._all(move, plans),
            started_at=lease.first_claimed_at,
            served_at=self.clock.now(),
        )
        to_judge = order.drill or not restoring
        if not to_judge or not outcome.all(MoveResult.MOVED):
            return outcome
        return self._judge(order.plan, outcome)

    def _all(self, move: Move, plans: Sequence[ServicePlan]) -> tuple[ServiceOutcome, ...]:
        """What became of each service.

        Raises what went wrong with one, so that it is tried again, unless the outcome of
        another is unknown: to try again would send that change a second time.
        """

        def attempt(plan: ServicePlan) -> ServiceOutcome | Exception:
            try:
                return move(plan)
            except Exception as error:  # what nobody foresaw must not hide the other's outcome
                return error

        ends = self.in_parallel(attempt, plans)
        unknown = any(
            isinstance(e, ServiceOutcome) and e.result is MoveResult.UNKNOWN for e in ends
        )
        failed = next((end for end in ends if isinstance(end, Exception)), None)
        if failed is not None and not unknown:
            raise failed
        return tuple(
            unfinished(plan, _told(end)) if isinstance(end, Exception) else end
            for plan, end in zip(plans, ends, strict=True)
        )

    def _judge(self, plan: Plan, outcome: TrafficOutcome) -> TrafficOutcome:
        """Add whether health was restored, and when."""
        stack = self.policy.stack(plan.stack)
        checks = [
            (planned.uri, service.health)
            for service in stack.services
            for planned in plan.services
            if planned.service == service.name
        ]
        watch = WatchHealth(self.health, self.clock, self.in_parallel)
        found = watch(checks, stack.rollback)
        return replace(outcome, healthy_at=found.healthy_at, health=found.detail)


def _services(order: TrafficOrder, *, restoring: bool) -> tuple[ServicePlan, ...]:
    chosen = tuple(s for s in order.plan.services if not order.only or s.service in order.only)
    return tuple(s.reversed() for s in chosen) if restoring else chosen


def _told(error: Exception) -> str:
    """What people read of an error; the text of one that nobody foresaw may be anything."""
    return str(error) if isinstance(error, SwitchmanError) else f"unforeseen {type(error).__name__}"
