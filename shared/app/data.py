"""Data rollbacks: verify a snapshot, export what is there, import it at most once, and check."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from shared.app.parallel import Parallel, in_threads
from shared.app.recovery import WatchHealth
from shared.domain.action import Action, DataOrder, DataWish
from shared.domain.data_rollback import DataOutcome, DataPlan, DataResult
from shared.domain.errors import Refused, Transient, UnknownOutcome
from shared.domain.lease import SKEW
from shared.domain.plan_words import checks_in_words
from shared.domain.policy import Policy
from shared.domain.rollback import NoPlan
from shared.domain.snapshots import (
    Operation,
    OperationState,
    Weighed,
    choose,
    mismatch,
    weigh,
)
from shared.ports import Clock, Health, Lease, Outbox, Snapshots, Traffic

FINISH_WITHIN: Final = timedelta(minutes=4)
"""How long an export or import is waited for."""

LANDS_WITHIN: Final = timedelta(seconds=90)
"""A request's own deadline of 30 s and 60 s more, in which what was sent may still show."""

TRIES: Final = 3
PAUSE: Final = timedelta(milliseconds=500)
_RAN_OUT: Final = "the approval ran out before it could begin"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeData:
    """A plan to go back to a snapshot that was verified just now, or why there is none."""

    policy: Policy
    snapshots: Snapshots
    clock: Clock

    def __call__(self, lease: Lease) -> DataPlan | NoPlan:
        """Perform a `verify_snapshot` action."""
        order = lease.action.order
        assert isinstance(order, DataWish)
        plan = self.for_stack(lease.action.stack, order)
        return replace(plan, made_by=lease.action.id) if isinstance(plan, DataPlan) else plan

    def for_stack(self, stack: str, wish: DataWish) -> DataPlan | NoPlan:
        """Changes nothing. Raises `Transient` when the snapshots cannot be read now."""
        rules = self.policy.stack(stack)
        if rules.data is None:
            return NoPlan(reason=f"the policy names no snapshots of {stack}")
        try:
            chosen = choose(self.weighed(stack), wish.snapshot)
            if isinstance(chosen, NoPlan):
                return chosen
            wrong = mismatch(chosen, self.snapshots.verify(stack, chosen.id))
        except Refused as refused:
            return NoPlan(reason=str(refused))
        now = self.clock.now()
        if wrong:
            return NoPlan(reason=wrong)
        return DataPlan(
            stack=stack,
            source=rules.data.source,
            snapshot=chosen,
            verified_at=now,
            made_at=now,
            expires_at=now + min(rules.rollback.approval_valid, rules.data.verified_within),
            asked_by=wish.asked_by,
            reason=wish.reason,
            checks=checks_in_words(rules.services),
            notes=wish.notes,
        )

    def weighed(self, stack: str) -> tuple[Weighed, ...]:
        """Every snapshot, with why it qualifies or not. Raises `Refused` and `Transient`."""
        rules = self.policy.stack(stack).data
        if rules is None:
            return ()
        return weigh(self.snapshots.shelf(stack), rules, self.clock.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportData:
    """Makes the snapshot of the present state, once for each plan, and verifies it."""

    snapshots: Snapshots
    clock: Clock

    def __call__(self, lease: Lease) -> DataOutcome:
        """Perform an `export_data` action. Tried again, it goes on with what was begun."""
        order = lease.action.order
        assert isinstance(order, DataOrder)
        stack, key = order.plan.stack, order.plan.export_key
        if too_late(lease.action, self.clock):
            return _refused(_RAN_OUT)
        self.snapshots.export(stack, key)
        found = followed(lambda: self.snapshots.look_up(stack, key), self.clock)
        if found is None or found.state is not OperationState.DONE or found.snapshot is None:
            return _refused(found.detail if found else "the export does not show")
        wrong = mismatch(found.snapshot, self.snapshots.verify(stack, found.snapshot.id))
        if wrong:
            return _refused(wrong)
        return DataOutcome(result=DataResult.DONE, detail="exported", export=found.snapshot)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportData:
    """Replaces a stack's data, at most once for each plan; in doubt it does not.

    Whoever takes over from a worker that died only looks: nobody knows what that one sent.
    """

    outbox: Outbox
    snapshots: Snapshots
    clock: Clock

    def __call__(self, lease: Lease) -> DataOutcome:
        """Perform an `import_data` action. Raises `Transient` only where nothing was sent."""
        order = lease.action.order
        assert isinstance(order, DataOrder)
        if order.export is None:
            return _refused("the present state was not exported")
        if lease.attempt > 1:
            return self._seen(order, "the worker before this one ended in the middle of it")
        try:
            wrong = self._wrong(order)
        except (Refused, Transient) as error:
            return _refused(f"the snapshot could not be verified again: {error}")
        return _refused(wrong) if wrong else self._send(lease, order)

    def _wrong(self, order: DataOrder) -> str:
        """What is wrong with the snapshot, now that it is about to be imported."""
        plan = order.plan
        for _ in range(TRIES - 1):
            try:
                return mismatch(plan.snapshot, self.snapshots.verify(plan.stack, plan.snapshot.id))
            except Transient:
                self.clock.sleep(PAUSE)
        return mismatch(plan.snapshot, self.snapshots.verify(plan.stack, plan.snapshot.id))

    def _send(self, lease: Lease, order: DataOrder) -> DataOutcome:
        plan, why = order.plan, ""
        for _ in range(TRIES):
            asked_at = self.clock.now()
            left = self.outbox.left(lease)
            if not timedelta() <= self.clock.now() - asked_at < left:
                return self._seen(order, "the lease was lost, and another may have sent it")
            if too_late(lease.action, self.clock):
                return _refused(_RAN_OUT)
            try:
                self.snapshots.import_replace(plan.stack, plan.snapshot, plan.import_key)
                return self._seen(order, "the import was taken, and does not show")
            except Refused as refused:
                return _refused(str(refused))
            except UnknownOutcome as lost:
                return self._seen(order, str(lost))
            except Transient as away:  # nothing was begun
                why = str(away)
                self.clock.sleep(PAUSE)
        return _refused(f"the source did not take it: {why}")

    def _seen(self, order: DataOrder, doubt: str) -> DataOutcome:
        """What became of the import, as far as it shows; never sends anything."""
        stack, key = order.plan.stack, order.plan.import_key
        found = followed(lambda: self.snapshots.look_up(stack, key), self.clock)
        if found is None:
            return DataOutcome(result=DataResult.UNKNOWN, detail=doubt)
        ends = {
            OperationState.DONE: DataResult.DONE,
            OperationState.FAILED: DataResult.FAILED,
            OperationState.RUNNING: DataResult.UNKNOWN,
        }
        return DataOutcome(result=ends[found.state], detail=found.detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckData:
    """Health of the services on their real addresses, and the data against the snapshot."""

    policy: Policy
    snapshots: Snapshots
    traffic: Traffic
    health: Health
    clock: Clock
    in_parallel: Parallel = in_threads

    def __call__(self, lease: Lease) -> DataOutcome:
        """Perform a `check_data` action. Changes nothing."""
        order = lease.action.order
        assert isinstance(order, DataOrder)
        rules = self.policy.stack(order.plan.stack)
        checks = [(self.traffic.look(s.resource).uri, s.health) for s in rules.services]
        watch = WatchHealth(self.health, self.clock, self.in_parallel)
        found = watch(checks, rules.rollback)
        if found.healthy_at is None:
            return DataOutcome(result=DataResult.FAILED, detail=found.detail)
        smoke = self.snapshots.smoke(order.plan.stack, order.plan.snapshot)
        result = DataResult.DONE if smoke.ok else DataResult.FAILED
        return DataOutcome(result=result, detail=f"{found.detail}; {smoke.detail}")


def followed(look: Callable[[], Operation | None], clock: Clock) -> Operation | None:
    """The operation once it has ended, or as it was last seen; None if it never showed.

    What cannot be looked at just now is looked at again.
    """
    began, found = clock.now(), None
    while True:
        with suppress(Transient):
            found = look() or found
        patience = FINISH_WITHIN if found else LANDS_WITHIN
        if found and found.state is not OperationState.RUNNING:
            return found
        if clock.now() - began >= patience:
            return found
        clock.sleep(PAUSE)


def too_late(action: Action, clock: Clock) -> bool:
    """Whether the approval has run out, or nobody can tell because the clock was set back."""
    if action.not_after is None:
        return False
    return not action.decided_at - SKEW <= clock.now() <= action.not_after


def _refused(why: str) -> DataOutcome:
    return DataOutcome(result=DataResult.REFUSED, detail=why)
