"""The simulated Cloud Run as a whole: put together, started and stopped."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

from infra.local.cloud_run import controls, front
from infra.local.cloud_run.control_plane import ControlPlane, Settings
from infra.local.cloud_run.fleet import Fleet
from infra.local.cloud_run.model import SimulatedService
from infra.local.cloud_run.rpc import CloudRunApi
from infra.local.cloud_run.rpc_server import RpcServer
from infra.local.cloud_run.scheduler import Scheduler
from infra.local.cloud_run.store import StateStore
from infra.local.cloud_run.web import answer_error

Application = Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]


class SimulatedCloudRun:
    """Cloud Run on one machine, its state in ``data/cloud_run.sqlite3``.

    What was answered survives ``kill -9``; an operation that was under way is finished when it
    is due, or at the next start when that is past. ``base_url`` is where ``wsgi`` is mounted;
    ``operation_seconds`` is how long an operation takes; ``chooser`` decides which revision a
    request goes to. Short service names must be unique.
    """

    def __init__(
        self,
        data: Path,
        base_url: str,
        services: Sequence[SimulatedService],
        operation_seconds: float = 0.6,
        *,
        clock: Callable[[], float] = time.time,
        chooser: random.Random | None = None,
    ) -> None:
        names = [service.name for service in services]
        if len(set(names)) < len(names):
            raise ValueError(f"service names must be unique: {', '.join(names)}")
        self._path = data / "cloud_run.sqlite3"
        self._services = services
        self._settings = Settings(base_url.rstrip("/"), operation_seconds, clock)
        self._chooser = chooser or random.Random()
        self._running = ExitStack()
        self._rpc: RpcServer | None = None
        self._controls: Application | None = None
        self._front: Application | None = None

    @property
    def grpc_address(self) -> str:
        """``127.0.0.1:PORT`` of the gRPC API.

        Raises:
            RuntimeError: The simulation is not started.
        """
        if self._rpc is None:
            raise RuntimeError("the simulated Cloud Run is not started")
        return self._rpc.address

    def start(self) -> None:
        """Read the state, finish what is overdue, and serve."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        store = StateStore(self._path)
        self._running.callback(store.close)
        plane = ControlPlane(store, self._settings)
        plane.found(self._services)
        fleet = Fleet()
        self._running.callback(fleet.stop)
        scheduler = Scheduler(plane)
        scheduler.start()
        self._rpc = RpcServer(CloudRunApi(plane, scheduler, self._settings.base_url))
        self._running.callback(self._rpc.stop)
        self._running.callback(scheduler.stop)
        self._controls = controls.Controls(plane, self._settings.base_url)
        self._front = front.FrontDoor(plane.catalog, fleet, self._chooser)

    def stop(self) -> None:
        """Stop serving; what is under way goes on at the next start."""
        self._rpc = self._controls = self._front = None
        self._running.close()

    def wsgi(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """A WSGI application for the paths under ``/sim/run/`` and ``/sim/front/``."""
        path = environ["PATH_INFO"]
        application = self._controls if path.startswith(controls.PREFIX) else self._front
        if application is None:
            text = "the simulated Cloud Run is not started"
            return answer_error(start_response, HTTPStatus.SERVICE_UNAVAILABLE, text)
        if not path.startswith((controls.PREFIX, front.PREFIX)):
            return answer_error(start_response, HTTPStatus.NOT_FOUND, f"nothing at {path}")
        return application(environ, start_response)
