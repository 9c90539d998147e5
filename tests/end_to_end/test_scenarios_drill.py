"""The order for a drill, as Cloud Scheduler sends it."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local.scenarios.steps import SUFFIXES
from tests.end_to_end.shapes import OLD
from tests.end_to_end.world_process import WorldProcess, world

pytestmark = pytest.mark.slow

AT = "2026-11-22T10:00:00Z"
ORDER = {"drill": "rollback", "stack": "convex"}


def _deploy(process: WorldProcess) -> None:
    """A second good revision of each service."""
    for service, suffix in zip(OLD, SUFFIXES, strict=True):
        process.client.deploy(service, "good", suffix)
    process.until(lambda: not any(s["reconciling"] for s in process.client.services()))


def test_only_apply_moves_traffic_and_a_repeat_is_no_second_drill(tmp_path: Path) -> None:
    """Without `apply` it is a plan; the same schedule time twice is one drill of each kind."""
    with world(tmp_path / "data", "empty") as process:
        client = process.client
        _deploy(process)
        assert [client.drill(ORDER, AT) for _ in range(2)] == [200, 200]
        (planned,) = process.until(client.drills)
        assert (planned["passed"], planned["applied"]) == (True, False)
        assert all(request["validate_only"] for request in _updates(process))

        assert [client.drill(ORDER | {"apply": True}, AT) for _ in range(2)] == [200, 200]
        process.until(lambda: len(client.drills()) == 2)
        assert sorted(drill["applied"] for drill in client.drills()) == [False, True]
        assert sum(not request["validate_only"] for request in _updates(process)) == 4


def test_an_apply_that_is_neither_true_nor_false_is_rejected(tmp_path: Path) -> None:
    """In doubt traffic does not move: the order is acknowledged, and nothing is begun."""
    with world(tmp_path / "data", "empty") as process:
        assert process.client.drill(ORDER | {"apply": "yes"}, AT) == 200
        assert process.client.drill({**ORDER, "drill": "dance"}, AT) == 200
        (refused,) = process.until(process.client.drills)
        assert refused["verdict"] == "REFUSED"
        assert refused["text"].startswith("there is no drill called 'dance'")


def _updates(process: WorldProcess) -> list[dict[str, object]]:
    return [r for r in process.client.traffic_requests() if r["method"] == "UpdateService"]
