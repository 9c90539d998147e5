"""What Cloud Monitoring's time series say.

Types: https://cloud.google.com/monitoring/api/ref_v3/rpc/google.monitoring.v3#timeseries and
https://cloud.google.com/monitoring/api/ref_v3/rpc/google.api#distribution.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shared.domain.errors import Refused
from shared.domain.metrics import Over, Reading

if TYPE_CHECKING:
    from google.cloud.monitoring_v3 import Point, TimeSeries


@dataclass(frozen=True, slots=True)
class _Point:
    """One point; `weight` is how many observations a distribution's mean stands for, else 1."""

    value: float
    weight: int
    at: datetime


def reading(series: TimeSeries, over: Over) -> Reading | None:
    """The series' points as one value, dated by the newest; None when there is no point.

    Raises:
        Refused: The points have no numbers, or may not be added up.
    """
    from google.api import metric_pb2

    points = [found for point in series.points if (found := _point(point)) is not None]
    if not points:
        return None
    newest = max(points, key=lambda point: point.at)
    if over is Over.NEWEST:
        return Reading(newest.value, newest.at)
    total = sum(point.value * point.weight for point in points)
    if over is Over.MEAN:
        return Reading(total / sum(point.weight for point in points), newest.at)
    if series.metric_kind != metric_pb2.MetricDescriptor.DELTA:
        raise Refused("only the points of a DELTA metric may be added up: ask for newest or mean")
    return Reading(total, newest.at)


def _point(point: Point) -> _Point | None:
    """The point as a number; None for a distribution of nothing, whose mean would be a false 0."""
    raw = type(point).pb(point)
    at = raw.interval.end_time.ToDatetime(UTC)
    kind = raw.value.WhichOneof("value")
    if kind == "distribution_value":
        distribution = point.value.distribution_value
        return _Point(distribution.mean, distribution.count, at) if distribution.count else None
    if kind not in ("bool_value", "int64_value", "double_value"):
        raise Refused(f"the points have a {kind or 'value of no type'}: a number is needed")
    return _Point(float(getattr(point.value, kind)), 1, at)
