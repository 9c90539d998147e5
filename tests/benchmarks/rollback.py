"""How long a rollback takes: of two services, of one alone, and as the runbook has it done.

All three in one world, where each change of traffic takes Cloud Run 8 s. Switchman's are real
ones from the alert on: a person approves, the alert ends meanwhile, and the clock stops at the
verdict. The runbook's way moves one service after the other, as `gcloud` does, and then looks at
their health; how long that look takes there is what health takes of Switchman's time too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import yaml

from infra.local import alertmanager
from infra.local.client import WorldClient, button
from infra.local.stage import APPROVE
from shared.config import SHIPPED_POLICY
from shared.policy import load
from tests.benchmarks import runbook
from tests.benchmarks.figure import Figure
from tests.benchmarks.progress import Progress
from tests.benchmarks.served import LocalWorld, folder_of_its_own, local_world

PAIR, ALONE, BY_HAND = "pair", "alone", "by-hand"
STACKS: Final = {
    PAIR: ("backend", "dashboard"),
    ALONE: ("backend",),
    BY_HAND: ("backend", "dashboard"),
}
APPROVER: Final = "U0INFRA001"
OPERATION, QUICK_OPERATION = 8.0, 2.0
_RATIO: Final = 1.1
_OVERHEAD_MS: Final = 300.0
_PATIENCE: Final = 60.0
_BETWEEN_LOOKS: Final = 0.2


def run(progress: Progress, quick: bool) -> Iterator[Figure]:
    """The three ways in seconds, and what Switchman adds to the operation and to health."""
    operation = QUICK_OPERATION if quick else OPERATION
    before = os.getloadavg()
    with folder_of_its_own() as folder:
        policy = write_policy(folder / "policy.yaml")
        with local_world(folder, policy) as world:
            for stack in STACKS:
                _break(world, stack, operation)
            progress("rollback: one service alone")
            alone = _rolled_back(world.client, ALONE)
            progress("rollback: two services")
            pair = _rolled_back(world.client, PAIR)
            progress("rollback: one after the other, as the runbook has it")
            by_hand = runbook.roll_back(load(policy).stack(BY_HAND), _address(world.data))
    details = {"load": before, "operation": operation, "pair": pair, "alone": alone}
    took = _seconds(pair, "approved_at", "verdict_at")
    yield Figure(
        name="rollback of two services, against the slower alone",
        value=took,
        unit="s",
        floor=_seconds(alone, "approved_at", "verdict_at"),
        promised=_RATIO,
        details=details,
    )
    yield Figure(
        name="the same one after the other, as the runbook has it",
        value=by_hand.total.total_seconds(),
        unit="s",
        details={"moves": [each.total_seconds() for each in by_hand.moves]},
    )
    yield Figure(
        name="rollback beyond its operation and health",
        value=(took - operation - by_hand.health.total_seconds()) * 1000,
        unit="ms",
        promised=_OVERHEAD_MS,
        details={"health": by_hand.health.total_seconds(), "phases": pair["phases"]},
    )


def write_policy(path: Path) -> Path:
    """The shipped policy's people and lanes, with stacks of our own."""
    found: dict[str, Any] = yaml.safe_load(SHIPPED_POLICY.read_text(encoding="utf-8"))
    check = [{"path": "/", "status": [200, 302]}]
    found["stacks"] = {
        stack: {
            "project": "bench",
            "region": "us-central1",
            "services": {f"{stack}-{part}": {"health": check} for part in parts},
            "rollback": {"approvers": ["infra"]},
        }
        for stack, parts in STACKS.items()
    }
    found["routes"] = [
        {"id": stack, "lane": "infra", "stack": stack, "match": [f'stack="{stack}"']}
        for stack in STACKS
    ]
    path.write_text(yaml.safe_dump(found), encoding="utf-8")
    return path


def _break(world: LocalWorld, stack: str, operation: float) -> None:
    """A bad revision serves each of the stack's services; from now on a change takes so long."""
    for part in STACKS[stack]:
        service = f"{stack}-{part}"
        world.client.deploy(service, "failing")
        _until(partial(_fails, world.client, service))
        world.client.fault(service, "slow_operation", seconds=operation)


def _fails(client: WorldClient, service: str) -> bool:
    return client.front(service) >= HTTPStatus.INTERNAL_SERVER_ERROR


def _rolled_back(client: WorldClient, stack: str) -> dict[str, Any]:
    """From the alert to the verdict: the rollback in JSON, with the verdict's time."""
    starts_at = datetime.now(UTC).isoformat()
    _report(client, stack, starts_at, "firing")
    ts = _until(lambda: _proposal(client, stack))
    client.press(ts, APPROVE, APPROVER)
    _report(client, stack, starts_at, "resolved")
    incident = _until(lambda: _judged(client, stack))
    rollback: dict[str, Any] = incident["rollback"]
    if rollback["verdict"] != "recovered":
        raise RuntimeError(f"{stack} was not rolled back: {rollback}")
    (line,) = [line for line in incident["timeline"] if line["kind"] == "verdict"]
    return {**rollback, "verdict_at": line["at"]}


def _report(client: WorldClient, stack: str, starts_at: str, status: str) -> None:
    labels = {"alertname": "RequestsFail", "severity": "sev2", "stack": stack}
    about = alertmanager.alert(labels, f"requests to {stack} fail", starts_at, status)
    client.alert(alertmanager.webhook([about]))


def _proposal(client: WorldClient, stack: str) -> str | None:
    """The message that offers the stack's rollback, by its timestamp."""
    offers = (m for m in client.messages() if button(m, APPROVE) and f"{stack}-backend" in str(m))
    return next((str(message["ts"]) for message in offers), None)


def _judged(client: WorldClient, stack: str) -> dict[str, Any] | None:
    found = next((i for i in client.incidents() if i["stack"] == stack), None)
    known = found and found["rollback"] and found["rollback"]["verdict"]
    return client.incident(found["id"]) if found and known else None


def _until(look: Callable[[], Any]) -> Any:
    """What is there, as soon as it is."""
    deadline = time.monotonic() + _PATIENCE
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError("the world does not get there")
        time.sleep(_BETWEEN_LOOKS)
    return found


def _seconds(rollback: dict[str, Any], begin: str, end: str) -> float:
    took: timedelta = datetime.fromisoformat(rollback[end]) - datetime.fromisoformat(
        rollback[begin]
    )
    return took.total_seconds()


def _address(data: Path) -> str:
    """Where the world's Cloud Run answers."""
    return (data / "cloud_run.address").read_text(encoding="utf-8")
