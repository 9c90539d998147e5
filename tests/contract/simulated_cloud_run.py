"""A simulated Cloud Run for tests, with google-cloud-run's own clients connected to it."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from google.cloud import run_v2
from google.cloud.run_v2.services.revisions.transports import RevisionsGrpcTransport
from google.cloud.run_v2.services.services.transports import ServicesGrpcTransport
from google.longrunning import operations_pb2
from google.protobuf import duration_pb2, field_mask_pb2
from werkzeug.test import Client, TestResponse

from infra.local.cloud_run import SimulatedCloudRun, SimulatedService

BASE_URL = "http://127.0.0.1:8080"
PARENT = "projects/demo/locations/us-central1"
BACKEND = f"{PARENT}/services/backend"
DASHBOARD = f"{PARENT}/services/dashboard"
LATEST = run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST
REVISION = run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION
SERVICES = (
    SimulatedService("demo", "us-central1", "backend", "backend", "kpf", 10),
    SimulatedService("demo", "us-central1", "dashboard", "dashboard", "8rs", 1),
)


class CloudRunUnderTest:
    """A running simulation: its clients, its controls, its front door."""

    def __init__(self, simulation: SimulatedCloudRun, channel: grpc.Channel) -> None:
        self.simulation = simulation
        self.services = run_v2.ServicesClient(transport=ServicesGrpcTransport(channel=channel))
        self.revisions = run_v2.RevisionsClient(transport=RevisionsGrpcTransport(channel=channel))
        self.http = Client(simulation.wsgi)

    def service(self, name: str = BACKEND) -> run_v2.Service:
        """The service as the API shows it."""
        return self.services.get_service(name=name)

    def update(
        self,
        *targets: run_v2.TrafficTarget,
        name: str = BACKEND,
        etag: str = "",
        validate_only: bool = False,
        user: str = "",
    ) -> operations_pb2.Operation:
        """Ask for this traffic, and return the operation without waiting for it."""
        request = run_v2.UpdateServiceRequest(
            service=run_v2.Service(name=name, traffic=list(targets), etag=etag),
            update_mask=field_mask_pb2.FieldMask(paths=["traffic"]),
            validate_only=validate_only,
        )
        metadata = (("x-sim-user", user),) if user else ()
        started = self.services.update_service(request=request, metadata=metadata)
        return started.operation

    def replace(self, service: run_v2.Service) -> run_v2.Service:
        """Update the whole service, without a mask, and wait with the client's own future."""
        future: Any = self.services.update_service(service=service)
        answer: run_v2.Service = future.result(timeout=10)
        return answer

    def wait(self, operation: str, seconds: float = 10.0) -> operations_pb2.Operation:
        """WaitOperation; this version of the client returns its answer as bytes."""
        request = operations_pb2.WaitOperationRequest(
            name=operation, timeout=duration_pb2.Duration(nanos=round(seconds % 1 * 1e9))
        )
        request.timeout.seconds = int(seconds)
        raw: Any = self.services.wait_operation(request=request)
        return operations_pb2.Operation.FromString(raw)

    def deploy(self, behaviour: str = "good", service: str = "backend", **more: Any) -> str:
        """Deploy a revision, wait until that is over, and return its short name."""
        answer = self.post("deploy", service=service, behaviour=behaviour, **more)
        self.wait(answer["operation"])
        return str(answer["revision"])

    def order_fault(self, fault: str, **more: Any) -> None:
        """Order a fault for the backend's next updates."""
        self.post("faults", **{"service": "backend", "fault": fault, **more})

    def post(self, control: str, **body: Any) -> dict[str, Any]:
        """POST to a control of the simulation, which must accept it."""
        response = self.http.post(f"/sim/run/{control}", json=body)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = json.loads(response.text)
        return answer

    def shown(self, service: str = "backend") -> dict[str, Any]:
        """The service as ``GET /sim/run/services`` shows it."""
        listed: list[dict[str, Any]] = json.loads(self.http.get("/sim/run/services").text)
        return next(entry for entry in listed if entry["service"] == service)

    def log(self) -> list[dict[str, Any]]:
        """The mutating calls noted so far."""
        entries: list[dict[str, Any]] = json.loads(self.http.get("/sim/run/log").text)
        return entries


@contextmanager
def running(data: Path, operation_seconds: float = 0.1) -> Iterator[CloudRunUnderTest]:
    """A simulation over the state in ``data``, stopped at the end."""
    simulation = SimulatedCloudRun(
        data, BASE_URL, SERVICES, operation_seconds, chooser=random.Random(7)
    )
    simulation.start()
    try:
        with grpc.insecure_channel(simulation.grpc_address) as channel:
            yield CloudRunUnderTest(simulation, channel)
    finally:
        simulation.stop()


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until the condition holds; fail when it does not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


def error_in(response: TestResponse) -> str:
    """The message of a refused control."""
    return str(json.loads(response.text)["error"])


def nanoseconds(stamp: Any) -> int:
    """A time of the API, comparable."""
    return int(stamp.timestamp_pb().ToNanoseconds())


def latest(percent: int = 100, tag: str = "") -> run_v2.TrafficTarget:
    """A target that follows the latest ready revision."""
    return run_v2.TrafficTarget(type_=LATEST, percent=percent, tag=tag)


def pinned(revision: str, percent: int = 100, tag: str = "") -> run_v2.TrafficTarget:
    """A target pinned to a revision."""
    return run_v2.TrafficTarget(type_=REVISION, revision=revision, percent=percent, tag=tag)
