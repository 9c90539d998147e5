"""Changes to the simulated Cloud Run: accepted now, brought about by operations later."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from infra.local.cloud_run.catalog import Catalog, ServiceView
from infra.local.cloud_run.completion import finished
from infra.local.cloud_run.errors import CloudRunError
from infra.local.cloud_run.faults import (
    ApiMethod,
    Fault,
    FaultKind,
    operation_problem,
    refusal,
    timed_out,
)
from infra.local.cloud_run.journal import Outcome, entry_of_deploy, entry_of_update
from infra.local.cloud_run.model import (
    Landing,
    Operation,
    Service,
    SimulatedService,
    UpdateCall,
)
from infra.local.cloud_run.operations import already_done, opened, rendered
from infra.local.cloud_run.ordered_faults import OrderedFaults
from infra.local.cloud_run.store import StateStore
from infra.local.cloud_run.transitions import (
    Change,
    Deploy,
    deployed_to,
    founded,
    updated,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Where services answer, how long an operation takes, and the clock (Unix seconds)."""

    base_url: str
    operation_seconds: float
    clock: Callable[[], float]


class ControlPlane:
    """Accepts changes and finishes their operations when they are due.

    Each change is one transaction, durable before it is answered. ``changed`` is the one lock
    of the state, and is notified of every change to it.
    """

    def __init__(self, store: StateStore, settings: Settings) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.catalog = Catalog(store, self.changed)
        self._store = store
        self._settings = settings
        self._faults = OrderedFaults(store)

    def found(self, services: Sequence[SimulatedService]) -> None:
        """Make the services that do not exist yet; those that do stay as they are."""
        with self.changed, self._store.transaction():
            for wanted in services:
                if self._store.service(wanted.name) is None:
                    self._save(founded(wanted, self._settings.clock()))

    def update(self, call: UpdateCall) -> Operation:
        """Carry out an UpdateService call.

        Raises:
            CloudRunError: as the API refuses the call, or as an ordered fault has it.
        """
        with self.changed:
            with self._store.transaction():
                outcome = self._logged("UpdateService", call, self._accept)
            self.changed.notify_all()
        if isinstance(outcome, CloudRunError):
            raise outcome
        return outcome

    def deploy(self, deploy: Deploy) -> Operation:
        """Create a revision as a deploy does; the operation names it.

        Raises:
            CloudRunError: NOT_FOUND, or ALREADY_EXISTS for the revision's name.
        """
        with self.changed:
            with self._store.transaction():
                view, now = self.catalog.view(deploy.service), self._settings.clock()
                change = deployed_to(view.service, view.by_name, deploy, now)
                operation = self._start(change, None)
                self._store.add_log(entry_of_deploy(change.service, now))
            self.changed.notify_all()
        return operation

    def add_fault(self, fault: Fault) -> None:
        """Order a fault for a service.

        Raises:
            CloudRunError: NOT_FOUND when there is no such service.
        """
        with self.changed, self._store.transaction():
            self.catalog.view(fault.service)
            self._store.add_fault(fault)

    def meet(self, method: ApiMethod, service: Service) -> None:
        """Let a reading call about the service meet the fault that was ordered for it.

        Raises:
            CloudRunError: as the fault has it.
        """
        with self.changed:
            if not self._faults.waits_for(service.name, method):
                return
            with self._store.transaction():
                fault = self._faults.take(service.name, method)
        refused = refusal(fault, service) if fault else None
        if refused is not None:
            raise refused

    def clear_faults(self) -> None:
        """Cancel the faults that were ordered; what they did stays done."""
        with self.changed, self._store.transaction():
            self._store.clear_faults()

    def run_due(self) -> float | None:
        """Finish what is due by now; return the seconds until more is due, None when nothing is."""
        with self.changed:
            now = self._settings.clock()
            if (due := self._store.next_due()) is not None and due <= now:
                with self._store.transaction():
                    self._catch_up(now)
                self.changed.notify_all()
                due = self._store.next_due()
            return None if due is None else max(0.0, due - now)

    def _catch_up(self, now: float) -> None:
        for landing in self._store.take_landings(now):
            self._logged("LateLanding", landing.call, self._land)
        for operation in self._store.due_operations(now):
            self._finish(operation, now)

    def _logged(
        self, method: str, call: UpdateCall, act: Callable[[ServiceView, UpdateCall], Outcome]
    ) -> Outcome:
        view: ServiceView | None = None
        try:
            view = self.catalog.view_in(call.project, call.region, call.service)
            outcome = act(view, call)
        except CloudRunError as error:
            outcome = error
        before = view.service if view else None
        after = self._store.service(call.service) if view else None
        at = self._settings.clock()
        self._store.add_log(entry_of_update(method, call, outcome, before, after, at))
        return outcome

    def _accept(self, view: ServiceView, call: UpdateCall) -> Outcome:
        update = ApiMethod.UPDATE_SERVICE
        fault = self._faults.take(call.service, update, validate_only=call.validate_only)
        refused = refusal(fault, view.service) if fault else None
        if refused is not None:
            return refused
        now = self._settings.clock()
        change = updated(view.service, view.by_name, call, now)
        if fault is not None and fault.kind is FaultKind.LATE_LANDING:
            self._store.add_landing(Landing(call, due_at=now + fault.seconds))
            return timed_out()
        operation = self._carry_out(view, call, change, fault)
        late = fault is not None and fault.kind is FaultKind.TIMEOUT_AFTER_SUCCESS
        return timed_out() if late else operation

    def _land(self, view: ServiceView, call: UpdateCall) -> Operation:
        change = updated(view.service, view.by_name, call, self._settings.clock())
        return self._carry_out(view, call, change, None)

    def _carry_out(
        self, view: ServiceView, call: UpdateCall, change: Change, fault: Fault | None
    ) -> Operation:
        if not call.validate_only and change.service != view.service:
            return self._start(change, fault)
        settings = self._settings
        operation = already_done(view, change, settings.base_url, settings.clock())
        self._store.save_operation(operation)
        return operation

    def _start(self, change: Change, fault: Fault | None) -> Operation:
        self._save(change)
        slow = fault is not None and fault.kind is FaultKind.SLOW_OPERATION
        seconds = fault.seconds if fault and slow else self._settings.operation_seconds
        metadata = self._rendered(change.service.name)
        now, problem = self._settings.clock(), operation_problem(fault)
        operation = opened(change, metadata, now, seconds, problem)
        self._store.save_operation(operation)
        return operation

    def _finish(self, operation: Operation, now: float) -> None:
        view = self.catalog.view(operation.service)
        change, done = finished(view.service, operation, view.by_name, now)
        self._save(change)
        result = self._rendered(operation.service)
        response = b"" if done.error else result
        self._store.save_operation(replace(done, metadata=result, response=response))

    def _rendered(self, service: str) -> bytes:
        return rendered(self.catalog.view(service), self._settings.base_url)

    def _save(self, change: Change) -> None:
        self._store.save_service(change.service)
        if change.revision is not None:
            self._store.save_revision(change.revision)
