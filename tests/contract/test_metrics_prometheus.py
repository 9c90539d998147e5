"""What Prometheus may answer, and what is made of it."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs

import pytest

from shared.adapters.clock import SystemClock
from shared.adapters.metrics.prometheus import PrometheusMetrics
from shared.domain.errors import Refused, Transient
from shared.domain.metrics import Bound, Budget, MetricQuery, Missing, Reading
from tests.contract.test_health import closed_port, serving

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SAMPLED = AT - timedelta(seconds=40)
ERRORS = Budget(Bound.BELOW, 0.05)
BACKEND = "projects/demo/locations/us-central1/services/backend"
WINDOW = timedelta(minutes=10)


@dataclass(slots=True)
class Server:
    """Answers each expression as told, and keeps what it was asked."""

    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)

    def answer(self, query: str, document: object, status: int = 200) -> None:
        self.answers[query] = (status, json.dumps(document).encode())

    def vector(self, query: str, *series: tuple[dict[str, str], str], **more: object) -> None:
        """Let the query give these series; their time is the evaluation's, as in the real one."""
        result = [{"metric": m, "value": [AT.timestamp(), value]} for m, value in series]
        data = {"resultType": "vector", "result": result}
        self.answer(query, {"status": "success", "data": data, **more})

    def sampled(self, query: str, *labels: dict[str, str], at: datetime = SAMPLED) -> None:
        """Let the samples of these series be this old."""
        series = ((each, str(at.timestamp())) for each in labels)
        self.vector(f"timestamp({query}\n)", *series)

    def handler(server) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - `self` is the request
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                form = {k: v[0] for k, v in parse_qs(body.decode()).items()}
                server.asked.append({"path": self.path, **form})
                server.tokens.append(self.headers["Authorization"])
                status, answer = server.answers[form["query"]]
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.send_header("Location", "/login")
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args: object) -> None: ...

        return Handler


@dataclass(frozen=True, slots=True)
class Asking:
    """The adapter and the server before it."""

    server: Server
    metrics: PrometheusMetrics

    def value(self, expression: str = "x", newest: str = "") -> Reading | Missing:
        query = MetricQuery(source="prom", expression=expression, budget=ERRORS, newest=newest)
        return self.metrics.value(query, AT)


@contextmanager
def asking(
    token: str | None = None, requests: str = "$service/$revision/${seconds}"
) -> Iterator[Asking]:
    """A server with an adapter that asks it."""
    server = Server()
    with serving(server.handler()) as url:
        bearer = None if token is None else lambda: token
        prefixed = f"{url}/prom/"
        with PrometheusMetrics(prefixed, SystemClock(), token=bearer, requests=requests) as metrics:
            yield Asking(server, metrics)


@pytest.fixture
def prom() -> Iterator[Asking]:
    """A server without a token."""
    with asking() as made:
        yield made


def test_a_query_is_posted_with_its_time(prom: Asking) -> None:
    """To the address before `/api/v1`, as a form: there is no limit to its length."""
    prom.server.vector("x", ({}, "0.01"))
    prom.server.sampled("x", {})
    assert prom.value() == Reading(0.01, SAMPLED)
    assert prom.server.asked[0] == {
        "path": "/prom/api/v1/query",
        "query": "x",
        "time": f"{AT.timestamp():.3f}",
        "timeout": "8000ms",
    }
    assert prom.server.tokens == [None, None]


def test_each_series_has_its_own_time(prom: Asking) -> None:
    """They are told apart by their labels; `timestamp()` drops the metric's name."""
    one, other = {"shard": "a"}, {"shard": "b"}
    prom.server.vector("x", ({"__name__": "x", **one}, "0.9"), ({"__name__": "x", **other}, "0"))
    times = ((one, str(AT.timestamp())), (other, str(SAMPLED.timestamp())))
    prom.server.vector("timestamp(x\n)", *times)
    assert prom.value() == Reading(0.9, AT)


def test_an_expression_that_hides_its_samples_names_them(prom: Asking) -> None:
    """Of a rate, `timestamp()` tells when it was evaluated; the query says what to ask instead."""
    prom.server.vector("rate(x[5m])", ({"shard": "a"}, "0"))
    prom.server.vector("max(timestamp(x))", ({}, str(SAMPLED.timestamp())))
    assert prom.value("rate(x[5m])", newest="max(timestamp(x))") == Reading(0, SAMPLED)


@pytest.mark.parametrize("time", ["NaN", "+Inf", "1e300"])
def test_a_time_that_is_none_makes_the_value_missing(prom: Asking, time: str) -> None:
    """A value that may be of any age is not good."""
    prom.server.vector("x", ({}, "0"))
    prom.server.vector("timestamp(x\n)", ({}, time))
    assert isinstance(prom.value(), Missing)


def test_a_value_without_a_time_is_missing(prom: Asking) -> None:
    """It may have vanished between the two questions."""
    prom.server.vector("x", ({}, "0"))
    prom.server.vector("timestamp(x\n)")
    assert isinstance(prom.value(), Missing)


def test_a_scalar_is_as_new_as_its_evaluation(prom: Asking) -> None:
    """It has no samples to be dated, unless the query names them."""
    data = {"resultType": "scalar", "result": [AT.timestamp(), "0.02"]}
    prom.server.answer("scalar(x)", {"status": "success", "data": data})
    prom.server.vector("newest", ({}, str(SAMPLED.timestamp())))
    assert prom.value("scalar(x)") == Reading(0.02, AT)
    assert prom.value("scalar(x)", newest="newest") == Reading(0.02, SAMPLED)


def test_a_scalar_that_is_no_number_is_missing(prom: Asking) -> None:
    """`scalar()` of nothing is NaN."""
    data = {"resultType": "scalar", "result": [AT.timestamp(), "NaN"]}
    prom.server.answer("scalar(x)", {"status": "success", "data": data})
    assert isinstance(prom.value("scalar(x)"), Missing)


def test_an_answer_with_a_warning_is_missing(prom: Asking) -> None:
    """A store that did not answer may be the one with the errors; the warning is told."""
    prom.server.vector("x", ({}, "0"), warnings=["store-2 did not answer"])
    assert prom.value() == Missing("the source warns: store-2 did not answer")


def test_a_note_does_not_spoil_an_answer(prom: Asking) -> None:
    """`infos` speak of what may be odd about the expression, not of what is missing."""
    prom.server.vector("x", ({}, "0"), infos=["metric might not be a counter"])
    prom.server.sampled("x", {})
    assert prom.value() == Reading(0, SAMPLED)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_an_overloaded_source_may_be_asked_again(prom: Asking, status: int) -> None:
    """503 is a query that took too long or was broken off."""
    prom.server.answer("x", {"status": "error", "errorType": "timeout", "error": "late"}, status)
    with pytest.raises(Transient, match=f"HTTP {status}: timeout: late"):
        prom.value()


@pytest.mark.parametrize(
    ("status", "kind", "advice"),
    [
        (400, "bad_data", "correct the expression"),
        (422, "execution", "correct the expression"),
        (401, "unauthorized", "check the source's token"),
        (403, "forbidden", "may read"),
        (404, "not_found", "check the source's address"),
        (302, "moved", "check the source's address"),
    ],
)
def test_a_refusal_says_why_and_what_to_do(
    prom: Asking, status: int, kind: str, advice: str
) -> None:
    """With Prometheus' own words; redirects are not followed."""
    document = {"status": "error", "errorType": kind, "error": "unexpected end of input"}
    prom.server.answer("x", document, status)
    with pytest.raises(Refused, match=rf"HTTP {status}: {kind}: unexpected end of input.*{advice}"):
        prom.value()


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Please log in</html>",
        b"",
        b"[]",
        b'"success"',
        b'{"status": "success"}',
        b'{"data": {"resultType": "vector", "result": [{"metric": {}, "value": [1]}]}}',
        b'{"data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "much"]}]}}',
        b'{"data": {"resultType": "vector", "result": [1]}}',
        b'{"data": {"resultType": "scalar", "result": null}}',
        b"[" * 100_000,
    ],
)
def test_what_is_not_prometheus_is_refused(prom: Asking, body: bytes) -> None:
    """Nothing in it can be believed, and asking again cannot help."""
    prom.server.answers["x"] = (200, body)
    with pytest.raises(Refused, match="check the source's address"):
        prom.value()


@pytest.mark.parametrize("kind", ["matrix", "string"])
def test_an_expression_of_another_kind_is_refused(prom: Asking, kind: str) -> None:
    """A range or a text is no value."""
    prom.server.answer("x", {"status": "success", "data": {"resultType": kind, "result": []}})
    with pytest.raises(Refused, match=f"gives a {kind}"):
        prom.value()


def test_a_histogram_is_refused(prom: Asking) -> None:
    """It says what to ask instead."""
    result = [{"metric": {}, "histogram": [AT.timestamp(), {"count": "1"}]}]
    data = {"resultType": "vector", "result": result}
    prom.server.answer("x", {"status": "success", "data": data})
    with pytest.raises(Refused, match="quantiles"):
        prom.value()


def test_an_answer_without_end_is_not_read(prom: Asking) -> None:
    """More than 4 MiB is nobody's error ratio."""
    prom.server.answers["x"] = (200, b" " * (4 * 1024 * 1024 + 1))
    with pytest.raises(Refused, match="4 MiB"):
        prom.value()


def test_the_token_is_sent_and_never_told() -> None:
    """With every question; in no error, nor in what a traceback shows."""
    with asking(token="s3cret\n") as prom:
        prom.server.answer("x", {"status": "error", "errorType": "e", "error": "no"}, 401)
        with pytest.raises(Refused) as refused:
            prom.value()
    assert prom.server.tokens == ["Bearer s3cret"]
    assert "s3cret" not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize("token", ["", " ", "s3\ncret", "s3cré"])
def test_a_token_that_cannot_be_one_is_refused(token: str) -> None:
    """It is not sent, and what the HTTP library would say about it shows it to nobody."""
    with asking(token=token) as prom, pytest.raises(Refused, match="token") as refused:
        prom.value()
    assert not prom.server.asked
    assert "s3" not in "".join(traceback.format_exception(refused.value))


def test_nobody_there_may_come_back() -> None:
    """No connection is no answer."""
    query = MetricQuery(source="prom", expression="x", budget=ERRORS)
    with (
        closed_port() as port,
        PrometheusMetrics(f"http://127.0.0.1:{port}", SystemClock()) as metrics,
        pytest.raises(Transient, match="ConnectError"),
    ):
        metrics.value(query, AT)


@pytest.mark.parametrize("address", ["prometheus:9090", "", "ftp://prometheus", "http://[::1"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    """Asking again cannot help."""
    with PrometheusMetrics(address, SystemClock()) as metrics, pytest.raises(Refused, match="URL"):
        metrics.value(MetricQuery(source="prom", expression="x", budget=ERRORS), AT)


def test_a_slow_source_is_given_up() -> None:
    """An answer that trickles in forever is no answer, though each byte comes in time."""

    class Trickling(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b" ")
                    self.wfile.flush()
            except OSError:
                self.close_connection = True

        def log_message(self, *args: object) -> None: ...

    soon = timedelta(seconds=0.1)
    query = MetricQuery(source="prom", expression="x", budget=ERRORS)
    with (
        serving(Trickling) as url,
        PrometheusMetrics(url, SystemClock(), timeout=soon) as metrics,
        pytest.raises(Transient, match="ReadTimeout"),
    ):
        metrics.value(query, AT)


def test_requests_are_asked_for_by_the_configured_expression(prom: Asking) -> None:
    """Prometheus extrapolates; the nearest whole number is told, whatever the number of series."""
    prom.server.vector("backend/backend-1/600", ({"code": "200"}, "8.4"), ({"code": "500"}, "2.3"))
    assert prom.metrics.requests(BACKEND, "backend-1", WINDOW, AT) == 11


@pytest.mark.parametrize("series", [(), (({}, "NaN"),), (({}, "+Inf"),), (({}, "-1"),)])
def test_a_count_that_is_none_is_unknown(
    prom: Asking, series: tuple[tuple[dict[str, str], str], ...]
) -> None:
    """No series, and everything that no count can be."""
    prom.server.vector("backend/backend-1/600", *series)
    assert prom.metrics.requests(BACKEND, "backend-1", WINDOW, AT) is None


def test_a_count_with_a_warning_is_unknown(prom: Asking) -> None:
    """It may be of a part of the data."""
    prom.server.vector("backend/backend-1/600", ({}, "5"), warnings=["partial"])
    assert prom.metrics.requests(BACKEND, "backend-1", WINDOW, AT) is None


def test_a_dollar_in_the_expression_may_stand() -> None:
    """Regular expressions end in one."""
    with asking(requests='x{service=~"$service$",code!~"5..$"}') as prom:
        prom.server.vector('x{service=~"backend$",code!~"5..$"}', ({}, "5"))
        assert prom.metrics.requests(BACKEND, "backend-1", WINDOW, AT) == 5


@pytest.mark.parametrize(
    ("resource", "revision"),
    [
        ("backend", "backend-1"),
        (f"{BACKEND}/revisions/x", "backend-1"),
        (BACKEND, ""),
        (BACKEND, 'x"} or vector(1) or y{a="'),
    ],
)
def test_a_name_that_is_none_is_refused(prom: Asking, resource: str, revision: str) -> None:
    """Nothing is asked: a name never becomes a part of the expression's grammar."""
    with pytest.raises(Refused, match="name no revision"):
        prom.metrics.requests(resource, revision, WINDOW, AT)
    assert not prom.server.asked
