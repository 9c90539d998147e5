"""The functions as they are deployed, with the real Pub/Sub emulator between them.

The emulator pushes without Authorization, delivery attempt and ordering key, keeps filters but
never applies them, and brings back every second what was not answered with 2xx.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.local import alertmanager
from shared.domain.incident import Incident
from shared.domain.paging import PageStep
from shared.domain.rollback_phase import Phase
from tests.end_to_end.google_cloud import HASTY, REFUSING, DeadLetter, GoogleCloud, google_cloud
from tests.functions import serving

pytestmark = [pytest.mark.emulator, pytest.mark.slow]

UNREADABLE = b"\xff\x00 not an alert; password=hunter2"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what a deployment uploads."""
    return serving.deploy(tmp_path_factory.mktemp("deployed") / "source")


@pytest.fixture
def cloud(
    pubsub_emulator: str, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[GoogleCloud]:
    """A deployment of its own for each test."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub_emulator)
    with google_cloud(source, pubsub_emulator, tmp_path) as running:
        yield running


def _webhook(name: str) -> dict[str, Any]:
    labels = {"alertname": name, "severity": "critical"}
    starts_at = datetime.now(UTC).isoformat()
    return alertmanager.webhook([alertmanager.alert(labels, "It is so", starts_at)])


def _monitored(incident_id: str) -> bytes:
    """An incident about the backend, as Cloud Monitoring publishes it."""
    incident = {
        "incident_id": incident_id,
        "state": "open",
        "started_at": int(datetime.now(UTC).timestamp()),
        "ended_at": None,
        "policy_name": "Backend answers 5xx",
        "condition_name": "5xx share",
        "summary": "The backend answers 5xx",
        "severity": "Critical",
        "metric": {"type": "run.googleapis.com/request_count", "labels": {}},
        "resource": {
            "type": "cloud_run_revision",
            "labels": {"service_name": "oa-convex-backend-nonprod"},
        },
    }
    return json.dumps({"version": "1.2", "incident": incident}).encode()


def _only_incident(cloud: GoogleCloud) -> Incident | None:
    """The incident, if there is one; never more than one."""
    found = [view.incident for view in cloud.store.incidents()]
    assert len(found) < 2
    return found[0] if found else None


def _paged(cloud: GoogleCloud) -> Incident:
    """The only incident, as soon as it is known that its page has been sent."""

    def paged() -> Incident | None:
        incident = _only_incident(cloud)
        sent = [page.sent_at for page in incident.pages] if incident else []
        return incident if sent and all(sent) else None

    return cloud.until(paged)


def _channels(cloud: GoogleCloud, incident: Incident) -> list[str]:
    """Where somebody was woken about the incident."""
    pages = cloud.client.pages()
    return [each["channel"] for each in pages if incident.id in json.dumps(each["blocks"])]


def _rollback(cloud: GoogleCloud) -> Phase | None:
    incident = _only_incident(cloud)
    return incident.rollback.phase if incident and incident.rollback else None


def _changes(cloud: GoogleCloud) -> list[str]:
    """Services whose traffic was changed, not only tried."""
    requests = cloud.client.traffic_requests()
    real = (r for r in requests if r["method"] == "UpdateService" and not r["validate_only"])
    return [request["service"] for request in real]


def test_an_incident_of_cloud_monitoring_ends_in_a_page(cloud: GoogleCloud) -> None:
    """Published to `events` without any attribute it pages the lane's team, with a proposal."""
    for service in ("oa-convex-backend-nonprod", "oa-convex-dashboard-nonprod"):
        cloud.client.deploy(service, "failing")

    cloud.publish(_monitored("0.monitored"))

    incident = _paged(cloud)
    assert (incident.lane, incident.severity.value) == ("infra", "sev1")
    assert _channels(cloud, incident) == ["#oncall-infra"]
    cloud.until(lambda: _rollback(cloud) is Phase.PROPOSED)
    cloud.until(lambda: cloud.door.statuses("command", b"0.monitored"))
    assert cloud.door.statuses("command", b"0.monitored") == [200]
    assert cloud.door.statuses("respond", b"0.monitored") == [200]
    assert _changes(cloud) == []


def test_an_alert_posted_to_ingest_ends_in_a_page(cloud: GoogleCloud) -> None:
    """`ingest` only publishes; `respond` opens the incident and `act` pages the lane's team."""
    webhook = _webhook("OpenAgentsRuntimeConvexProjectionLagHigh")

    assert [cloud.client.alert(webhook) for _ in range(3)] == [200] * 3

    incident = _paged(cloud)
    cloud.until(lambda: len(cloud.door.statuses("respond", b"ProjectionLagHigh")) == 3)
    assert cloud.door.statuses("respond", b"ProjectionLagHigh") == [200] * 3
    assert (incident.lane, incident.severity.value) == ("projector", "sev1")
    assert _channels(cloud, incident) == ["#oncall-runtime"]


def test_what_nobody_can_read_is_taken_once_and_pages(cloud: GoogleCloud) -> None:
    """It is recorded without its secrets, opens a triage incident, and does not come again."""
    cloud.subscribe("events", REFUSING)  # shows when what is refused would have come again

    cloud.publish(UNREADABLE)

    incident = _paged(cloud)
    assert (incident.lane, incident.team) == ("triage", "runtime")
    assert _channels(cloud, incident) == ["#oncall-runtime"]
    (rejected,) = cloud.store.rejected()
    assert "not an alert" in rejected.snippet
    assert "hunter2" not in rejected.snippet
    cloud.until(lambda: len(cloud.door.statuses(REFUSING, UNREADABLE)) >= 3)
    assert cloud.door.statuses("respond", UNREADABLE) == [200]
    assert cloud.door.statuses("command", UNREADABLE) == [200]


def test_a_function_that_is_down_gets_its_messages_later(cloud: GoogleCloud) -> None:
    """While `respond` and the pages' `act` are away alerts wait; once back, one page is sent."""
    cloud.kill("respond")
    cloud.kill("act-pages")

    assert cloud.client.alert(_webhook("ConvexTokenMintFailures")) == 200

    cloud.until(lambda: len(cloud.door.statuses("respond", b"TokenMint")) >= 2)
    assert set(cloud.door.statuses("respond", b"TokenMint")) == {503}
    assert _only_incident(cloud) is None
    cloud.start("respond")
    cloud.until(lambda: cloud.door.statuses("act-pages", b"action"))
    assert cloud.client.messages() == []
    cloud.start("act-pages")
    incident = _paged(cloud)
    assert [page.step for page in incident.pages] == [PageStep.OPENED]
    assert _channels(cloud, incident) == ["#oncall-web"]
    assert cloud.door.statuses("respond", b"TokenMint")[-1] == 200


def test_what_is_refused_five_times_is_a_dead_letter(cloud: GoogleCloud) -> None:
    """After the fifth 500 it goes to the dead-letter topic, as it was; others have long had it."""
    cloud.subscribe("events", REFUSING, attempts=HASTY)
    message = _monitored("0.refused")

    cloud.publish(message)

    dead = cloud.until(cloud.dead_letters)
    assert dead == [DeadLetter(message, f"events-{REFUSING}", HASTY)]
    assert cloud.door.statuses(REFUSING, b"0.refused") == [500] * HASTY
    assert cloud.door.statuses("respond", b"0.refused") == [200]
    assert _paged(cloud).lane == "infra"
