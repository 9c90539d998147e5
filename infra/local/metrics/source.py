"""The samples as a source shows them: up to now, up to when it stopped, or not at all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from infra.local.cloud_run import SimulatedService
from infra.local.metrics.evaluate import Evaluation
from infra.local.metrics.samples import Samples


class State(StrEnum):
    """How the source is."""

    UP = "up"
    STOPPED = "stopped"  # answers, and has taken no sample since
    AWAY = "away"
    REFUSING = "refusing"


class Source:
    """Samples with a clock and a state that scenarios and tests may change. Thread-safe."""

    def __init__(
        self, samples: Samples, services: Sequence[SimulatedService], clock: Callable[[], float]
    ) -> None:
        self.samples = samples
        self.clock = clock
        self._services = {service.name: service for service in services}
        self._lock = threading.Lock()
        self._state = State.UP
        self._stopped_at: float | None = None

    @property
    def state(self) -> State:
        """How the source is now."""
        with self._lock:
            return self._state

    def become(self, state: State) -> None:
        """Be like this from now on."""
        with self._lock:
            self._state = state
            self._stopped_at = self.clock() if state is State.STOPPED else None

    def until(self, at: float) -> float:
        """Up to when there are samples, asked at this instant."""
        with self._lock:
            return at if self._stopped_at is None else min(at, self._stopped_at)

    def evaluation(self, at: float) -> Evaluation:
        """How expressions are evaluated at this instant."""
        return Evaluation(self.samples, at, self.until(at), self.place)

    def place(self, service: str) -> Mapping[str, str]:
        """The labels that every series of the service's requests has."""
        found = self._services.get(service)
        where = {"project_id": found.project, "location": found.region} if found else {}
        return {"monitored_resource": "cloud_run_revision", **where}
