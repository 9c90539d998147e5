"""Metrics from anything that speaks Prometheus' HTTP API.

API: https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries. Thanos, Mimir and
VictoriaMetrics speak it too, and so does Google at
`https://monitoring.googleapis.com/v1/projects/PROJECT/location/global/prometheus`:
https://cloud.google.com/stackdriver/docs/managed-prometheus/query-api-ui.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from string import Template
from types import TracebackType
from typing import Final

from shared.adapters.metrics.prometheus_answer import Answer, Labels, instant, read_answer
from shared.adapters.metrics.services import run_revision
from shared.domain.errors import Refused, Transient
from shared.domain.metrics import MetricQuery, Missing, Reading, combined
from shared.ports import Clock

CLOUD_RUN_REQUESTS: Final = (
    'sum(increase(run_googleapis_com:request_count{monitored_resource="cloud_run_revision",'
    'project_id="$project",location="$region",service_name="$service",'
    'revision_name="$revision"}[${seconds}s]))'
)
"""How Google names it in PromQL: https://cloud.google.com/monitoring/promql/promql-mapping."""

_MOST_READ: Final = 4 * 1024 * 1024


class PrometheusMetrics:
    """A Prometheus server at `base_url`, the address before `/api/v1`. Safe to use from threads.

    `token` gives the bearer token for each request, so that it may change. `requests` is PromQL
    for what a revision answered, with `$project`, `$region`, `$service`, `$revision` and
    `${seconds}` filled in. `timeout` bounds each request, its answer included. Redirects are not
    followed, and the environment's proxies not used.
    """

    def __init__(
        self,
        base_url: str,
        clock: Clock,
        *,
        token: Callable[[], str] | None = None,
        requests: str = CLOUD_RUN_REQUESTS,
        timeout: timedelta = timedelta(seconds=8),
    ) -> None:
        import httpx

        self._url = f"{base_url.rstrip('/')}/api/v1/query"
        self._clock = clock
        self._token = token
        self._requests = Template(requests)
        self._timeout = timeout
        self._client = httpx.Client(trust_env=False, timeout=timeout.total_seconds())

    def value(self, query: MetricQuery, at: datetime) -> Reading | Missing:
        """The query's value at `at`, with the time of its newest sample; of several, the worst.

        A scalar has no samples to be dated; without `query.newest` it counts as new.

        Raises:
            Transient: The source is away.
            Refused: It says no, and why.
        """
        answer = self._ask(query.expression, at)
        if answer.warnings:
            return Missing(f"the source warns: {answer.warnings[0]}")
        if not answer.samples:
            return Missing("no series")
        if answer.scalar and not query.newest:
            return combined([Reading(answer.samples[0].value, at)], query.budget)
        newest = query.newest or f"timestamp({query.expression}\n)"
        times = _times(self._ask(newest, at))
        if not times:
            return Missing("nothing says when its newest sample was taken")
        oldest = min(times.values())
        dated = (Reading(each.value, times.get(each.labels, oldest)) for each in answer.samples)
        return combined(dated, query.budget)

    def requests(self, resource: str, revision: str, window: timedelta, at: datetime) -> int | None:
        """How many requests the Cloud Run revision answered in the window that ends at `at`.

        Prometheus extrapolates what it counts: the nearest whole number.

        Raises:
            Transient: The source is away.
            Refused: It says no, and why.
        """
        asked = run_revision(resource, revision)
        expression = self._requests.safe_substitute(
            project=asked.project,
            region=asked.region,
            service=asked.service,
            revision=asked.revision,
            seconds=max(1, round(window.total_seconds())),
        )
        answer = self._ask(expression, at)
        total = sum(each.value for each in answer.samples)
        known = answer.samples and not answer.warnings and 0 <= total < float("inf")
        return round(total) if known else None

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def __enter__(self) -> PrometheusMetrics:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, expression: str, at: datetime) -> Answer:
        import httpx

        form = {
            "query": expression,
            "time": f"{at.timestamp():.3f}",
            "timeout": f"{max(1, round(self._timeout.total_seconds() * 1000))}ms",
        }
        try:
            status, body = self._post(form, self._headers())
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise Refused("the source's address is no URL: check it") from error
        except (httpx.HTTPError, OSError) as error:
            raise Transient(f"the source cannot be asked: {type(error).__name__}") from error
        return read_answer(status, body)

    def _headers(self) -> dict[str, str]:
        if self._token is None:
            return {}
        token = self._token().strip()
        if not (token and token.isascii() and token.isprintable()):
            raise Refused("the source's token is empty, or has characters no token has")
        return {"Authorization": f"Bearer {token}"}

    def _post(self, form: dict[str, str], headers: dict[str, str]) -> tuple[int, bytes]:
        """Status and body; by POST, which has no limit of length, and is not in anybody's log."""
        import httpx

        end = self._clock.now() + self._timeout
        with self._client.stream("POST", self._url, data=form, headers=headers) as response:
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > _MOST_READ:
                    raise Refused("the answer is larger than 4 MiB: let the expression aggregate")
                if self._clock.now() >= end:
                    raise httpx.ReadTimeout("the body took too long", request=response.request)
            return response.status_code, bytes(body)


def _times(answer: Answer) -> dict[Labels, datetime]:
    """When each series' newest sample was taken; nothing when one of them cannot be told."""
    found = {each.labels: instant(each.value) for each in answer.samples}
    known = {labels: at for labels, at in found.items() if at is not None}
    return known if len(known) == len(found) and not answer.warnings else {}
