"""The example of docs/policy.md: it lints, and both sources answer it as the text says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from infra.local.metrics import SimulatedMetrics
from infra.local.metrics.monitoring_server import MonitoringServer
from infra.local.server import serve
from shared.adapters.clock import SystemClock
from shared.adapters.metrics.google_monitoring import GoogleMonitoring
from shared.adapters.metrics.prometheus import PrometheusMetrics
from shared.adapters.metrics.sources import Sources
from shared.domain.metrics import CLOUD_MONITORING, PROMETHEUS, MetricQuery, Standing, standing
from shared.policy import loads
from shared.ports import Metrics
from tests.contract.simulated_cloud_run import SERVICES
from tests.fakes.clock import ManualClock

DOCS = Path(__file__).parents[2] / "docs" / "policy.md"
OTHERS = """\
version: 1
people: {ana: {name: Ana}}
teams: {ops: {channel: "#ops", on_call: ana}}
lanes: {triage: {owner: ops}}
"""


def documented() -> tuple[MetricQuery, ...]:
    """The example's metrics, about the simulated service `backend`."""
    examples = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    (example,) = (each for each in examples if "metrics:" in each)
    text = OTHERS + example.replace("shop-front", "backend")
    return loads(text, str(DOCS)).stack("shop").rollback.metrics


@dataclass(frozen=True, slots=True)
class Shop:
    """Both sources before the same samples."""

    sources: Sources
    simulated: SimulatedMetrics
    clock: ManualClock

    def minutes(self, many: int, good: int, bad: int) -> None:
        """For so many minutes so many requests each succeed and fail."""
        for _ in range(many):
            self.clock.advance(timedelta(minutes=1))
            at = self.clock.now().timestamp()
            for status, count in ((200, good), (500, bad)):
                if count:
                    self.simulated.source.samples.add_requests("backend", "b-1", status, at, count)

    def standings(self) -> list[Standing]:
        """How the example's metrics stand now."""
        now = self.clock.now()
        return [
            standing(self.sources.value(query, now), query.budget, now, query.window)
            for query in documented()
        ]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A shop of which nothing is known yet."""
    with ExitStack() as running:
        clock = ManualClock()
        simulated = SimulatedMetrics(tmp_path, SERVICES, lambda: clock.now().timestamp())
        running.callback(simulated.close)
        url = running.enter_context(serve(simulated.wsgi))
        server = MonitoringServer(simulated.source)
        running.callback(server.stop)
        prometheus = running.enter_context(PrometheusMetrics(f"{url}/sim/metrics", SystemClock()))
        google = GoogleMonitoring("demo", endpoint=server.address)
        running.callback(google.close)
        by_name: dict[str, Metrics] = {PROMETHEUS: prometheus, CLOUD_MONITORING: google}
        yield Shop(Sources(by_name, counts=CLOUD_MONITORING), simulated, clock)


def test_requests_that_succeed_are_within_both_budgets(shop: Shop) -> None:
    """Also while not one fails, of which there is no series at all."""
    shop.minutes(5, good=20, bad=0)
    assert shop.standings() == [Standing.WITHIN, Standing.WITHIN]


def test_requests_that_fail_are_outside(shop: Shop) -> None:
    """One in five fails, and enough succeed all the same."""
    shop.minutes(5, good=20, bad=5)
    assert shop.standings() == [Standing.OUTSIDE, Standing.WITHIN]


def test_what_failed_more_than_five_minutes_ago_no_longer_counts(shop: Shop) -> None:
    """After a rollback the ratio comes back within its own range."""
    shop.minutes(5, good=0, bad=20)
    shop.minutes(6, good=20, bad=0)
    assert shop.standings() == [Standing.WITHIN, Standing.WITHIN]


def test_without_requests_nothing_is_known(shop: Shop) -> None:
    """No traffic is not good health."""
    assert shop.standings() == [Standing.UNKNOWN, Standing.UNKNOWN]


def test_samples_that_stopped_coming_are_late(shop: Shop) -> None:
    """The ratio of what was collected before looks new, and its newest sample says it is not."""
    shop.minutes(5, good=20, bad=0)
    shop.clock.advance(timedelta(minutes=6))
    assert set(shop.standings()) == {Standing.UNKNOWN}
