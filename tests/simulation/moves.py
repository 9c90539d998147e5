"""What must hold of traffic: who allowed it, how often it was asked for, what it changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from shared.domain.action import Action, ActionKind, TrafficOrder
from shared.domain.decide.releases import APPLY
from shared.domain.event import DrillDue, Instruction, drill_id
from shared.domain.paging import Choice
from shared.domain.policy import Policy
from shared.domain.rollback import Plan, ServicePlan, ServiceState, Split, same_split
from shared.domain.targets import pinned_split
from tests.simulation.gauges import Gauges
from tests.simulation.record import Record
from tests.simulation.releases import Releases
from tests.simulation.schedule import Worker
from tests.simulation.shares import Freezes
from tests.simulation.takeovers import Takeovers

Wrong = tuple[str, str]
OURS = "switchman@test"


@dataclass(frozen=True, slots=True)
class Request:
    """A change that was asked for on behalf of an action."""

    action: Action
    whole: Plan
    plan: ServicePlan
    traffic: Split


@dataclass(frozen=True, slots=True)
class Change:
    """A service's traffic became this; without a request of ours somebody else did it."""

    resource: str
    generation: int
    traffic: Split
    request: Request | None


@dataclass(frozen=True, slots=True)
class Left:
    """The services that still stand where an action moved them.

    `mixed`: others were never moved, or were put back, and by us. What a person has changed since
    is that person's.
    """

    action: Action
    standing: tuple[str, ...]
    mixed: bool


class Moves:
    """Every request to change traffic, and every change that took effect: ours by its request."""

    def __init__(
        self,
        record: Record,
        policy: Policy,
        gauges: Gauges,
        look: Callable[[str], ServiceState],
    ) -> None:
        self.took_effect: list[Change] = []
        self.scheduled: dict[str, DrillDue] = {}
        self.takeovers = Takeovers(record)
        self.releases = Releases(record, policy, gauges)
        self.freezes = Freezes(record, policy, look)
        self._record = record
        self._policy = policy
        self._requests: list[Request] = []
        self._unknown: set[tuple[Worker, str]] = set()

    def unknown(self, worker: Worker, resource: str) -> None:
        """The worker does not know what became of its request."""
        self._unknown.add((worker, resource))

    def refused(self, worker: Worker, resource: str) -> None:
        """The worker's last request for the service surely changed nothing."""
        meant = (worker.action, resource)
        asked = [r for r in self._requests if (r.action.id, r.plan.resource) == meant]
        if asked:
            self._requests.remove(asked[-1])

    def wrong_to_ask(
        self, worker: Worker, resource: str, traffic: Split, etag: str, now: datetime
    ) -> Iterator[Wrong]:
        """Every invariant that asking for this breaks."""
        action = self._record.actions[worker.action]
        order = action.order
        assert isinstance(order, TrafficOrder)
        plan = next(each for each in order.plan.services if each.resource == resource)
        if action.kind is ActionKind.RESTORE:
            plan = plan.reversed()
        elif action.not_after is None or now > action.not_after:
            yield "no change is begun after its approval has run out", action.id
        if action.kind is not ActionKind.TAG and not self._allowed(action, order):
            yield "no traffic moves without a live approval or an allowed drill", action.id
        if (worker, resource) in self._unknown:
            yield "what may have happened is not asked for again", f"{action.id} {plan.service}"
        if not any(same_split(traffic, wanted) for wanted in (plan.after, pinned_split(plan))):
            yield "only what was planned is asked for", f"{action.id} {traffic}"
        if not etag:
            yield "every request is guarded by an etag", action.id
        self._requests.append(Request(action, order.plan, plan, traffic))

    def wrong_with_change(self, before: ServiceState, after: ServiceState) -> Iterator[Wrong]:
        """Every invariant that a change which took effect breaks."""
        if after.last_modifier != OURS:
            self._note(after, None)
            return
        fitting = [
            request
            for request in self._requests
            if request.plan.resource == after.resource
            and request.plan.generation == before.generation
            and same_split(request.traffic, after.traffic)
        ]
        if not fitting:
            yield "what somebody else changed is not overridden", f"{before} -> {after}"
        elif any(change.request in fitting for change in self.took_effect):
            yield "traffic moves once for each decision and service", f"{fitting[0].action.id}"
        else:
            self._note(after, fitting[-1])
            action, plan = fitting[-1].action, fitting[-1].plan
            yield from self.freezes.wrong_with(action.kind, action.stack, plan, before, after)

    def _note(self, after: ServiceState, request: Request | None) -> None:
        change = Change(after.resource, after.generation, after.traffic, request)
        self.took_effect.append(change)

    def left(self) -> Iterator[Left]:
        """What every plan that was begun has left behind."""
        ours: dict[str, Request] = {}
        begun: dict[str, Request] = {}
        apart: set[tuple[str, str]] = set()
        for change in self.took_effect:
            request = change.request
            if request is not None and request.action.kind is ActionKind.TAG:
                continue  # no share changed
            ours.pop(change.resource, None)
            if request is None:
                continue
            if request.action.kind is ActionKind.APPLY:
                ours[change.resource] = begun[request.whole.hash] = request
            else:
                apart.add((request.whole.hash, change.resource))
        for plan, request in begun.items():
            standing = [r.plan.service for r in ours.values() if r.whole.hash == plan]
            mixed = any(
                (plan, each.resource) in apart or not self._reached(each)
                for each in request.whole.services
            )
            yield Left(request.action, tuple(sorted(standing)), mixed=bool(standing) and mixed)

    def _reached(self, plan: ServicePlan) -> bool:
        """Whether the service came to what was planned, through us or through anybody."""
        return any(
            change.resource == plan.resource
            and change.generation == plan.generation + 1
            and same_split(change.traffic, plan.after)
            for change in self.took_effect
        )

    def _allowed(self, action: Action, order: TrafficOrder) -> bool:
        asked = self._record.instructions.values()
        if order.drill:
            due = self.scheduled.get(order.drill)
            return bool(due and due.apply) or any(
                self._may_drill(each) for each in asked if drill_id(each.id) == order.drill
            )
        return order.plan.hash in self.releases.by_plan

    def _may_drill(self, asked: Instruction) -> bool:
        person = self._policy.person_by_slack(asked.person)
        allowed = person is not None and self._policy.may_approve(asked.stack, person, asked.at)
        return asked.choice is Choice.DRILL and APPLY in asked.text.split() and allowed
