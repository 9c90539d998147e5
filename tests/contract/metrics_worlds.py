"""The worlds of the metrics contract: the fake, and both adapters before a simulated source."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, Protocol

from infra.local.metrics import SimulatedMetrics
from infra.local.metrics.monitoring_server import MonitoringServer
from infra.local.metrics.samples import Gauge
from infra.local.metrics.source import State
from infra.local.server import serve
from shared.adapters.clock import SystemClock
from shared.adapters.metrics.google_monitoring import GoogleMonitoring
from shared.adapters.metrics.prometheus import PrometheusMetrics
from shared.domain.metrics import Bound, Budget, MetricQuery
from shared.ports import Metrics
from tests.contract.simulated_cloud_run import BACKEND, SERVICES
from tests.fakes.clock import ManualClock
from tests.fakes.metrics import FakeMetrics, MetricsFault

LAG: Final = "projector_lag"
LOW: Final = Budget(Bound.BELOW, 10)
HIGH: Final = Budget(Bound.ABOVE, 10)


class World(Protocol):
    """A source that knows the projectors' lag and what the backend's revisions answered."""

    @property
    def metrics(self) -> Metrics: ...
    @property
    def clock(self) -> ManualClock: ...

    def query(self, budget: Budget = LOW) -> MetricQuery:
        """What the lag is."""
        ...

    def lag(self, value: float, shard: str = "a", ago: timedelta = timedelta()) -> None:
        """A sample of one projector's lag."""
        ...

    def answered(self, revision: str, count: int, ago: timedelta, status: int = 200) -> None:
        """The backend's revision answered so many requests."""
        ...

    def away(self) -> Metrics:
        """The same metrics while the source cannot be asked."""
        ...

    def refuse(self) -> None:
        """From now on the source turns us away."""
        ...


@dataclass(frozen=True, slots=True)
class FakeWorld:
    """The fake."""

    metrics: FakeMetrics
    clock: ManualClock

    def query(self, budget: Budget = LOW) -> MetricQuery:
        return MetricQuery(source="fake", expression=LAG, budget=budget)

    def lag(self, value: float, shard: str = "a", ago: timedelta = timedelta()) -> None:
        self.metrics.sample(LAG, value, self.clock.now() - ago, shard)

    def answered(self, revision: str, count: int, ago: timedelta, status: int = 200) -> None:
        self.metrics.serve(BACKEND, revision, count, self.clock.now() - ago)

    def away(self) -> Metrics:
        self.metrics.become(MetricsFault.AWAY)
        return self.metrics

    def refuse(self) -> None:
        self.metrics.become(MetricsFault.REFUSING)


@dataclass(frozen=True, slots=True)
class SimulatedWorld:
    """One of the adapters before the simulated source; its time is the test's."""

    metrics: Metrics
    nowhere: Metrics
    simulated: SimulatedMetrics
    clock: ManualClock
    expression: str

    def query(self, budget: Budget = LOW) -> MetricQuery:
        return MetricQuery(source="simulated", expression=self.expression, budget=budget)

    def lag(self, value: float, shard: str = "a", ago: timedelta = timedelta()) -> None:
        at = (self.clock.now() - ago).timestamp()
        self.simulated.source.samples.set_gauge(Gauge(LAG, {"shard": shard}, at, value))

    def answered(self, revision: str, count: int, ago: timedelta, status: int = 200) -> None:
        at = (self.clock.now() - ago).timestamp()
        self.simulated.source.samples.add_requests("backend", revision, status, at, count)

    def away(self) -> Metrics:
        return self.nowhere

    def refuse(self) -> None:
        self.simulated.source.become(State.REFUSING)


def fake_world() -> FakeWorld:
    """The fake."""
    return FakeWorld(FakeMetrics(), ManualClock())


@contextmanager
def prometheus_world(data: Path) -> Iterator[SimulatedWorld]:
    """The adapter for Prometheus before the simulated source over HTTP."""
    with _simulated(data) as (simulated, clock), serve(simulated.wsgi) as url:
        real, nowhere = (
            PrometheusMetrics(address, SystemClock())
            for address in (f"{url}/sim/metrics", "http://127.0.0.1:1")
        )
        with real, nowhere:
            yield SimulatedWorld(real, nowhere, simulated, clock, LAG)


@contextmanager
def google_world(data: Path) -> Iterator[SimulatedWorld]:
    """The adapter for Cloud Monitoring before the simulated source over gRPC."""
    with _simulated(data) as (simulated, clock), ExitStack() as running:
        server = MonitoringServer(simulated.source)
        running.callback(server.stop)
        real = GoogleMonitoring("demo", endpoint=server.address)
        running.callback(real.close)
        nowhere = GoogleMonitoring("demo", endpoint="127.0.0.1:1", timeout=timedelta(seconds=0.3))
        running.callback(nowhere.close)
        expression = f'metric.type = "custom.googleapis.com/{LAG}"'
        yield SimulatedWorld(real, nowhere, simulated, clock, expression)


@contextmanager
def _simulated(data: Path) -> Iterator[tuple[SimulatedMetrics, ManualClock]]:
    clock = ManualClock()
    simulated = SimulatedMetrics(data, SERVICES, lambda: clock.now().timestamp())
    try:
        yield simulated, clock
    finally:
        simulated.close()
