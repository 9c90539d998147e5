"""The simulated source: what passes the front door is measured, and told as Prometheus would."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client

from infra.local.metrics import SimulatedMetrics
from tests.contract.simulated_cloud_run import SERVICES, running
from tests.fakes.clock import ManualClock

COUNT = "run_googleapis_com:request_count"
ERRORS = (
    f'(sum(rate({COUNT}{{service_name="backend",response_code_class="5xx"}}[1m])) or vector(0))'
    f' / sum(rate({COUNT}{{service_name="backend"}}[1m]))'
)


@dataclass(frozen=True, slots=True)
class Source:
    """A simulated source at a time of the test's own."""

    simulated: SimulatedMetrics
    clock: ManualClock
    http: Client

    def wait(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    def answered(self, count: int, status: int = 200, revision: str = "backend-1") -> None:
        at = self.clock.now().timestamp()
        self.simulated.source.samples.add_requests("backend", revision, status, at, count)

    def post(self, control: str, **body: object) -> int:
        return self.http.post(f"/sim/metrics/{control}", json=body).status_code

    def query(self, expression: str) -> Any:
        """The answer's document."""
        answer = self.http.get("/sim/metrics/api/v1/query", query_string={"query": expression})
        return json.loads(answer.text)

    def values(self, expression: str) -> list[float]:
        """The values of an answer that must be a vector, in order."""
        data = self.query(expression)["data"]
        assert data["resultType"] == "vector"
        return sorted(float(each["value"][1]) for each in data["result"])


@contextmanager
def opened(data: Path, clock: ManualClock) -> Iterator[Source]:
    """A source over the samples in the folder."""
    simulated = SimulatedMetrics(data, SERVICES, lambda: clock.now().timestamp())
    try:
        yield Source(simulated, clock, Client(simulated.wsgi))
    finally:
        simulated.close()


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Source]:
    """A source without samples."""
    with opened(tmp_path, ManualClock()) as made:
        yield made


def test_what_passes_the_front_door_is_counted(source: Source, tmp_path: Path) -> None:
    """Real requests to real revisions, by who answered and how; tags count for their revision."""
    with running(tmp_path / "run") as cloud_run:
        front = Client(source.simulated.counted(cloud_run.simulation.wsgi))
        assert [front.get("/sim/front/backend/version").status_code for _ in range(3)] == [200] * 3
        bad = cloud_run.deploy("failing")
        assert front.get("/sim/front/backend/version").status_code >= 500
        assert front.get("/sim/front/nothing/").status_code == 404
        assert front.get("/sim/run/services").status_code == 200
    (good,) = source.values(f'increase({COUNT}{{revision_name="backend-00010-kpf"}}[1m])')
    assert good == 3
    labels = f'service_name="backend",location="us-central1",revision_name="{bad}"'
    assert source.values(f'{COUNT}{{{labels},response_code_class="5xx"}}') == [1]
    assert source.values(f"sum({COUNT})") == [4]


def test_a_service_that_no_revision_answers_for_has_errors(source: Source) -> None:
    """A revision that broke off says nothing in the answer's headers; the service failed."""

    def broken(environ: Any, start_response: Any) -> list[bytes]:
        start_response("502 Bad Gateway", [])
        return []

    Client(source.simulated.counted(broken)).get("/sim/front/canary---backend/")
    assert source.values(ERRORS) == [1]


def test_the_error_ratio_follows_the_window(source: Source) -> None:
    """It rises with the errors, and falls when they are out of the window."""
    source.answered(30)
    source.answered(10, 500)
    assert source.values(ERRORS) == [0.25]
    source.wait(61)
    source.answered(30)
    assert source.values(ERRORS) == [0]


def test_without_requests_the_ratio_is_no_number(source: Source) -> None:
    """Nothing by nothing: not zero."""
    source.answered(30)
    source.wait(61)
    (ratio,) = source.values(ERRORS)
    assert math.isnan(ratio)


def test_samples_survive(tmp_path: Path) -> None:
    """The world may be killed and started again; what is older than three days is forgotten."""
    clock = ManualClock()
    with opened(tmp_path, clock) as source:
        source.answered(5)
    with opened(tmp_path, clock) as source:
        assert source.values(COUNT) == [5]
    clock.advance(timedelta(days=4))
    with opened(tmp_path, clock) as source:
        assert source.values(f"increase({COUNT}[100d])") == []


def test_a_source_that_stopped_measuring_is_late_and_then_silent(source: Source) -> None:
    """It answers, its samples grow old, and after five minutes there is nothing."""
    source.answered(5)
    assert source.post("gauges", name="lag", value=3, labels={"shard": "a"}) == 200
    assert source.post("state", state="stopped") == 200
    stopped = source.clock.now().timestamp()
    source.wait(100)
    source.answered(50)
    assert source.values(f"timestamp({COUNT})") == [stopped]
    assert source.values("timestamp(lag)") == [stopped]
    assert source.values(COUNT) == [5]
    source.wait(250)
    assert source.values(COUNT) == source.values("lag") == []
    assert source.values(f"rate({COUNT}[1m])") == []
    source.post("state", state="up")
    assert source.values(COUNT) == [55]


@pytest.mark.parametrize(("state", "status"), [("away", 503), ("refusing", 401), ("up", 200)])
def test_a_source_may_be_away_or_refuse(source: Source, state: str, status: int) -> None:
    """With the documents that Prometheus, or a proxy before it, answers."""
    source.post("state", state=state)
    answer = source.http.post("/sim/metrics/api/v1/query", data={"query": "lag"})
    assert answer.status_code == status
    assert ("errorType" in json.loads(answer.text)) is (status != 200)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('lag{shard="a"}', [1]),
        ('lag{shard!="a"}', [2, 6]),
        ('lag{shard=~"a|b"}', [1, 2]),
        ('lag{shard!~"[ab]",}', [6]),
        ('lag{zone=""}', [1, 2, 6]),
        ("sum(lag)", [9]),
        ("max(lag)", [6]),
        ("sum by (shard) (lag)", [1, 2, 6]),
        ("lag / 2", [0.5, 1, 3]),
        ("6 / lag", [1, 3, 6]),
        ("lag / lag", [1, 1, 1]),
        ("nothing or vector(4)", [4]),
        ("nothing or lag", [1, 2, 6]),
        ("(sum(nothing) or vector(0)) / sum(lag)", [0]),
        ("sum(lag)\n", [9]),
    ],
)
def test_expressions_give_what_prometheus_would(
    source: Source, expression: str, expected: list[float]
) -> None:
    """So that a policy's expression works here and there."""
    for shard, value in (("a", 1), ("b", 2), ("c", 6)):
        source.post("gauges", name="lag", value=value, labels={"shard": shard})
    assert source.values(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [("1.5", "1.5"), ("1 / 0", "+Inf"), ("0 / 0", "NaN"), ("scalar(nothing)", "NaN")],
)
def test_scalars_are_written_as_prometheus_writes_them(
    source: Source, expression: str, expected: str
) -> None:
    """As strings: JSON has neither infinity nor NaN."""
    data = source.query(expression)["data"]
    assert (data["resultType"], data["result"][1]) == ("scalar", expected)


@pytest.mark.parametrize(
    "expression",
    ["", "lag{", "lag[5m]", "rate(lag)", "rate(lag[5m])", "sum lag", "lag lag", "lag{a>1}", "§",
     "sum(1)", "vector(lag)", "lag{a=b}", "increase(1)"],
)  # fmt: skip
def test_what_is_not_understood_is_bad_data(source: Source, expression: str) -> None:
    """It is never answered with a number."""
    answer = source.query(expression)
    assert (answer["status"], answer["errorType"]) == ("error", "bad_data")


def test_controls_say_what_is_wrong(source: Source) -> None:
    """An unknown state, a field too many, a path that is none."""
    assert source.post("state", state="asleep") == 400
    assert source.post("gauges", name="lag") == 400
    assert source.post("state", state="up", more=1) == 400
    assert source.post("elsewhere") == 404
