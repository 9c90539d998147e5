"""Whatever bytes come in: an answer, or `BadMessage` with a short reason, and nothing else."""

import base64
import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.classify import classify
from shared.domain.errors import BadMessage
from shared.policy import load
from shared.wire import alertmanager, alerts, cloud_monitoring, pubsub
from shared.wire.limits import TooLarge

ROOT = Path(__file__).parents[2]
POLICY = load(ROOT / "infra/policies/convex.yaml")
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["firing", "open", "1.0", "2026-03-02T03:04:05Z", "e30=", 1772420645])
)
_KEYS = st.text() | st.sampled_from(
    [
        "alerts",
        "incident",
        "message",
        "data",
        "specversion",
        "data_base64",
        "labels",
        "annotations",
        "status",
        "startsAt",
        "endsAt",
        "fingerprint",
        "state",
        "started_at",
        "ended_at",
        "condition",
        "metric",
        "resource",
        "type",
        "metadata",
        "documentation",
        "links",
        "url",
        "severity",
        "attributes",
        "subscription",
        "truncatedAlerts",
        "version",
    ]
)
JSON = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=6),
    max_leaves=30,
)


def try_everything(body: bytes) -> None:
    """Every door of the wire, and the classifier behind them."""
    for door in (alerts.parse_any, alertmanager.parse, cloud_monitoring.parse):
        try:
            found = door(body, "s")
        except (BadMessage, TooLarge) as error:
            assert len(str(error)) < 300  # noqa: PT017 - every reason is bounded
        else:
            for alert in found:
                assert classify(POLICY, alert).lane in POLICY.lanes
                assert json.dumps(dict(alert.labels)).encode()
                assert alert.event_id.encode()
    with contextlib.suppress(BadMessage):
        assert isinstance(pubsub.unwrap(body, {"ce-id": "1"}).data, bytes)


def deep(opening: str, closing: str) -> bytes:
    """A hundred thousand levels."""
    return (opening * 100_000 + closing * 100_000).encode()


@given(st.binary())
def test_any_bytes(body: bytes) -> None:
    """Any bytes at all raise nothing but the declared errors."""
    try_everything(body)


@given(JSON)
def test_any_json(value: Any) -> None:
    """Any JSON with the keys we look for in any place raises nothing but the declared errors."""
    try_everything(json.dumps(value).encode())


@given(JSON)
def test_any_json_where_an_alert_or_incident_should_be(value: Any) -> None:
    """The same inside a webhook, an incident, an envelope and an envelope's data."""
    inner = json.dumps(value)
    data = base64.b64encode(inner.encode()).decode()
    for body in (
        f'{{"alerts":[{inner}]}}',
        f'{{"incident":{inner}}}',
        f'{{"message":{inner}}}',
        json.dumps({"message": {"data": data}}),
        f'{{"specversion":"1.0","data":{inner}}}',
    ):
        try_everything(body.encode())


@pytest.mark.parametrize(
    "body",
    [
        deep("[", "]"),
        deep('{"a":', "}"),
        b'{"alerts":' + deep("[", "]") + b"}",
        b'{"alerts":[{"labels":{"a":"b"},"x":' + deep("[", "]") + b"}]}",
        b'{"incident":{"condition":' + deep('{"a":', "}") + b"}}",
        b'{"message":{"data":"' + base64.b64encode(deep("[", "]")) + b'"}}',
        b'{"incident":{"started_at":1e309}}',
        b'{"incident":{"started_at":' + b"9" * 10_000 + b"}}",
        b'{"incident":{"started_at":NaN}}',
        b'{"incident":{"state":"\\ud800"}}',
        b'{"incident":{"state":"\xed\xa0\x80"}}',
        b'{"alerts":[{"labels":{"\\u0000":"\\u0000"},"status":"firing"}]}',
        b'{"alerts":[{"labels":{"a":"b","a":{}}}]}',
        b"\x1f\x8b\x08\x00gzip",
        "{}".encode("utf-16"),
        b"<xml/>",
        b"alerts=1&labels=2",
    ],
)
def test_hostile_bodies(body: bytes) -> None:
    """Depth, sizes, encodings and numbers beyond reason are bad messages."""
    with pytest.raises(BadMessage):
        alerts.parse_any(body, "s")
    try_everything(body)


@pytest.mark.parametrize("name", ["alertmanager", "grafana", "cloud_monitoring", "envelopes"])
def test_every_beginning_of_a_sample_is_a_bad_message(name: str) -> None:
    """A body that was cut short never counts as something it was not."""
    line = (ROOT / f"tests/samples/{name}.jsonl").read_text(encoding="utf-8").splitlines()[0]
    body = json.dumps(json.loads(line)["body"]).encode()
    for length in range(0, len(body), 7):
        with pytest.raises(BadMessage):
            alerts.parse_any(body[:length], "s")


def test_reasons_never_quote_the_message() -> None:
    """What a sender put into a message, such as a secret, is in no reason."""
    for body in (
        b'{"alerts":[{"labels":{"hunter2":{"hunter2":[]}}}]}',
        b'{"incident":{"state":"hunter2"}}',
        b'{"alerts":[{"labels":{"a":"b"},"status":"firing","startsAt":"hunter2"}]}',
        b'{"message":{"data":"hunter2!"}}',
        b'{"hunter2":1}',
    ):
        with pytest.raises(BadMessage) as caught:
            alerts.parse_any(body, "s")
        assert "hunter2" not in str(caught.value)
