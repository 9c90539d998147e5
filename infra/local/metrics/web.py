"""Prometheus' HTTP API over the source, and the controls of the simulation.

`GET` and `POST /sim/metrics/api/v1/query` as
https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries has it;
`POST /sim/metrics/state` (`state`: up, stopped, away, refusing) and `POST /sim/metrics/gauges`
(`name, value`, and `labels` and `at` in Unix seconds, if any).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIEnvironment

import msgspec

from infra.local.cloud_run.web import answer_error, answer_json, body_of
from infra.local.metrics.evaluate import Item, Vector
from infra.local.metrics.promql import BadQuery, parse
from infra.local.metrics.samples import Gauge
from infra.local.metrics.source import Source, State
from shared.wire.decoders import decoder

PREFIX = "/sim/metrics/"
_FAULTS = {
    State.AWAY: (HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "the source is away"),
    State.REFUSING: (HTTPStatus.UNAUTHORIZED, "unauthorized", "the source wants no one"),
}


class _StateForm(msgspec.Struct, forbid_unknown_fields=True):
    state: State


class _GaugeForm(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    value: float
    labels: dict[str, str] = {}
    at: float | None = None


class MetricsWeb:
    """A WSGI application for the paths under `/sim/metrics/`."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path = environ["PATH_INFO"].removeprefix(PREFIX)
        if path == "api/v1/query":
            return self._query(_parameters(environ), start_response)
        controls = {"state": self._become, "gauges": self._set}
        if path not in controls or environ["REQUEST_METHOD"] != "POST":
            return answer_error(start_response, HTTPStatus.NOT_FOUND, f"nothing at {path!r}")
        try:
            controls[path](body_of(environ))
        except msgspec.MsgspecError as error:
            return answer_error(start_response, HTTPStatus.BAD_REQUEST, str(error))
        return answer_json(start_response, HTTPStatus.OK, {"state": self._source.state})

    def _become(self, body: bytes) -> None:
        self._source.become(decoder(_StateForm).decode(body).state)

    def _set(self, body: bytes) -> None:
        form = decoder(_GaugeForm).decode(body)
        at = self._source.clock() if form.at is None else form.at
        self._source.samples.set_gauge(Gauge(form.name, form.labels, at, form.value))

    def _query(
        self, parameters: Mapping[str, str], start_response: StartResponse
    ) -> Iterable[bytes]:
        if fault := _FAULTS.get(self._source.state):
            return _error(start_response, *fault)
        try:
            at = float(parameters.get("time") or self._source.clock())
            found = self._source.evaluation(at).of(parse(parameters.get("query", "")))
        except (BadQuery, ValueError) as error:
            return _error(start_response, HTTPStatus.BAD_REQUEST, "bad_data", str(error))
        data = _scalar(found, at) if isinstance(found, float) else _vector(found, at)
        return answer_json(start_response, HTTPStatus.OK, {"status": "success", "data": data})


def _parameters(environ: WSGIEnvironment) -> dict[str, str]:
    """The query's and the form's parameters, the first of each name."""
    both = "&".join(filter(None, (environ.get("QUERY_STRING", ""), body_of(environ).decode())))
    return {name: values[0] for name, values in parse_qs(both).items()}


def _scalar(value: float, at: float) -> dict[str, object]:
    return {"resultType": "scalar", "result": [at, _number(value)]}


def _vector(vector: Vector, at: float) -> dict[str, object]:
    def element(item: Item) -> dict[str, object]:
        return {"metric": item.labels, "value": [at, _number(item.value)]}

    return {"resultType": "vector", "result": [element(item) for item in vector]}


def _number(value: float) -> str:
    """A sample's value as Prometheus writes it: always a string."""
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else repr(value)


def _error(
    start_response: StartResponse, status: HTTPStatus, kind: str, reason: str
) -> Iterable[bytes]:
    document = {"status": "error", "errorType": kind, "error": reason}
    return answer_json(start_response, status, document)
