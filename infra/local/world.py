"""The one-machine world: functions, bus and simulators in one process, on one port."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import IO

from infra.local.cloud_run import SimulatedCloudRun, SimulatedService
from infra.local.functions import function_apps
from infra.local.metrics import SimulatedMetrics
from infra.local.routes import Routes
from infra.local.server import serve
from infra.local.slack import SimulatedSlack, SlackPerson
from infra.local.snapshots import stock
from infra.local.ticker import Ticker
from shared import bootstrap
from shared.adapters.embedded_bus import EmbeddedBus, Route, everything
from shared.adapters.structured_log import configure
from shared.app.accept import COMMAND
from shared.config import CLOUD_RUN_ADDRESS, SNAPSHOTS, policy_path
from shared.domain.policy import Policy
from shared.policy import load

SIGNING_SECRET = "local-signing-secret"  # noqa: S105 - opens nothing but the simulated Slack
Accepts = Callable[[Mapping[str, str]], bool]

BOT_TOKEN = "xoxb-local"  # noqa: S105 - the same
FIRST_REVISIONS = ((10, "kpf"), (1, "8rs"))
"""As the first user's drill report has them: number and suffix."""


class AlreadyRunning(Exception):
    """Another process uses this data folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldOptions:
    """Where the world lives and how fast it moves. `port` 0 is not allowed: it is printed."""

    port: int
    data: Path
    operation: timedelta = timedelta(seconds=1.5)
    tick: timedelta = timedelta(seconds=1)


class World:
    """Everything of the one-machine world, put together. Use as a context manager."""

    def __init__(self, options: WorldOptions) -> None:
        self.options = options
        self.base_url = f"http://127.0.0.1:{options.port}"
        self.policy = load(policy_path(os.environ))
        self._running = ExitStack()

    def __enter__(self) -> World:
        try:
            self._start()
        except BaseException:
            self._running.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._running.close()

    def _start(self) -> None:
        data = self.options.data
        data.mkdir(parents=True, exist_ok=True)
        self._running.enter_context(_only_process(data))
        configure(self._running.enter_context((data / "switchman.log").open("a", buffering=1)))
        services = _services(self.policy)
        run = SimulatedCloudRun(
            data, self.base_url, services, self.options.operation.total_seconds()
        )
        run.start()
        self._running.callback(run.stop)
        address = data / CLOUD_RUN_ADDRESS
        address.write_text(run.grpc_address)
        self._running.callback(address.unlink, missing_ok=True)
        stock(data / SNAPSHOTS, self.policy)
        (data / SNAPSHOTS).mkdir(exist_ok=True)
        metrics = SimulatedMetrics(data, services)
        self._running.callback(metrics.close)
        slack = self._slack(data)
        os.environ.update(self._environment(run.grpc_address))
        application = bootstrap.application()
        application.sqlite.expire_leases()
        self._running.callback(application.store.close)
        bus = self._bus(application)
        simulators = {
            "/sim/slack": slack.wsgi,
            "/sim/metrics": metrics.wsgi,
            "/sim": metrics.counted(run.wsgi),
        }
        routes = Routes(function_apps(), simulators)
        self._running.enter_context(serve(routes, self.options.port, threads=32))
        self._running.callback(slack.stop)  # ends its long polls, so that the server can stop
        bus.start()
        self._running.callback(bus.stop)
        ticker = Ticker(f"{self.base_url}/tick", self.options.tick)
        ticker.start()
        self._running.callback(ticker.stop)

    def _environment(self, cloud_run: str) -> dict[str, str]:
        """The environment the functions find; what the user has set for `ingest` stays."""
        return {
            "SWITCHMAN_STORE": f"sqlite:///{(self.options.data / 'switchman.sqlite3').resolve()}",
            "SWITCHMAN_BUS": "embedded",
            "SWITCHMAN_INGEST_TOKEN": os.environ.get("SWITCHMAN_INGEST_TOKEN") or "local",
            "SWITCHMAN_CLOUD_RUN_ENDPOINT": cloud_run,
            "SWITCHMAN_SNAPSHOTS": str((self.options.data / SNAPSHOTS).resolve()),
            "SWITCHMAN_URL": self.base_url,
            "SWITCHMAN_PROMETHEUS": f"{self.base_url}/sim/metrics",
            "SWITCHMAN_PROMETHEUS_TOKEN": "",  # whatever the user has is for another source
            "SLACK_API_URL": f"{self.base_url}/sim/slack/api/",
            "SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "SLACK_BOT_TOKEN": BOT_TOKEN,
        }

    def _slack(self, data: Path) -> SimulatedSlack:
        titles = {
            person: team.name for team in self.policy.teams.values() for person in team.members
        }
        people = [
            SlackPerson(id=p.slack, handle=p.id, name=p.name, title=titles.get(p.id, ""))
            for p in self.policy.people.values()
            if p.slack
        ]
        return SimulatedSlack(
            data,
            self.base_url,
            f"{self.base_url}/slack",
            SIGNING_SECRET,
            BOT_TOKEN,
            people,
            [team.channel for team in self.policy.teams.values()],
        )

    def _bus(self, application: bootstrap.Application) -> EmbeddedBus:
        def for_command(attributes: Mapping[str, str]) -> bool:
            return attributes.get("kind") == COMMAND

        def route(topic: str, function: str, accepts: Accepts = everything) -> Route:
            return Route(
                topic=topic,
                url=f"{self.base_url}/{function}",
                subscription=f"{topic}-{function}",
                accepts=accepts,
            )

        routes = (
            route("events", "command", for_command),
            route("events", "respond"),
            route("pages", "act"),
            route("changes", "act"),
        )
        return EmbeddedBus(application.sqlite, routes, Random())


def _only_process(data: Path) -> IO[str]:
    """Hold the folder's lock; the kernel lets go of it however this process ends."""
    lock = (data / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise AlreadyRunning(
            f"another process uses {data}; stop it, or choose another --data"
        ) from None
    return lock


def _services(policy: Policy) -> list[SimulatedService]:
    """The policy's services, the first stack's with the revisions of the first drill report."""
    services = [service for stack in policy.stacks.values() for service in stack.services]
    found = []
    for index, service in enumerate(services):
        number, suffix = FIRST_REVISIONS[index % 2]
        found.append(
            SimulatedService(
                project=service.project,
                region=service.region,
                name=service.name,
                kind="dashboard" if "dashboard" in service.name else "backend",
                first_revision_suffix=suffix,
                first_revision_number=number,
            )
        )
    return found
