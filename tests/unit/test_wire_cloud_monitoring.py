import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.domain.alert import Alert, AlertStatus
from shared.domain.errors import BadMessage
from shared.domain.severity import Severity
from shared.wire import cloud_monitoring


def incident(**changes: Any) -> dict[str, Any]:
    """An incident as Cloud Monitoring sends it; a change to `...` leaves the key out."""
    whole = {
        "incident_id": "0.abc",
        "state": "open",
        "started_at": 1772420645,
        "ended_at": None,
        "policy_name": "Latency",
        "condition_name": "p95",
        "summary": "p95 is above 2 s",
        "severity": "Warning",
        "url": "https://console/incidents/0.abc",
        "metric": {"type": "run.googleapis.com/request_latencies", "labels": {"code": 200}},
        "resource": {"type": "cloud_run_revision", "labels": {"service_name": "shop"}},
        "documentation": {"content": "Look.", "links": [{"url": "https://wiki/latency"}]},
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not ...}


def parsed(version: object = "1.2", **changes: Any) -> Alert:
    """The alert of such an incident."""
    body = json.dumps({"version": version, "incident": incident(**changes)}).encode()
    (alert,) = cloud_monitoring.parse(body, "gcp")
    return alert


def test_an_incident_is_read_in_full() -> None:
    """Metric, resource, names, severity, links and texts arrive in the domain's terms."""
    alert = parsed()
    assert (alert.source, alert.fingerprint) == ("gcp", "0.abc")
    assert alert.status is AlertStatus.FIRING
    assert alert.severity is Severity.SEV3
    assert alert.starts_at == datetime(2026, 3, 2, 3, 4, 5, tzinfo=UTC)
    assert alert.metric_type == "run.googleapis.com/request_latencies"
    assert alert.metric_labels == {"code": "200"}
    assert alert.resource_labels == {"service_name": "shop"}
    assert (alert.policy_name, alert.condition_name) == ("Latency", "p95")
    assert alert.runbook == "https://wiki/latency"
    assert alert.summary == "p95 is above 2 s"


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "test", "TEST", 1.2, None])
def test_every_version_is_read(version: object) -> None:
    """The version only matters in that a test notification is noted as one."""
    assert bool(parsed(version).notes) is (str(version).lower() == "test")


@pytest.mark.parametrize(
    "missing", ["condition", "metric", "resource", "metadata", "documentation", "severity"]
)
@pytest.mark.parametrize("how", [None, ...])
def test_optional_parts_may_be_missing_or_null(missing: str, how: object) -> None:
    """An incident without one of its optional parts is still the same alert."""
    assert parsed(**{missing: how}).row_id == parsed().row_id


@pytest.mark.parametrize(
    "started_at", [1772420645, 1772420645.0, "1772420645", "2026-03-02T03:04:05Z", 1772420645000]
)
def test_started_at_may_be_written_in_any_way(started_at: object) -> None:
    """Integer, decimal, digits, ISO time and milliseconds are the same instant."""
    assert parsed(started_at=started_at).row_id == parsed().row_id


@pytest.mark.parametrize("ended_at", [None, 0, "", ..., "rubbish"])
def test_a_closed_incident_is_resolved_with_or_without_its_end(ended_at: object) -> None:
    """An end that is null, 0, absent or unreadable is not known, and the alert resolved."""
    alert = parsed(state="CLOSED", ended_at=ended_at)
    assert alert.status is AlertStatus.RESOLVED
    assert alert.ends_at is None


def test_the_end_of_a_closed_incident_is_read() -> None:
    """A closed incident ends when it says."""
    assert parsed(state="Closed", ended_at="1772420646").ends_at == datetime(
        2026, 3, 2, 3, 4, 6, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        ("CRITICAL", "sev1"),
        ("Error", "sev2"),
        ("warning", "sev3"),
        ("No Severity", None),
        ("", None),
    ],
)
def test_severity_is_a_word_in_any_case(severity: str, expected: str | None) -> None:
    """Cloud Monitoring's words are understood; its "No Severity" is none."""
    assert parsed(severity=severity).severity == expected


def test_metric_and_resource_are_taken_from_the_filter_when_they_are_missing() -> None:
    """A condition's filter says what the incident itself leaves out."""
    alert = parsed(
        metric=...,
        resource=None,
        condition={
            "displayName": "x",
            "conditionThreshold": {
                "filter": 'metric.type="custom.googleapis.com/lag" '
                'resource.type="cloud_run_revision" resource.labels.service_name = "shop"'
            },
        },
    )
    assert alert.metric_type == "custom.googleapis.com/lag"
    assert alert.resource_type == "cloud_run_revision"
    assert alert.resource_labels == {"service_name": "shop"}


def test_without_an_id_the_fingerprint_is_what_it_is_about() -> None:
    """Condition and resource stand in for a missing incident_id, in whatever order."""
    labels = {"service_name": "shop", "location": "here"}
    one = parsed(incident_id=..., resource={"type": "t", "labels": labels})
    backwards = dict(reversed(labels.items()))
    same = parsed(incident_id="", resource={"type": "t", "labels": backwards})
    other = parsed(incident_id=..., resource={"type": "t", "labels": {"service_name": "x"}})
    assert one.fingerprint == same.fingerprint != other.fingerprint


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"state": "ajar"}, "neither open nor closed"),
        ({"state": None}, "neither open nor closed"),
        ({"started_at": None}, "not set"),
        ({"started_at": 0}, "not set"),
        ({"started_at": "soon"}, "not an RFC 3339 time"),
        ({"started_at": "nan"}, "calendar"),
        ({"started_at": 1e300}, "calendar"),
        ({"started_at": []}, "wrong form"),
        ({"resource": []}, "wrong form"),
        ({"metric": {"labels": {"a": []}}}, "wrong form"),
    ],
)
def test_an_incident_that_cannot_be_read_says_why(changes: dict[str, Any], reason: str) -> None:
    """What matters is checked, and the reason is in plain words."""
    with pytest.raises(BadMessage, match=reason):
        parsed(**changes)
