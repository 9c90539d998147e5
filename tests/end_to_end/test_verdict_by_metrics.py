"""The one-machine world: a rollback is judged by the metrics of its policy while the alert fires."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from infra.local.client import button
from infra.local.monitor import webhook
from infra.local.stage import APPROVE
from shared.config import SHIPPED_POLICY
from tests.end_to_end.world_process import WorldProcess, world

pytestmark = pytest.mark.slow

BACKEND, DASHBOARD = "oa-convex-backend-nonprod", "oa-convex-dashboard-nonprod"
APPROVER = "U0INFRA001"
FIRING_SINCE = "2026-11-22T10:00:00Z"


@pytest.fixture
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorldProcess]:
    """The shipped policy, where few errors within a few seconds show that it has recovered."""
    policy: dict[str, Any] = yaml.safe_load(SHIPPED_POLICY.read_text(encoding="utf-8"))
    policy["stacks"]["convex"]["rollback"] |= {
        "verify_window": "6s",
        "metrics": [{"query": "errors", "below": 5, "window": "1m"}],
    }
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump(policy), encoding="utf-8")
    monkeypatch.setenv("SWITCHMAN_POLICY", str(path))
    with world(tmp_path / "data", "empty") as process:
        yield process


def rolled_back(process: WorldProcess) -> None:
    """Bad revisions, their alert, a person's approval: and health is back."""
    client = process.client
    for service in (BACKEND, DASHBOARD):
        client.deploy(service, "failing")
        process.until(partial(_fails, process, service))
    process.until(partial(_all_carried_out, process))  # nothing is planned on top of a deployment
    assert client.alert(webhook(BACKEND, "firing", FIRING_SINCE)) == 200
    ts = process.until(
        lambda: next((m["ts"] for m in client.messages() if button(m, APPROVE)), None)
    )
    assert ts is not None
    client.press(ts, APPROVE, APPROVER)
    process.until(lambda: client.incidents()[0]["rollback"]["healthy_at"])


def _fails(process: WorldProcess, service: str) -> bool:
    return process.client.front(service) >= 500


def _all_carried_out(process: WorldProcess) -> bool:
    return not any(service["reconciling"] for service in process.client.services())


def verdict(process: WorldProcess) -> dict[str, Any]:
    """The incident, once its verdict is known."""
    known = lambda: process.client.incidents()[0]["rollback"]["verdict"]  # noqa: E731
    process.until(known)
    return process.client.incident(process.client.incidents()[0]["id"])


def sample(process: WorldProcess, errors: float) -> None:
    """So many errors are measured now."""
    url = f"{process.client.base_url}/sim/metrics/gauges"
    httpx.post(url, json={"name": "errors", "value": errors}).raise_for_status()


@pytest.mark.parametrize(("errors", "said"), [(1, "recovered"), (9, "not_recovered")])
def test_what_is_measured_after_health_decides(
    process: WorldProcess, errors: float, said: str
) -> None:
    """The alert fires on: a metric within its budget outweighs it, and one outside does not."""
    sample(process, 1)
    rolled_back(process)
    sample(process, errors)
    incident = verdict(process)
    assert incident["rollback"]["verdict"] == said
    phases = incident["rollback"]["phases"]
    assert [phase["name"] for phase in phases[3:]] == ["apply", "serve", "recover"]
    rto = sum(phase["seconds"] for phase in phases[3:])
    assert rto == pytest.approx(incident["rollback"]["rto_seconds"])


def test_without_a_sample_since_health_nobody_knows(process: WorldProcess) -> None:
    """What was measured before proves nothing: traffic stays, and somebody is paged."""
    sample(process, 1)
    rolled_back(process)
    incident = verdict(process)
    assert incident["rollback"]["verdict"] == "unknown"
    assert incident["pages"][-1]["step"] == "unproven"
    assert process.client.front(BACKEND, "/version") == 200
