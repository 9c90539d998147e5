"""However often one alert is delivered, it is one incident and one page."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.local.monitor import webhook
from tests.end_to_end.world_process import world

pytestmark = pytest.mark.slow


def test_the_same_alert_fifty_times_at_once(tmp_path: Path) -> None:
    """Fifty deliveries at once: each is answered 200, one incident, one alert, one page."""
    alert = webhook("oa-convex-backend-nonprod", "firing", "2026-11-22T10:00:00Z")
    with world(tmp_path / "data") as process:
        with ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(process.client.alert, [alert] * 50))
        assert answers == [200] * 50
        process.until(lambda: process.client.incidents()[0]["pages"][0]["sent_at"])
        assert process.client.alert(alert) == 200
        rollback = process.until(
            lambda: process.client.incidents()[0]["rollback"]["phase"] != "planning"
        )
        assert rollback
        incidents = process.client.incidents()
        assert [incident["alerts"] for incident in incidents] == [1]
        assert len(process.client.pages()) == 1


def test_a_wrong_token_is_told_so(tmp_path: Path) -> None:
    """A sender with a wrong token gets 401, and nothing is opened."""
    with world(tmp_path / "data") as process:
        stranger = type(process.client)(process.client.base_url, token="wrong")
        alert = webhook("oa-convex-backend-nonprod", "firing", "2026-11-22T10:00:00Z")
        assert stranger.alert(alert) == 401
        stranger.close()
        assert process.client.incidents() == []
