"""Finding out what a stack could be rolled back to. Reads, and asks Cloud Run to validate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from shared.app.parallel import Parallel, in_threads
from shared.app.smoke import SmokeTest
from shared.domain.action import PlanOrder
from shared.domain.candidates import choose, ruled_out
from shared.domain.errors import Conflict, Refused
from shared.domain.plan_words import checks_in_words
from shared.domain.policy import Policy, Service
from shared.domain.release import ReleaseAsk
from shared.domain.release_target import newest, plan_release
from shared.domain.rollback import NoPlan, Plan, Revision, ServicePlan, ServiceState
from shared.domain.targets import plan_service, weighed
from shared.ports import Clock, Health, Lease, Traffic

EACH: Final = timedelta(seconds=1)
LOOKS: Final = 40
"""A patient worker looks so often, after so long each, before it says that it is no use yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MakePlan:
    """A plan for all services of a stack, or the reason why there is none."""

    policy: Policy
    traffic: Traffic
    health: Health
    clock: Clock
    in_parallel: Parallel = in_threads

    def __call__(self, lease: Lease) -> Plan | NoPlan:
        """Perform a `plan` action."""
        order = lease.action.order
        assert isinstance(order, PlanOrder)
        return self.for_stack(lease.action.stack, order)

    def for_stack(self, stack_id: str, order: PlanOrder) -> Plan | NoPlan:
        """Every service must have somewhere to go, and Cloud Run must agree to every change.

        Raises `Transient` when Cloud Run is away.
        """
        stack = self.policy.stack(stack_id)
        plans: list[ServicePlan] = []
        for plan in self.in_parallel(partial(self._for_service, order), stack.services):
            if isinstance(plan, NoPlan):
                return plan
            if plan is not None:
                plans.append(plan)
        if not plans:
            return NoPlan(reason="no rollback has left a service of it pinned")
        now = self.clock.now()
        return Plan(
            stack=stack_id,
            services=tuple(plans),
            made_at=now,
            expires_at=now + stack.rollback.approval_valid,
            asked_by=order.asked_by,
            reason=order.reason,
            checks=checks_in_words(stack.services),
            rto_target=stack.rollback.rto_target,
            release=order.release is not None,
        )

    def _for_service(self, order: PlanOrder, service: Service) -> ServicePlan | NoPlan | None:
        """The service's part; None where a release has nothing to take back."""
        try:
            release = order.release
            plan = (
                self._released(order, release, service) if release else self._chosen(order, service)
            )
            if isinstance(plan, ServicePlan):
                self.traffic.send(service.resource, plan.after, plan.etag, dry_run=True)
        except Conflict:
            if order.patient:
                self.clock.sleep(EACH)
            why = f"{service.name} was changed while the plan was being made"
            return NoPlan(reason=why, passes=True)
        except Refused as refused:
            return NoPlan(reason=f"{service.name}: {refused}")
        return plan

    def _chosen(self, order: PlanOrder, service: Service) -> ServicePlan | NoPlan:
        """The best candidate whose smoke test, where it can be made, does not fail."""
        state = self._calm(order, service)
        revisions = self.traffic.revisions(service.resource)
        found = weighed(
            service,
            state,
            revisions,
            order.record(service.name),
            frozenset(order.rolled_back),
            frozenset(order.did_not_help),
        )
        if isinstance(found, NoPlan):
            return found
        test = SmokeTest(self.health, self.clock)
        said = ""
        while (chosen := choose(found)) is not None:
            smoke = test(state, chosen.revision.name, service.health)
            said = smoke.said
            if not smoke.failed:
                break
            why = f"its smoke test failed {smoke.said}"
            found = ruled_out(found, chosen.revision.name, why)
        return plan_service(service, state, revisions, found, said)

    def _calm(self, order: PlanOrder, service: Service) -> ServiceState:
        """The service as it is; where the order is patient, once no deployment is under way."""
        state = self.traffic.look(service.resource)
        for _ in range(LOOKS if order.patient else 0):
            if not state.reconciling:
                break
            self.clock.sleep(EACH)
            state = self.traffic.look(service.resource)
        return state

    def _released(
        self, order: PlanOrder, release: ReleaseAsk, service: Service
    ) -> ServicePlan | NoPlan | None:
        """Back to LATEST, where a rollback left the service pinned and nothing speaks against it."""
        state = self.traffic.look(service.resource)
        revisions = self.traffic.revisions(service.resource)
        pinned, rolled_back = release.pin(service.name), frozenset(order.rolled_back)
        target = newest(service, state, revisions, pinned, rolled_back, again=release.again)
        if not isinstance(target, Revision):
            return target
        smoke = SmokeTest(self.health, self.clock)(state, target.name, service.health)
        if smoke.failed:
            why = f"the smoke test of {target.name} failed {smoke.said}"
            return NoPlan(reason=f"{service.name}: {why}")
        record = order.record(service.name)
        return plan_release(service, state, revisions, target, record, smoke.said)
