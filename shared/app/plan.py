"""Finding out what a stack could be rolled back to. Reads, and asks Cloud Run to validate."""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.errors import Conflict, Refused
from shared.domain.policy import Policy, Service
from shared.domain.rollback import NoPlan, Plan, ServicePlan
from shared.domain.targets import plan_service
from shared.ports import Clock, Lease, Traffic


@dataclass(frozen=True, slots=True, kw_only=True)
class MakePlan:
    """A plan for all services of a stack, or the reason why there is none."""

    policy: Policy
    traffic: Traffic
    clock: Clock

    def __call__(self, lease: Lease) -> Plan | NoPlan:
        """Perform a `plan` action."""
        return self.for_stack(lease.action.stack)

    def for_stack(self, stack_id: str) -> Plan | NoPlan:
        """Every service must have somewhere to go, and Cloud Run must agree to every change."""
        stack = self.policy.stack(stack_id)
        plans: list[ServicePlan] = []
        for service in stack.services:
            plan = self._for_service(service)
            if isinstance(plan, NoPlan):
                return plan
            plans.append(plan)
        now = self.clock.now()
        return Plan(
            stack=stack_id,
            services=tuple(plans),
            made_at=now,
            expires_at=now + stack.rollback.approval_valid,
        )

    def _for_service(self, service: Service) -> ServicePlan | NoPlan:
        try:
            state = self.traffic.look(service.resource)
            plan = plan_service(service, state, self.traffic.revisions(service.resource))
            if isinstance(plan, ServicePlan):
                self.traffic.send(service.resource, plan.after, plan.etag, dry_run=True)
        except Conflict:
            return NoPlan(reason=f"{service.name} was changed while the plan was being made")
        except Refused as refused:
            return NoPlan(reason=f"{service.name}: {refused}")
        return plan
