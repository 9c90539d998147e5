"""The simulated source as a whole: put together, and closed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from wsgiref.types import WSGIApplication

from infra.local.cloud_run import SimulatedService
from infra.local.metrics.front import CountedFront
from infra.local.metrics.samples import Samples
from infra.local.metrics.source import Source
from infra.local.metrics.web import MetricsWeb


class SimulatedMetrics:
    """A source of metrics about the simulated Cloud Run, its samples in `data/metrics.sqlite3`.

    `wsgi` answers under `/sim/metrics/`; what is served through `counted(application)` is
    measured. A `MonitoringServer(metrics.source)` shows the same samples as Google would.
    """

    def __init__(
        self,
        data: Path,
        services: Sequence[SimulatedService],
        clock: Callable[[], float] = time.time,
    ) -> None:
        data.mkdir(parents=True, exist_ok=True)
        samples = Samples(data / "metrics.sqlite3")
        samples.forget(clock())
        self.source = Source(samples, services, clock)
        self.wsgi: WSGIApplication = MetricsWeb(self.source)

    def counted(self, application: WSGIApplication) -> WSGIApplication:
        """The application, with its answers at the front door measured."""
        return CountedFront(application, self.source)

    def close(self) -> None:
        """Close the file."""
        self.source.samples.close()
