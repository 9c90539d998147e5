"""Asking the metrics whether a rollback helped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.domain.action import Measured, MeasureOrder
from shared.domain.errors import Refused, Transient
from shared.domain.metrics import Measurement, MetricQuery
from shared.ports import Lease, Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What each query of an order says. Reads only."""

    metrics: Metrics

    def __call__(self, lease: Lease) -> Measured:
        """Perform a `measure` action.

        A source that is away, or says no, is an answer too: that nothing is known. It is asked
        again in a minute, and the window for the proof does not grow by trying.
        """
        order = lease.action.order
        assert isinstance(order, MeasureOrder)
        return Measured(tuple(self._ask(query, order.at) for query in order.queries))

    def _ask(self, query: MetricQuery, at: datetime) -> Measurement:
        try:
            return Measurement.of(self.metrics.value(query, at))
        except (Transient, Refused) as error:
            return Measurement(missing=str(error))
