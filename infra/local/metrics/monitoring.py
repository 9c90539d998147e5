"""`MetricService.ListTimeSeries` of Cloud Monitoring over the source, without aggregation.

Method: https://cloud.google.com/monitoring/api/ref_v3/rpc/google.monitoring.v3#metricservice. It
knows `run.googleapis.com/request_count`, a point for each whole minute, and every gauge as
`custom.googleapis.com/NAME`. Of the filter language it knows `FIELD = "VALUE"` and `AND`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import grpc
from google.api import metric_pb2, monitored_resource_pb2
from google.cloud import monitoring_v3
from google.protobuf.timestamp_pb2 import Timestamp

from infra.local.cloud_run.errors import CloudRunError, invalid
from infra.local.metrics.source import Source, State

REQUESTS = "run.googleapis.com/request_count"
CUSTOM = "custom.googleapis.com/"
_PAGE = 2  # series on a page, so that every reader must turn it
_CONDITION = re.compile(r'\s*([\w.]+)\s*=\s*"([^"]*)"\s*')
_FAULTS = {
    State.AWAY: (grpc.StatusCode.UNAVAILABLE, "The source is away."),
    State.REFUSING: (
        grpc.StatusCode.PERMISSION_DENIED,
        "Permission monitoring.timeSeries.list denied (or the resource may not exist).",
    ),
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request, read: the points of (after, until] of the series that keep the conditions."""

    project: str
    conditions: Mapping[str, str]
    after: float
    until: float


class MetricService:
    """The method over the source."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def list_time_series(
        self, request: monitoring_v3.ListTimeSeriesRequest, context: grpc.ServicerContext
    ) -> monitoring_v3.ListTimeSeriesResponse:
        """MetricService.ListTimeSeries."""
        if fault := _FAULTS.get(self._source.state):
            raise CloudRunError(*fault)
        asked = self._read(request)
        kind = asked.conditions["metric.type"]
        series = self._requests(asked) if kind == REQUESTS else self._gauges(asked)
        kept = [each for each in series if _keeps(each, asked.conditions)]
        start = int(request.page_token or 0)
        more = start + _PAGE < len(kept)
        return monitoring_v3.ListTimeSeriesResponse(
            time_series=kept[start : start + _PAGE],
            next_page_token=str(start + _PAGE) if more else "",
        )

    def _read(self, request: monitoring_v3.ListTimeSeriesRequest) -> _Asked:
        raw = type(request).pb(request)
        conditions: dict[str, str] = {}
        for part in raw.filter.split(" AND "):
            found = _CONDITION.fullmatch(part)
            if found is None:
                raise invalid(f"Field filter had an invalid value: could not parse {part!r}.")
            conditions[found[1]] = found[2]
        if "metric.type" not in conditions:
            raise invalid("Field filter had an invalid value: it must name a metric.type.")
        start, end = _seconds(raw.interval.start_time), _seconds(raw.interval.end_time)
        if end < start:
            raise invalid("Field interval had an invalid value: it ends before it starts.")
        return _Asked(
            raw.name.removeprefix("projects/"), conditions, start, self._source.until(end)
        )

    def _requests(self, asked: _Asked) -> Iterator[monitoring_v3.TimeSeries]:
        """Whole minutes only: their ends lie in the interval."""
        points: dict[tuple[str, str, str], list[monitoring_v3.Point]] = {}
        for each in self._source.samples.each_minute(asked.after - 60, asked.until):
            end = (each.second // 60 + 1) * 60
            if asked.after < end <= asked.until:
                key = each.service, each.revision, each.code_class
                points.setdefault(key, []).append(_delta(end, each.count))
        for (service, revision, code_class), found in points.items():
            place = self._source.place(service)
            if place.get("project_id") == asked.project:
                labels = {
                    "project_id": asked.project,
                    "location": place["location"],
                    "service_name": service,
                    "revision_name": revision,
                }
                yield monitoring_v3.TimeSeries(
                    metric=metric_pb2.Metric(
                        type=REQUESTS, labels={"response_code_class": code_class}
                    ),
                    resource=monitored_resource_pb2.MonitoredResource(
                        type="cloud_run_revision", labels=labels
                    ),
                    metric_kind=metric_pb2.MetricDescriptor.DELTA,
                    value_type=metric_pb2.MetricDescriptor.INT64,
                    points=found[::-1],
                )

    def _gauges(self, asked: _Asked) -> Iterator[monitoring_v3.TimeSeries]:
        kind = asked.conditions["metric.type"]
        points: dict[tuple[tuple[str, str], ...], list[monitoring_v3.Point]] = {}
        name = kind.removeprefix(CUSTOM)
        for each in self._source.samples.gauges(name, asked.after, asked.until):
            key = tuple(sorted(each.labels.items()))
            points.setdefault(key, []).append(_gauge(each.at, each.value))
        for labels, found in points.items():
            yield monitoring_v3.TimeSeries(
                metric=metric_pb2.Metric(type=kind, labels=dict(labels)),
                resource=monitored_resource_pb2.MonitoredResource(
                    type="global", labels={"project_id": asked.project}
                ),
                metric_kind=metric_pb2.MetricDescriptor.GAUGE,
                value_type=metric_pb2.MetricDescriptor.DOUBLE,
                points=found[::-1],
            )


def _keeps(series: monitoring_v3.TimeSeries, conditions: Mapping[str, str]) -> bool:
    fields = {"metric.type": series.metric.type, "resource.type": series.resource.type}
    fields |= {f"metric.labels.{k}": v for k, v in series.metric.labels.items()}
    fields |= {f"resource.labels.{k}": v for k, v in series.resource.labels.items()}
    return all(fields.get(field) == value for field, value in conditions.items())


def _delta(end: float, count: int) -> monitoring_v3.Point:
    interval = monitoring_v3.TimeInterval(start_time=_stamp(end - 60), end_time=_stamp(end))
    return monitoring_v3.Point(interval=interval, value=monitoring_v3.TypedValue(int64_value=count))


def _gauge(at: float, value: float) -> monitoring_v3.Point:
    interval = monitoring_v3.TimeInterval(start_time=_stamp(at), end_time=_stamp(at))
    return monitoring_v3.Point(
        interval=interval, value=monitoring_v3.TypedValue(double_value=value)
    )


def _stamp(seconds: float) -> Timestamp:
    stamp = Timestamp()
    stamp.FromMicroseconds(round(seconds * 1_000_000))
    return stamp


def _seconds(stamp: Timestamp) -> float:
    return stamp.ToMicroseconds() / 1_000_000
