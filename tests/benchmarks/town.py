"""Many stacks, and the alerts about them: a policy to run under, and what senders send.

A *cell* is one lane of one stack. An alert *changes its stack* when it opens its cell's incident
or raises its severity, which can be four times; every other one joins what is open, and writes
only its own row.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, product
from pathlib import Path
from typing import Any

import yaml

from infra.local import alertmanager
from shared.adapters.push_client import envelope
from shared.adapters.sqlite.messages import Waiting
from shared.config import SHIPPED_POLICY
from shared.wire.alertmanager import split

SOURCE = "alertmanager"
STACKS = 50
LANES = 60
SEVERITIES = ("sev4", "sev3", "sev2", "sev1")

_STARTED = datetime.now(UTC) - timedelta(minutes=5)


def write_policy(path: Path, lanes: int = LANES) -> Path:
    """The shipped policy with a route, and so an incident, for each cell of many stacks more."""
    found: dict[str, Any] = yaml.safe_load(SHIPPED_POLICY.read_text(encoding="utf-8"))
    where = {"project": "town", "region": "us-central1", "services": {}}
    found["stacks"] |= {f"stack-{stack}": where for stack in range(STACKS)}
    found["lanes"] |= {f"lane-{lane}": {"owner": "infra"} for lane in range(lanes)}
    found["routes"][:0] = [
        {
            "id": f"cell-{stack}-{lane}",
            "lane": f"lane-{lane}",
            "stack": f"stack-{stack}",
            "match": [f'cell="{stack}-{lane}"'],
        }
        for stack, lane in product(range(STACKS), range(lanes))
    ]
    path.write_text(json.dumps(found), encoding="utf-8")  # which is YAML too
    return path


def first() -> Iterator[dict[str, Any]]:
    """An alert for each stack, which opens what others join."""
    for stack in range(STACKS):
        yield _alert(f"first-{stack}", stack, 0, SEVERITIES[0])


def storm() -> Iterator[dict[str, Any]]:
    """Alerts about one service, without end: the first opens an incident, the others join it."""
    for number in count():
        yield _alert(f"storm-{number}", 0, 0, SEVERITIES[0])


def opening(name: str) -> Iterator[dict[str, Any]]:
    """Alerts that each open an incident, in turn."""
    for lane, stack in product(range(LANES), range(STACKS)):
        yield _alert(f"{name}-{lane}-{stack}", stack, lane, SEVERITIES[0])


def ended(alert: dict[str, Any]) -> dict[str, Any]:
    """The same alert when it has ended."""
    return {**alert, "status": "resolved", "endsAt": datetime.now(UTC).isoformat()}


def joining(name: str) -> Iterator[dict[str, Any]]:
    """Alerts that change nothing about their stacks, without end. A name makes them distinct."""
    for number in count():
        yield _alert(f"{name}-{number}", number % STACKS, 0, SEVERITIES[0])


def changing(name: str, lanes: int = LANES) -> Iterator[dict[str, Any]]:
    """Alerts that each change their stack, in turn."""
    for lane, severity, stack in product(range(1, lanes), SEVERITIES, range(STACKS)):
        yield _alert(f"{name}-{lane}-{severity}-{stack}", stack, lane, severity)


def mixed(name: str) -> Iterator[dict[str, Any]]:
    """Of ten alerts one changes its stack."""
    others = joining(name)
    for change in changing(name):
        yield change
        for _ in range(9):
            yield next(others)


def pushed(alert: dict[str, Any]) -> bytes:
    """The alert as `respond` gets it: what `ingest` publishes, in a push envelope."""
    (single,) = split(webhook(alert), SOURCE).messages
    message = Waiting(
        seq=0,
        topic="events",
        id=single.event_id,
        data=single.body,
        attributes={"kind": "alert", "source": SOURCE},
        published_at=_STARTED,
        attempts=0,
    )
    return envelope(message, "events-respond")


def webhook(*alerts: dict[str, Any]) -> bytes:
    """The alerts as Alertmanager sends them."""
    return json.dumps(alertmanager.webhook(alerts)).encode()


def _alert(name: str, stack: int, lane: int, severity: str) -> dict[str, Any]:
    labels = {
        "alertname": "ConvexBackendUnhealthy",
        "cell": f"{stack}-{lane}",
        "severity": severity,
        "service": f"backend-{stack}",
        "instance": f"{name}:8080",
        "region": "us-central1",
    }
    summary = f"{name} of backend-{stack} has not answered its health checks for five minutes"
    return alertmanager.alert(labels, summary, _STARTED.isoformat())
