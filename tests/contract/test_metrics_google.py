"""What Cloud Monitoring may answer, and what is made of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.api import distribution_pb2, metric_pb2
from google.cloud import monitoring_v3
from google.rpc import status_pb2

from infra.local.cloud_run.errors import CloudRunError
from infra.local.metrics import SimulatedMetrics
from infra.local.metrics.monitoring_server import MonitoringServer
from shared.adapters.metrics.google_monitoring import GoogleMonitoring
from shared.adapters.metrics.google_points import reading
from shared.domain.errors import Refused, Transient
from shared.domain.metrics import Bound, Budget, MetricQuery, Missing, Over, Reading
from tests.contract.metrics_worlds import World, google_world
from tests.contract.simulated_cloud_run import BACKEND

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LOW = Budget(Bound.BELOW, 10)
DELTA, GAUGE = metric_pb2.MetricDescriptor.DELTA, metric_pb2.MetricDescriptor.GAUGE


def series(*values: dict[str, Any], kind: Any = GAUGE) -> monitoring_v3.TimeSeries:
    """A series whose points, newest first as Google has them, are a minute apart."""
    points = [
        monitoring_v3.Point(
            interval=monitoring_v3.TimeInterval(end_time=AT - MINUTE * age),
            value=monitoring_v3.TypedValue(**value),
        )
        for age, value in enumerate(values)
    ]
    return monitoring_v3.TimeSeries(metric_kind=kind, points=points)


def distribution(mean: float, count: int) -> dict[str, Any]:
    """A point's value: so many observations with this mean."""
    return {"distribution_value": distribution_pb2.Distribution(mean=mean, count=count)}


@pytest.mark.parametrize(
    ("over", "expected"), [(Over.NEWEST, 1.0), (Over.MEAN, 2.0), (Over.SUM, 6.0)]
)
def test_points_become_one_value(over: Over, expected: float) -> None:
    """Dated by the newest, whatever is made of them."""
    points = series({"int64_value": 1}, {"double_value": 2.5}, {"double_value": 2.5}, kind=DELTA)
    assert reading(points, over) == Reading(expected, AT)


def test_a_truth_is_one() -> None:
    """Such as the uptime check's `check_passed`."""
    assert reading(series({"bool_value": True}), Over.NEWEST) == Reading(1, AT)


def test_a_distribution_is_its_mean_by_its_weight() -> None:
    """A minute of nine requests counts nine times a minute of one."""
    points = series(distribution(100, 9), distribution(200, 1))
    assert reading(points, Over.NEWEST) == Reading(100, AT)
    assert reading(points, Over.MEAN) == Reading(110, AT)


def test_a_distribution_of_nothing_is_no_point() -> None:
    """Its mean is given as 0, which as a latency would look very good."""
    assert reading(series(distribution(0, 0), distribution(200, 1)), Over.NEWEST) == Reading(
        200, AT - MINUTE
    )
    assert reading(series(distribution(0, 0)), Over.NEWEST) is None


def test_only_a_delta_may_be_added_up() -> None:
    """The sum of a level's samples depends on how often they were taken."""
    with pytest.raises(Refused, match="DELTA"):
        reading(series({"double_value": 1}, kind=GAUGE), Over.SUM)


@pytest.mark.parametrize("value", [{"string_value": "up"}, {}])
def test_what_has_no_number_is_refused(value: dict[str, Any]) -> None:
    """It cannot be held against a threshold, now or later."""
    with pytest.raises(Refused, match="a number is needed"):
        reading(series(value), Over.NEWEST)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The adapter before the simulated source."""
    with google_world(tmp_path) as made:
        yield made


def test_without_the_permission_it_says_how_to_grant_it(world: World) -> None:
    """The permission's name, and the command with the project in it."""
    world.refuse()
    with pytest.raises(Refused) as refused:
        world.metrics.value(world.query(), AT)
    assert "needs monitoring.timeSeries.list" in str(refused.value)
    assert "gcloud projects add-iam-policy-binding demo " in str(refused.value)
    assert "--role=roles/monitoring.viewer" in str(refused.value)


@pytest.mark.parametrize("expression", ["", "lag", 'resource.type = "x"', "metric.type > 4"])
def test_a_filter_that_is_none_is_refused(world: World, expression: str) -> None:
    """With Google's own words."""
    query = MetricQuery(source="google", expression=expression, budget=LOW)
    with pytest.raises(Refused, match="INVALID_ARGUMENT"):
        world.metrics.value(query, AT)


def test_a_window_of_nothing_is_refused(world: World) -> None:
    """Nothing is asked."""
    with pytest.raises(Refused, match="longer than nothing"):
        world.metrics.requests(BACKEND, "backend-00010-kpf", timedelta(), AT)


def test_a_minute_that_has_not_ended_is_not_told_yet(world: World) -> None:
    """So that a count may be too low for a while, and never too high."""
    world.answered("backend-00010-kpf", 5, ago=timedelta(seconds=30))
    assert world.metrics.requests(BACKEND, "backend-00010-kpf", 10 * MINUTE, AT) == 5
    world.answered("backend-00010-kpf", 3, ago=-timedelta(seconds=20))
    later = AT + timedelta(seconds=30)
    assert world.metrics.requests(BACKEND, "backend-00010-kpf", 10 * MINUTE, later) == 5


class Scripted(MonitoringServer):
    """Answers each call with what comes next: an error, or a response."""

    def __init__(self, simulated: SimulatedMetrics, *answers: Any) -> None:
        self.left = list(answers)
        super().__init__(simulated.source)

    def _answer(
        self, request: monitoring_v3.ListTimeSeriesRequest, context: grpc.ServicerContext
    ) -> monitoring_v3.ListTimeSeriesResponse:
        answer = self.left.pop(0)
        if isinstance(answer, CloudRunError):
            context.abort(answer.code, str(answer))
        assert isinstance(answer, monitoring_v3.ListTimeSeriesResponse)
        return answer


@contextmanager
def scripted(data: Path, *answers: Any) -> Iterator[GoogleMonitoring]:
    """The adapter before a server that answers as told."""
    simulated = SimulatedMetrics(data, [])
    server = Scripted(simulated, *answers)
    metrics = GoogleMonitoring("demo", endpoint=server.address)
    try:
        yield metrics
    finally:
        metrics.close()
        server.stop()
        simulated.close()


QUERY = MetricQuery(source="google", expression='metric.type = "x"', budget=LOW)
GOOD = monitoring_v3.ListTimeSeriesResponse(time_series=[series({"int64_value": 3}, kind=DELTA)])


def test_a_moment_of_absence_is_waited_out(tmp_path: Path) -> None:
    """UNAVAILABLE once is asked again at once: reading changes nothing."""
    away = CloudRunError(grpc.StatusCode.UNAVAILABLE, "try again")
    with scripted(tmp_path, away, GOOD) as metrics:
        assert metrics.value(QUERY, AT) == Reading(3, AT)


@pytest.mark.parametrize("code", ["RESOURCE_EXHAUSTED", "INTERNAL", "DEADLINE_EXCEEDED"])
def test_what_may_pass_is_told_as_such(tmp_path: Path, code: str) -> None:
    """A quota, a fault of Google's, no answer in time: the caller asks again later."""
    fault = CloudRunError(grpc.StatusCode[code], "no")
    with scripted(tmp_path, fault) as metrics, pytest.raises(Transient, match=code):
        metrics.value(QUERY, AT)


def test_an_answer_that_is_not_whole_is_missing(tmp_path: Path) -> None:
    """The part that failed may be the one with the errors; no count is made of it either."""
    fault = status_pb2.Status(code=4, message="shard 7 was late")
    part = monitoring_v3.ListTimeSeriesResponse(GOOD, execution_errors=[fault])
    with scripted(tmp_path, part, part) as metrics:
        answer = metrics.value(QUERY, AT)
        assert metrics.requests(BACKEND, "backend-1", MINUTE, AT) is None
    assert answer == Missing("Cloud Monitoring's answer is not whole: shard 7 was late")


def test_a_later_page_that_is_refused_spoils_the_answer(tmp_path: Path) -> None:
    """Half of the series is no answer."""
    first = monitoring_v3.ListTimeSeriesResponse(GOOD, next_page_token="2")
    denied = CloudRunError(grpc.StatusCode.PERMISSION_DENIED, "no")
    with scripted(tmp_path, first, denied) as metrics, pytest.raises(Refused, match="needs"):
        metrics.value(QUERY, AT)
