"""Metrics in memory."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from enum import Enum

from shared.domain.errors import Refused, Transient
from shared.domain.metrics import MetricQuery, Missing, Reading, combined


class MetricsFault(Enum):
    """How the source is, until it is `None` again."""

    AWAY = "it cannot be asked"
    REFUSING = "it says no"


class FakeMetrics:
    """Samples by expression and series, and requests by revision. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fault: MetricsFault | None = None
        self._samples: dict[str, dict[str, list[Reading]]] = {}
        self._requests: dict[tuple[str, str], list[tuple[datetime, int]]] = {}

    def become(self, fault: MetricsFault | None) -> None:
        """Be like this from now on."""
        with self._lock:
            self._fault = fault

    def sample(self, expression: str, value: float, at: datetime, series: str = "") -> None:
        """A sample of one of the expression's series."""
        with self._lock:
            by_series = self._samples.setdefault(expression, {})
            by_series.setdefault(series, []).append(Reading(value, at))

    def serve(self, resource: str, revision: str, count: int, at: datetime) -> None:
        """The revision answers so many requests."""
        with self._lock:
            self._requests.setdefault((resource, revision), []).append((at, count))

    def value(self, query: MetricQuery, at: datetime) -> Reading | Missing:
        """The newest sample of each series within the query's window, the worst of them."""
        with self._lock:
            self._meet_fault()
            newest = [
                max(known, key=lambda sample: sample.at)
                for samples in self._samples.get(query.expression, {}).values()
                if (known := [each for each in samples if at - query.window < each.at <= at])
            ]
        return combined(newest, query.budget)

    def requests(self, resource: str, revision: str, window: timedelta, at: datetime) -> int | None:
        """The requests in the window; None when there were none, as Cloud Monitoring has it."""
        with self._lock:
            self._meet_fault()
            served = self._requests.get((resource, revision), [])
            return sum(count for when, count in served if at - window < when <= at) or None

    def _meet_fault(self) -> None:
        if self._fault is MetricsFault.AWAY:
            raise Transient("the source cannot be asked")
        if self._fault is MetricsFault.REFUSING:
            raise Refused("the source says no: check its token")
