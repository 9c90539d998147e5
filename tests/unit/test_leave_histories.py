"""Nothing moves without leave, whatever is deployed, changed by hand, approved or let expire.

The machine below has real plans made of a Cloud Run in memory and hands them to `decide`. For
every change of traffic that is decided it asks its own books who approved that very plan, and
when; and where nobody did, whether the policy's rule allowed it at that moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shared.app.plan import MakePlan
from shared.domain.action import Action, ActionKind, PlanOrder, TrafficOrder
from shared.domain.alert import AlertRow, AlertStatus
from shared.domain.event import TimerKind
from shared.domain.incident import Incident
from shared.domain.ledger import Circumstances, Look, learn
from shared.domain.paging import Choice
from shared.domain.policy import AutomaticRules, OnPartial
from shared.domain.rollback import (
    MoveResult,
    Position,
    ServiceOutcome,
    ServicePlan,
    position,
)
from shared.domain.severity import Severity
from tests.builders import (
    BACKEND,
    FRONTEND,
    MINUTE,
    NOON,
    SECOND,
    alert,
    all_to,
    outcome,
    resource,
)
from tests.fakes.clock import ManualClock
from tests.fakes.health import Answer, FakeHealth
from tests.fakes.traffic import FakeTraffic
from tests.leave import AUTOMATIC, DEPLOYER, LEDGER, MAY_APPROVE, PERSON, Books, three_approvers

BOTH = (BACKEND, FRONTEND)
SERVICES = st.sampled_from(BOTH)
PEOPLE = st.sampled_from([*MAY_APPROVE, "U0WES", "U0STRANGER"])
PAUSES = st.sampled_from([SECOND, SECOND, MINUTE, 3 * MINUTE, 40 * MINUTE])
USUALLY = st.sampled_from([True, True, True, False])
LANES = st.sampled_from(["infra", "infra", "data"])


def one_by_one(call: Callable[[Any], Any], items: Sequence[Any], /) -> tuple[Any, ...]:
    """`Parallel` without threads."""
    return tuple(map(call, items))


class Leave(RuleBasedStateMachine):
    """What may happen to a shop's traffic."""

    counted: Counter[str]

    @initialize(
        approvals=st.integers(1, 2),
        automatic=st.sampled_from([None, AUTOMATIC, AUTOMATIC]),
        on_partial=st.sampled_from(list(OnPartial)),
        further=st.booleans(),
        calm=USUALLY,
    )
    def it_begins(
        self,
        approvals: int,
        automatic: AutomaticRules | None,
        on_partial: OnPartial,
        further: bool,
        calm: bool,
    ) -> None:
        rules = three_approvers(
            approvals=approvals,
            automatic=automatic,
            on_partial=on_partial,
            further_candidate=further,
        )
        self.story = Books(rules, self.counted)
        self.clock = ManualClock(NOON)
        self.traffic = FakeTraffic(self.clock)
        self.deploys = 0
        for service in BOTH:
            self.traffic.add(resource(service), f"{service}-old", f"{service}-older")
        for _ in range(2 if calm else 0):
            self._nothing_happens(4)
            for service in BOTH:
                self.somebody_deploys(service, seen=True)
        self._nothing_happens(4 if calm else 1)

    def _nothing_happens(self, minutes: int) -> None:
        for _ in range(minutes):
            self.time_passes(MINUTE)
            self.somebody_looks()

    @rule(pause=PAUSES)
    def time_passes(self, pause: timedelta) -> None:
        self.clock.advance(pause)
        self.story.now = self.clock.now()

    @rule()
    def somebody_looks(self) -> None:
        """What the tick does each minute."""
        for service in BOTH:
            state = self.traffic.look(resource(service))
            revisions = self.traffic.revisions(resource(service))
            digests = {revision.name: revision.digest for revision in revisions}
            look = Look(
                service=service, state=state, digests=digests, requests=dict.fromkeys(digests, 9)
            )
            critical = bool(self.story.stack.open_incidents())
            around = Circumstances(critical=critical, ours=(), now=self.story.now)
            record = learn(self.story.stack.record(service), look, LEDGER, around).record
            self.story.stack = self.story.stack.with_record(record)

    @rule(service=SERVICES, seen=USUALLY)
    def somebody_deploys(self, service: str, seen: bool) -> None:
        self.deploys += 1
        self.clock.advance(SECOND)
        self.traffic.deploy(resource(service), f"{service}-{self.deploys}")
        self.story.now = self.clock.now()
        if seen:
            self.somebody_looks()

    @rule(service=SERVICES, index=st.integers(0, 5), who=st.sampled_from([PERSON, DEPLOYER]))
    def somebody_changes_traffic(self, service: str, index: int, who: str) -> None:
        revisions = self.traffic.revisions(resource(service))
        chosen = revisions[index % len(revisions)].name
        self.traffic.change_by_hand(resource(service), all_to(chosen), who)

    @rule(name=st.sampled_from("ABC"), lane=LANES, severity=st.sampled_from(list(Severity)[:3]))
    def an_alert_fires(self, name: str, lane: str, severity: Severity) -> None:
        self.story.reports(alert(name, lane=lane, severity=severity, starts_at=self.story.now))

    @rule(
        service=SERVICES,
        who=st.sampled_from([DEPLOYER, DEPLOYER, PERSON]),
        late=st.sampled_from([timedelta(), timedelta(), timedelta(hours=3)]),
        lane=LANES,
        severity=st.sampled_from([Severity.SEV1, Severity.SEV1, Severity.SEV3]),
    )
    def a_deploy_goes_wrong(
        self, service: str, who: str, late: timedelta, lane: str, severity: Severity
    ) -> None:
        """Whoever gave the newest revision all traffic; it is planned before anything else."""
        self.somebody_deploys(service, seen=False)
        newest = self.traffic.revisions(resource(service))[0].name
        self.traffic.change_by_hand(resource(service), all_to(newest), who)
        self.somebody_looks()
        self.time_passes(late)
        self.somebody_looks()
        self.an_alert_fires(f"{self.deploys}", lane, severity)
        if self.waiting(ActionKind.PLAN):
            self.a_plan_is_made()

    @precondition(lambda self: self.owner() is not None)
    @rule(refused=st.sampled_from(["", FRONTEND]))
    def all_goes_its_way(self, refused: str) -> None:
        """What waits is planned, approved and carried out without anything in between."""
        if self.waiting(ActionKind.PLAN):
            self.a_plan_is_made()
        if self.owner() is not None:
            self.everybody_approves()
        if self.waiting(ActionKind.APPLY):
            self.a_change_ends(refused, healthy=False)

    @rule(service=SERVICES, pause=PAUSES)
    def one_deploy_after_the_other_goes_wrong(self, service: str, pause: timedelta) -> None:
        for lane in ("infra", "data"):
            self.a_deploy_goes_wrong(service, DEPLOYER, timedelta(), lane, Severity.SEV1)
            if self.waiting(ActionKind.APPLY):
                self.it_helps_and_all_is_well()
            self.time_passes(pause)

    @precondition(lambda self: self.firing())
    @rule()
    def the_alerts_end(self) -> None:
        for row in self.firing():
            ended = alert(row.title, lane=row.lane, starts_at=row.starts_at)
            self.story.reports(replace(ended, status=AlertStatus.RESOLVED))

    def firing(self) -> list[AlertRow]:
        """The alerts that fire."""
        rows = self.story.alerts.values()
        return [row for row in rows if row.status is AlertStatus.FIRING]

    @rule(who=PEOPLE, lane=LANES, declares=st.booleans())
    def somebody_asks(self, who: str, lane: str, declares: bool) -> None:
        choice = Choice.DECLARE if declares else Choice.ROLLBACK
        self.story.asks(who, choice, "it burns", lane=lane, severity=Severity.SEV1)

    @precondition(lambda self: self.waiting(ActionKind.PLAN))
    @rule()
    def a_plan_is_made(self) -> None:
        action = self.waiting(ActionKind.PLAN)[-1]
        assert isinstance(action.order, PlanOrder)
        make = MakePlan(
            policy=self.story.policy,
            traffic=self.traffic,
            health=FakeHealth(lambda _: Answer()),
            clock=self.clock,
            in_parallel=one_by_one,
        )
        self.story.finishes(action, make.for_stack("shop", action.order))

    @precondition(lambda self: self.owner() is not None)
    @rule(who=PEOPLE, choice=st.sampled_from([*[Choice.APPROVE] * 5, Choice.REJECT]), new=USUALLY)
    def somebody_decides(self, who: str, choice: Choice, new: bool) -> None:
        incident = self.owner()
        assert incident is not None
        assert incident.rollback is not None
        plan = incident.rollback.plan
        shown = plan.hash if plan and new else "an-older-plan"
        self.story.instructs(who, choice, incident=incident.id, plan=shown)

    @precondition(lambda self: self.owner() is not None)
    @rule()
    def everybody_approves(self) -> None:
        for who in MAY_APPROVE:
            if self.owner() is not None:
                self.somebody_decides(who, Choice.APPROVE, new=True)

    @precondition(lambda self: self.owner() is not None)
    @rule(first=PEOPLE, then=PEOPLE)
    def a_plan_expires_between_two_approvals(self, first: str, then: str) -> None:
        self.somebody_decides(first, Choice.APPROVE, new=True)
        self.time_passes(31 * MINUTE)
        for timer in list(self.story.timers.values()):
            if timer.kind is TimerKind.PLAN_EXPIRES and timer.due <= self.story.now:
                self.story.take(self.story.due(timer))
        if self.waiting(ActionKind.PLAN):
            self.a_plan_is_made()
        if self.owner() is not None:
            self.somebody_decides(then, Choice.APPROVE, new=True)

    @precondition(lambda self: self.owner() is not None)
    @rule(who=PEOPLE)
    def somebody_presses_twice(self, who: str) -> None:
        for _ in range(2):
            if self.owner() is not None:
                self.somebody_decides(who, Choice.APPROVE, new=True)

    @precondition(lambda self: self.waiting(ActionKind.APPLY))
    @rule()
    def it_helps_and_all_is_well(self) -> None:
        self.a_change_ends("", healthy=True)
        self.the_alerts_end()
        self._nothing_happens(4)

    def owner(self) -> Incident | None:
        """The incident whose rollback is under way, or waits for people."""
        return self.story.stack.rollback_owner()

    @precondition(lambda self: self.waiting(ActionKind.APPLY, ActionKind.RESTORE))
    @rule(refused=st.sampled_from(["", "", FRONTEND]), healthy=st.booleans())
    def a_change_ends(self, refused: str, healthy: bool) -> None:
        """As Cloud Run would have it: a service that was changed meanwhile is left alone."""
        action = self.waiting(ActionKind.APPLY, ActionKind.RESTORE)[-1]
        assert isinstance(action.order, TrafficOrder)
        undo = action.kind is ActionKind.RESTORE
        plans = [
            plan.reversed() if undo else plan
            for plan in action.order.plan.services
            if not action.order.only or plan.service in action.order.only
        ]
        ends = tuple(self._sent(plan, refused if not undo else "") for plan in plans)
        shape = outcome(MoveResult.MOVED, started_at=self.story.now, healthy_after=SECOND)
        at = shape.healthy_at if healthy else None
        self.story.finishes(action, replace(shape, services=ends, healthy_at=at))

    def _sent(self, plan: ServicePlan, refused: str) -> ServiceOutcome:
        state = self.traffic.look(plan.resource)
        if position(plan, state) is not Position.BEFORE:
            result = MoveResult.FOREIGN
        elif plan.service == refused:
            result = MoveResult.REFUSED
        else:
            result = MoveResult.MOVED
            self.traffic.send(plan.resource, plan.after, state.etag)
        (end,) = outcome(result).services
        return replace(end, service=plan.service, traffic=plan.after)

    def waiting(self, *kinds: ActionKind) -> list[Action]:
        """Actions of these kinds that have not ended yet."""
        return [
            action
            for action in self.story.actions
            if action.kind in kinds and action.id not in self.story.ended
        ]

    @precondition(lambda self: self.story.timers)
    @rule()
    def the_next_timer_rings(self) -> None:
        timer = min(self.story.timers.values(), key=lambda timer: (timer.due, timer.id))
        self.clock.advance(max(timer.due - self.clock.now(), timedelta()))
        self.story.now = self.clock.now()
        self.story.take(self.story.due(timer))


WAYS = {"approved by 1", "approved by 2", "by itself", "put back"}


@pytest.mark.slow
def test_no_traffic_moves_without_leave() -> None:
    """Enough live approvals of that very plan, or the policy's rule at that very moment."""
    counted: Counter[str] = Counter()

    class Counting(Leave):
        """The machine, counting for this test in how many ways traffic came to move."""

    Counting.counted = counted
    run_state_machine_as_test(
        Counting, settings=settings(max_examples=300, stateful_step_count=50, deadline=None)
    )
    assert counted.keys() == WAYS, "some way of moving traffic was never come by"
