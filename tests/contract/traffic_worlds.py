"""The worlds of the traffic contract: the fake, and the real adapter before a simulated Cloud Run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final, Protocol

from shared.adapters.clock import SystemClock
from shared.adapters.cloud_run import CloudRunTraffic
from shared.domain.rollback import SecretReference, ServiceState, Split, TrafficTarget
from shared.ports import Clock, Traffic
from tests.contract.simulated_cloud_run import BACKEND, CloudRunUnderTest, pinned, running
from tests.fakes.clock import ManualClock
from tests.fakes.traffic import FakeTraffic, TrafficFault, ready_revision

LATEST: Final[Split] = (TrafficTarget(percent=100),)
PATIENCE: Final = timedelta(seconds=10)
_SIMULATED: Final = {
    TrafficFault.QUOTA: "resource_exhausted",
    TrafficFault.DENIED: "permission_denied",
    TrafficFault.ACT_AS_DENIED: "act_as_denied",
    TrafficFault.TIMEOUT: "deadline_exceeded",
    TrafficFault.REFUSE: "refuse_update",
    TrafficFault.CONFLICT: "etag_conflict",
    TrafficFault.TIMEOUT_AFTER_SUCCESS: "timeout_after_success",
    TrafficFault.LATE_LANDING: "late_landing",
    TrafficFault.OPERATION_ERROR: "operation_error",
    TrafficFault.SLOW_OPERATION: "slow_operation",
}


class World(Protocol):
    """A backend with an old and a new revision, LATEST serving the new one."""

    @property
    def traffic(self) -> Traffic: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def old(self) -> str: ...
    @property
    def new(self) -> str: ...

    def order(self, fault: TrafficFault, delay: timedelta) -> None:
        """Let the backend's next change meet this."""
        ...

    def change_by_hand(self, revision: str) -> None:
        """Another person pins all the traffic to the revision."""
        ...

    def deploy_with(self, labels: dict[str, str], secrets: dict[str, str]) -> str:
        """Deploy a good revision of these labels, and these secrets by variable or file."""
        ...

    def deploy_unready(self) -> str:
        """Deploy a revision whose image is missing, so that it never becomes ready."""
        ...

    def away(self) -> Traffic:
        """The same traffic while Cloud Run cannot be reached."""
        ...

    def changes(self) -> int:
        """How many requests to change the backend's traffic were accepted or refused, not tried."""
        ...


@dataclass(frozen=True, slots=True)
class FakeWorld:
    """The fake: its time passes only when somebody sleeps."""

    traffic: FakeTraffic
    clock: ManualClock
    old: str = "backend-00010-kpf"
    new: str = "backend-00011-new"

    def order(self, fault: TrafficFault, delay: timedelta) -> None:
        self.traffic.order(BACKEND, fault, delay)

    def change_by_hand(self, revision: str) -> None:
        self.traffic.change_by_hand(BACKEND, all_to(revision))

    def deploy_with(self, labels: dict[str, str], secrets: dict[str, str]) -> str:
        references = [secret.partition(":") for secret in secrets.values()]
        made = replace(
            ready_revision("backend-00012-lab", self.clock.now()),
            labels=labels,
            secrets=tuple(SecretReference(name=r[0], version=r[2]) for r in references),
        )
        self.traffic.deploy(BACKEND, made)
        return made.name

    def deploy_unready(self) -> str:
        made = ready_revision("backend-00012-bad", self.clock.now())
        why = "CONTAINER_MISSING: Image not found."
        self.traffic.deploy(BACKEND, replace(made, ready=False, why_not_ready=why))
        return made.name

    def away(self) -> Traffic:
        self.traffic.order(BACKEND, TrafficFault.AWAY)
        return self.traffic

    def changes(self) -> int:
        return sum(not mutation.dry_run for mutation in self.traffic.mutations())


@dataclass(frozen=True, slots=True)
class SimulatedWorld:
    """The real adapter: google-cloud-run's client before the simulated Cloud Run."""

    traffic: CloudRunTraffic
    clock: SystemClock
    simulated: CloudRunUnderTest
    unreachable: CloudRunTraffic
    old: str
    new: str

    def order(self, fault: TrafficFault, delay: timedelta) -> None:
        self.simulated.order_fault(_SIMULATED[fault], seconds=delay.total_seconds())

    def change_by_hand(self, revision: str) -> None:
        operation = self.simulated.update(pinned(revision), user="someone@else")
        self.simulated.wait(operation.name)

    def deploy_with(self, labels: dict[str, str], secrets: dict[str, str]) -> str:
        return self.simulated.deploy("good", labels=labels, secrets=secrets)

    def deploy_unready(self) -> str:
        return self.simulated.deploy("unready", flaw="CONTAINER_MISSING")

    def away(self) -> Traffic:
        return self.unreachable

    def changes(self) -> int:
        log = self.simulated.log()
        return sum(e["method"] == "UpdateService" and not e["validate_only"] for e in log)


def all_to(revision: str) -> Split:
    """Everything to one revision."""
    return (TrafficTarget(percent=100, revision=revision),)


def fake_world() -> FakeWorld:
    """The fake with its backend; a change takes a tenth of a second, as simulated."""
    clock = ManualClock()
    world = FakeWorld(FakeTraffic(clock, takes=timedelta(seconds=0.1)), clock)
    world.traffic.add(BACKEND, world.new, world.old)
    return world


@contextmanager
def simulated_world(data: Path) -> Iterator[SimulatedWorld]:
    """The real adapter, connected to a simulation that runs until the end."""
    clock = SystemClock()
    with running(data) as simulated:
        new = simulated.deploy("good")
        traffic = CloudRunTraffic(clock, endpoint=simulated.simulation.grpc_address)
        nowhere = CloudRunTraffic(clock, endpoint="127.0.0.1:1", timeout=timedelta(seconds=0.3))
        try:
            yield SimulatedWorld(traffic, clock, simulated, nowhere, "backend-00010-kpf", new)
        finally:
            traffic.close()
            nowhere.close()


def until(world: World, holds: Callable[[ServiceState], bool]) -> ServiceState:
    """The first state of the backend in which it holds; fails when that does not come."""
    end = world.clock.now() + PATIENCE
    while not holds(state := world.traffic.look(BACKEND)):
        assert world.clock.now() < end, f"it did not come to that: {state}"
        world.clock.sleep(timedelta(seconds=0.02))
    return state
