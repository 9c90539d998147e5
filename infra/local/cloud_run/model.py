"""What the simulated Cloud Run remembers: services, revisions, operations.

Times are seconds since the Unix epoch, to the microsecond. Everything here is immutable and can
be written as JSON by msgspec. ``template`` fields hold a serialised
``google.cloud.run.v2.RevisionTemplate``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

ServiceKind = Literal["backend", "dashboard"]


class Behaviour(StrEnum):
    """How a revision answers requests."""

    GOOD = "good"
    FAILING = "failing"
    SLOW = "slow"
    UNREADY = "unready"


class Readiness(StrEnum):
    """How far a revision has come."""

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"


class Flaw(StrEnum):
    """Why an unready revision is not ready, by Cloud Run's own names of its conditions' reasons."""

    HEALTH_CHECK = "HEALTH_CHECK_CONTAINER_ERROR"
    IMAGE_MISSING = "CONTAINER_MISSING"
    IMAGE_DENIED = "CONTAINER_PERMISSION_DENIED"
    ACCESS_DENIED = "SECRETS_ACCESS_CHECK_FAILED"


class Allocation(StrEnum):
    """``google.cloud.run.v2.TrafficTargetAllocationType`` by its own names."""

    UNSPECIFIED = "TRAFFIC_TARGET_ALLOCATION_TYPE_UNSPECIFIED"
    LATEST = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    REVISION = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"


@dataclass(frozen=True, slots=True)
class Target:
    """One entry of a service's traffic.

    As asked, a ``LATEST`` entry has no revision. As observed, it has the revision it went to.
    """

    type: Allocation
    revision: str = ""
    percent: int = 0
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an operation ended in an error: a ``google.rpc.Code`` number and a message."""

    code: int
    message: str


@dataclass(frozen=True, slots=True)
class SimulatedService:
    """A service as it stands when the world is made: one good revision with all the traffic.

    The first revision is called ``NAME-NUMBER-SUFFIX`` with a number of five digits; the next
    one has the next number. Without a ``service_account`` it has one of its own name.
    """

    project: str
    region: str
    name: str
    kind: ServiceKind
    first_revision_suffix: str
    first_revision_number: int = 1
    image: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    service_account: str = ""


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision: what was deployed, when, and how it behaves; ``flaw`` counts when it failed."""

    name: str
    service: str
    number: int
    uid: str
    behaviour: Behaviour
    readiness: Readiness
    template: bytes
    creator: str
    created_at: float
    transitioned_at: float
    flaw: Flaw = Flaw.HEALTH_CHECK


@dataclass(frozen=True, slots=True)
class Service:
    """One service: what was asked of it (``traffic``) and what it does (``observed``).

    ``failure`` says why reconciling the present generation failed; None while it goes on and
    when it succeeded.
    """

    project: str
    region: str
    name: str
    kind: ServiceKind
    uid: str
    generation: int
    observed_generation: int
    labels: dict[str, str]
    template: bytes
    traffic: tuple[Target, ...]
    observed: tuple[Target, ...]
    latest_ready: str
    latest_created: str
    last_number: int
    creator: str
    last_modifier: str
    created_at: float
    updated_at: float
    transitioned_at: float
    failure: str | None = None

    @property
    def full_name(self) -> str:
        """The resource name, ``projects/P/locations/L/services/S``."""
        return f"projects/{self.project}/locations/{self.region}/services/{self.name}"

    @property
    def reconciling(self) -> bool:
        """Whether Cloud Run still works towards what was asked."""
        return self.failure is None and self.observed_generation < self.generation


@dataclass(frozen=True, slots=True)
class Operation:
    """A long-running operation: brings one generation of a service about at ``due_at``.

    ``planned`` is the problem it will end in by order of a fault, ``error`` the one it ended in.
    ``metadata`` and ``response`` are serialised ``google.cloud.run.v2.Service`` messages.
    """

    name: str
    service: str
    generation: int
    traffic: tuple[Target, ...]
    revision: str
    created_at: float
    due_at: float
    metadata: bytes
    planned: Problem | None = None
    done: bool = False
    error: Problem | None = None
    response: bytes = b""


@dataclass(frozen=True, slots=True)
class UpdateCall:
    """An UpdateService request, as far as this simulation reads it."""

    project: str
    region: str
    service: str
    etag: str
    update_mask: tuple[str, ...]
    traffic: tuple[Target, ...]
    labels: dict[str, str]
    template: bytes
    validate_only: bool
    modifier: str


@dataclass(frozen=True, slots=True)
class Landing:
    """A change that was answered with a time-out and happens only at ``due_at``."""

    call: UpdateCall
    due_at: float


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One mutating call: what came, what came of it, and the traffic asked before and after."""

    at: float
    service: str
    method: str
    validate_only: bool
    outcome: str
    update_mask: tuple[str, ...]
    traffic_before: tuple[Target, ...]
    traffic_after: tuple[Target, ...]
    modifier: str
