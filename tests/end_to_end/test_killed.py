"""Killed with `kill -9` at any moment and started again, the incident carries on where it was."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from infra.local.client import WorldClient
from tests.end_to_end.world_process import WorldProcess, world

pytestmark = pytest.mark.slow


def _incident(client: WorldClient) -> dict[str, Any]:
    found = client.incidents()
    return client.incident(found[0]["id"]) if found else {}


def _rollback(client: WorldClient) -> dict[str, Any]:
    return _incident(client).get("rollback") or {}


def _changes(client: WorldClient) -> Counter[str]:
    """How often each service's traffic was really changed."""
    return Counter(
        request["service"]
        for request in client.traffic_requests()
        if request["method"] == "UpdateService"
        and not request["validate_only"]
        and request["outcome"] == "OK"
    )


def _posts(client: WorldClient) -> Counter[str]:
    """How many messages stand in each channel."""
    return Counter(message["channel"] for message in client.messages())


def _passed(instant: float) -> bool:
    return time.monotonic() >= instant


TOLD = ("#oncall-infra", "#incident-command", "#product")
"""Of Sev1 its owner is paged; commander and product owner are told."""

MOMENTS: dict[str, Callable[[WorldClient], bool]] = {
    "the alert has arrived": lambda c: bool(c.incidents()),
    "the page is out": lambda c: bool(c.messages()),
    "the rollback is proposed": lambda c: _rollback(c).get("phase") == "proposed",
    "the rollback is approved": lambda c: _rollback(c).get("phase") == "applying",
    "traffic is on its way": lambda c: bool(_changes(c)),
    "traffic has moved": lambda c: _rollback(c).get("phase") == "applied",
}


def _recovered(killed: WorldProcess) -> None:
    """The incident ended as if nothing had happened: paged once, moved once, recovered."""
    killed.until(lambda: _rollback(killed.client).get("verdict"), 60)
    incident = _incident(killed.client)
    assert incident["rollback"]["verdict"] == "recovered"
    assert len(killed.client.incidents()) == 1
    assert [page["step"] for page in incident["pages"]] == ["opened"]
    assert _posts(killed.client) == dict.fromkeys(TOLD, 1), "nobody is paged or told twice"
    assert set(_changes(killed.client).values()) == {1}, "each service is moved once"
    assert len(_changes(killed.client)) == 2


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_once(moment: str, tmp_path: Path) -> None:
    """Killed when it is hardest, it ends with one page, one change for each service, recovered."""
    with world(tmp_path / "data", "bad-revision") as process:
        process.until(lambda: MOMENTS[moment](process.client))
        process.kill()
        process.start()
        _recovered(process)


def test_killed_again_and_again(tmp_path: Path) -> None:
    """Killed ten times at random instants, it still ends with one page and recovered."""
    chance = random.Random(20261122)
    with world(tmp_path / "data", "bad-revision") as process:
        for _ in range(10):
            wait = time.monotonic() + chance.uniform(0.05, 1.2)
            process.until(partial(_passed, wait))
            process.kill()
            process.start()
        _recovered(process)
