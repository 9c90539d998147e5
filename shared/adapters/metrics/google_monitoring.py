"""Metrics from Cloud Monitoring, by Google's own client.

API: https://cloud.google.com/monitoring/api/ref_v3/rpc/google.monitoring.v3#metricservice, filters:
https://cloud.google.com/monitoring/api/v3/filters. The account needs `monitoring.timeSeries.list`
(`roles/monitoring.viewer`). Points are asked for as they were written: aligned by Google they would
all bear the end of the asked interval, and none would ever be late. For a quotient of two metrics
use PromQL (`prometheus.py`): Google's API for it is the same as Prometheus'.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from shared.adapters.google_channel import open_channel
from shared.adapters.google_errors import Call, asked
from shared.adapters.metrics.google_points import reading
from shared.adapters.metrics.services import run_revision
from shared.domain.errors import Refused
from shared.domain.metrics import MetricQuery, Missing, Over, Reading, combined

if TYPE_CHECKING:
    from google.cloud.monitoring_v3 import ListTimeSeriesRequest, ListTimeSeriesResponse

_PERMISSION: Final = "monitoring.timeSeries.list"


class GoogleMonitoring:
    """Cloud Monitoring. Safe to use from several threads.

    `project` is whose metrics scope is asked for values; requests are looked up in the service's
    own project. `endpoint` is `HOST:PORT` of a simulator, spoken to without encryption or
    credentials. `timeout` bounds each call.

    Raises:
        Transient: There are no credentials to be had.
    """

    def __init__(
        self, project: str, *, endpoint: str = "", timeout: timedelta = timedelta(seconds=8)
    ) -> None:
        from google.cloud import monitoring_v3
        from google.cloud.monitoring_v3.services.metric_service import transports

        grpc_transport = transports.MetricServiceGrpcTransport
        self._project = project
        self._seconds = timeout.total_seconds()
        self._channel = open_channel(
            endpoint,
            "monitoring.googleapis.com",
            grpc_transport.create_channel,
            "Cloud Monitoring",
        )
        self._client = monitoring_v3.MetricServiceClient(
            transport=grpc_transport(channel=self._channel)
        )

    def value(self, query: MetricQuery, at: datetime) -> Reading | Missing:
        """The filter's value at `at`, with the time of its newest point; of several, the worst.

        Raises:
            Transient: Cloud Monitoring is away.
            Refused: It says no, and why.
        """
        pages = self._list(self._project, query.expression, query.window, at)
        if fault := _fault(pages):
            return Missing(fault)
        series = (reading(each, query.over) for page in pages for each in page.time_series)
        return combined((each for each in series if each is not None), query.budget)

    def requests(self, resource: str, revision: str, window: timedelta, at: datetime) -> int | None:
        """How many requests the Cloud Run revision answered in the window that ends at `at`.

        A minute's requests are told up to three minutes later, and a revision that was never
        asked has no series at all:
        https://cloud.google.com/monitoring/api/metrics_gcp_p_z#gcp-run.

        Raises:
            Transient: Cloud Monitoring is away.
            Refused: It says no, and why.
        """
        wanted = run_revision(resource, revision)
        expression = (
            'metric.type = "run.googleapis.com/request_count"'
            ' AND resource.type = "cloud_run_revision"'
            f' AND resource.labels.location = "{wanted.region}"'
            f' AND resource.labels.service_name = "{wanted.service}"'
            f' AND resource.labels.revision_name = "{wanted.revision}"'
        )
        pages = self._list(wanted.project, expression, window, at)
        series = [reading(each, Over.SUM) for page in pages for each in page.time_series]
        counts = [each.value for each in series if each is not None]
        return round(sum(counts)) if counts and not _fault(pages) else None

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def _list(
        self, project: str, expression: str, window: timedelta, at: datetime
    ) -> list[ListTimeSeriesResponse]:
        """Every page of the series with points in the window that ends at `at`."""
        from google.api_core.exceptions import ServiceUnavailable
        from google.api_core.retry import Retry, if_exception_type

        request = _request(project, expression, window, at)
        retry = Retry(if_exception_type(ServiceUnavailable), initial=0.2, timeout=self._seconds)
        return asked(
            _call(project),
            lambda: list(
                self._client.list_time_series(request, retry=retry, timeout=self._seconds).pages
            ),
        )


def _request(
    project: str, expression: str, window: timedelta, at: datetime
) -> ListTimeSeriesRequest:
    from google.cloud import monitoring_v3

    if window <= timedelta():
        raise Refused("a window must be longer than nothing")
    return monitoring_v3.ListTimeSeriesRequest(
        name=f"projects/{project}",
        filter=expression,
        interval=monitoring_v3.TimeInterval(start_time=at - window, end_time=at),
        view=monitoring_v3.ListTimeSeriesRequest.TimeSeriesView.FULL,
    )


def _call(project: str) -> Call:
    command = (
        f"gcloud projects add-iam-policy-binding {project} "
        "--member=serviceAccount:ACCOUNT --role=roles/monitoring.viewer"
    )
    return Call(f"reading the metrics of {project}", _PERMISSION, command)


def _fault(pages: list[ListTimeSeriesResponse]) -> str:
    """Why the answer may be incomplete; empty when it is whole."""
    errors = [error.message for page in pages for error in page.execution_errors]
    return f"Cloud Monitoring's answer is not whole: {errors[0]}" if errors else ""
