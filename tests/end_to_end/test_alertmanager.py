"""A real Alertmanager's webhooks open and end incidents, whatever happens to Switchman meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.clock import SystemClock
from shared.adapters.sqlite.store import SqliteStore
from shared.config import SHIPPED_POLICY
from tests.end_to_end.alertmanager_process import alertmanager
from tests.end_to_end.world_process import WorldProcess, world

pytestmark = [pytest.mark.program, pytest.mark.slow]

LAG = {"alertname": "OpenAgentsRuntimeConvexProjectionLagHigh", "severity": "critical"}


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorldProcess]:
    """The one-machine world under the shipped policy, which settles in a second here."""
    shipped = SHIPPED_POLICY.read_text(encoding="utf-8")
    assert "settle: 60s" in shipped
    policy = tmp_path / "policy.yaml"
    policy.write_text(shipped.replace("settle: 60s", "settle: 1s"), encoding="utf-8")
    monkeypatch.setenv("SWITCHMAN_POLICY", str(policy))
    monkeypatch.delenv("SWITCHMAN_INGEST_TOKEN", raising=False)
    with world(tmp_path / "data") as process:
        yield process


def _since() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=1)


def _only_incident(process: WorldProcess) -> dict[str, Any]:
    """The one incident there is; none yet is empty."""
    found = process.client.incidents()
    assert len(found) < 2
    return process.client.incident(found[0]["id"]) if found else {}


def _state(process: WorldProcess) -> str:
    return str(_only_incident(process).get("state", ""))


def _paged(process: WorldProcess) -> bool:
    pages = _only_incident(process).get("pages", [])
    return any(page["sent_at"] for page in pages)


def _firing(process: WorldProcess) -> int:
    """How many alert rows of the incident are firing, from the store's own file."""
    store = SqliteStore(process.data / "switchman.sqlite3", SystemClock())
    try:
        return store.firing(_only_incident(process)["id"])
    finally:
        store.close()


def test_fires_and_resolves_across_a_restart_of_switchman(
    running: WorldProcess, tmp_path: Path
) -> None:
    """Killed between firing and resolved: one incident, one page, and it ends as resolved."""
    since = _since()
    with alertmanager(tmp_path / "alertmanager", running.client.base_url) as sender:
        sender.fire(LAG, since)
        running.until(lambda: _paged(running))
        opened = _only_incident(running)
        assert (opened["lane"], opened["team"], opened["severity"], opened["alerts"]) == (
            *("projector", "runtime", "sev1", 1),
        )
        assert _firing(running) == 1

        running.kill()
        running.start()
        before = sender.sent()
        sender.until(lambda: sender.sent() > before + 1)  # it repeats itself to the new process
        sender.resolve(LAG, since)
        running.until(lambda: _state(running) == "resolved")

    ended = _only_incident(running)
    assert (ended["id"], ended["alerts"], _firing(running)) == (opened["id"], 1, 0)
    assert [page["step"] for page in ended["pages"]] == ["opened"]
    assert len(running.client.pages()) == 1


def test_what_happens_while_switchman_is_down_is_not_lost(
    running: WorldProcess, tmp_path: Path
) -> None:
    """Alertmanager tries again until Switchman is back, firing and resolved alike."""
    since = _since()
    with alertmanager(tmp_path / "alertmanager", running.client.base_url) as sender:
        running.kill()
        sender.fire(LAG, since)
        sender.until(lambda: sender.failed() > 1)
        running.start()
        running.until(lambda: _paged(running))

        running.kill()
        sender.resolve(LAG, since)
        failed = sender.failed()
        sender.until(lambda: sender.failed() > failed + 1)
        running.start()
        running.until(lambda: _state(running) == "resolved")

    assert (_firing(running), len(running.client.pages())) == (0, 1)


def test_a_wrong_token_opens_nothing_until_it_is_mended(
    running: WorldProcess, tmp_path: Path
) -> None:
    """Every webhook with a wrong token is told 401; with the right one the alert is taken."""
    home, url = tmp_path / "alertmanager", running.client.base_url
    with alertmanager(home, url, token="wrong") as sender:
        sender.fire(LAG, _since())
        sender.until(lambda: sender.failed() > 1)
        assert "401" in (home / "out").read_text()
        assert running.client.incidents() == []

        sender.set_token("local")
        running.until(lambda: _paged(running))

    assert _only_incident(running)["alerts"] == 1
