"""Recorded alerts: they come back as they were, in bounds, and without secrets and people."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.alert import Alert, AlertRow, AlertStatus
from shared.domain.classify import classify
from shared.domain.recording import MOST
from shared.domain.secrets import redacted
from shared.domain.severity import Severity
from shared.wire import alerts, pubsub, recording
from shared.wire.redaction import Redaction
from tests.builders import NOON
from tests.unit.test_classify_samples import POLICY, SAMPLES, Sample

FULL = Alert(
    source="alertmanager",
    fingerprint="f00d",
    status=AlertStatus.FIRING,
    starts_at=NOON,
    name="ConvexBackendDown",
    summary="it is down",
    severity=Severity.SEV1,
    labels={"alertname": "ConvexBackendDown"},
    annotations={"summary": "it is down"},
    metric_type="run.googleapis.com/request_count",
    metric_labels={"code": "5xx"},
    resource_type="cloud_run_revision",
    resource_labels={"service_name": "convex"},
    policy_name="errors",
    condition_name="too many",
    expression="up == 0",
    url="https://prometheus.example/graph",
)


def row(alert: Alert) -> AlertRow:
    """The row that the store keeps of an alert."""
    return AlertRow(
        id=alert.row_id,
        stack="convex",
        lane="infra",
        incident="convex-1",
        status=alert.status,
        title=alert.title,
        starts_at=alert.starts_at,
        received_at=NOON,
        labels=alert.labels,
        recorded=alert.recorded(),
    )


def test_row_tells_the_alert_again() -> None:
    """Everything that classification looks at comes back from the row."""
    assert row(FULL).again() == FULL


def test_row_of_an_older_version_tells_what_it_has() -> None:
    """Without a recording there are the labels, the title and the times."""
    again = replace(row(FULL), recorded=None).again()
    assert (again.labels, again.name, again.starts_at) == (FULL.labels, FULL.name, NOON)


@given(st.dictionaries(st.text(max_size=40), st.text(max_size=6000), max_size=12))
def test_row_stays_small(annotations: dict[str, str]) -> None:
    """However much a sender says, no more than so many characters are kept, and it is marked."""
    kept = replace(FULL, annotations=annotations).recorded()
    texts = [*kept.annotations, *kept.annotations.values(), kept.url, kept.summary, kept.name]
    assert sum(map(len, texts)) <= MOST
    whole = kept.annotations == annotations and kept.url == FULL.url
    assert kept.cut is not whole


def test_line_of_a_recording_is_read_as_it_was() -> None:
    """The line holds the whole alert, and says when it was received."""
    (again,) = alerts.parse_any(recording.line(FULL, NOON + timedelta(seconds=5)).encode(), "")
    assert again == replace(FULL, published_at=NOON + timedelta(seconds=5))


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_recorded_samples_are_classified_as_before(sample: Sample) -> None:
    """Neither being recorded nor being redacted changes where an alert goes."""
    body = pubsub.unwrap(json.dumps(sample.body).encode(), sample.headers).data
    (alert,) = alerts.parse_any(body, "samples")
    line = recording.line(Redaction().alert(row(alert).again()), NOON)
    (again,) = alerts.parse_any(line.encode(), "")
    before, after = classify(POLICY, alert), classify(POLICY, again)
    assert (after.lane, after.rule, after.severity) == (before.lane, before.rule, before.severity)


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("password", "hunter2", "[secret-1]"),
        ("summary", "token=abc123 expired", "token=[secret-1] expired"),
        ("summary", "sent Bearer abcdef0123456789", "sent [secret-1]"),
        ("summary", "eyJhbGciOi.eyJzdWIi.sig says no", "[secret-1] says no"),
        ("summary", "ask Ann.Lee@example.com", "ask [email-1]"),
        ("instance", "10.1.2.3:9090", "[ip-1]:9090"),
        ("summary", "from 2001:db8::8a2e:370:7334 too", "from [ip-1] too"),
        ("link", "https://ann:pass@example.com/x", "https://[secret-1]@example.com/x"),
        ("user", "ann", "[person-1]"),
        ("owner_email", "ann at example", "[person-1]"),
        ("secret_id", "oa-convex-nonprod-admin-key", "oa-convex-nonprod-admin-key"),
        ("service", "oa-convex-backend-nonprod", "oa-convex-backend-nonprod"),
        (
            "summary",
            "Convex projection lag is 500 at 12:30",
            "Convex projection lag is 500 at 12:30",
        ),
        ("version", "1.2.3", "1.2.3"),
    ],
)
def test_secrets_and_people_are_left_out(name: str, value: str, shown: str) -> None:
    """By its name or by its shape; what an alert is about stays."""
    redacted = Redaction().alert(replace(FULL, annotations={name: value}, labels={name: value}))
    assert redacted.annotations == {name: shown}
    assert redacted.labels == {name: shown}


def test_equal_stays_equal() -> None:
    """The same address is the same number in every alert of a recording, another is another."""
    redaction = Redaction()
    texts = [
        redaction.alert(replace(FULL, summary=summary)).summary
        for summary in ("a@x.org", "b@x.org", "A@x.org")
    ]
    assert texts == ["[email-1]", "[email-2]", "[email-1]"]


def test_url_loses_its_query() -> None:
    """Of a link stays what it leads to, not what is asked there."""
    url = "https://u:p@prometheus.example/graph?g0.expr=up&token=1#x"
    assert Redaction().alert(replace(FULL, url=url)).url == "https://prometheus.example/graph"


def test_redacted_alert_stays_as_it_is() -> None:
    """To redact a recording again changes nothing but the numbers' order."""
    once = Redaction().alert(replace(FULL, labels={"user": "ann"}, annotations={"a": "1.2.3.4"}))
    assert Redaction().alert(once) == once


@pytest.mark.parametrize(
    "secret",
    [
        "ghp_" + "a1B2" * 9,
        "github_pat_" + "x" * 30,
        "glpat-abcdefghij1234567890",
        "AKIA" + "IOSFODNN7EXAMPLE",
        "sk_live_" + "4eC39HqLyjWDarjtT1zd",
        "SG." + "a" * 22 + "." + "b" * 43,
        "https://hooks.slack.com/services/T000/B000/" + "X" * 24,
    ],
)
def test_keys_of_well_known_vendors_are_known_by_their_shape(secret: str) -> None:
    """Whatever they are called where they stand."""
    assert secret not in redacted(f"it said {secret} and failed")
