"""Alerts that meet a broken deployment."""

from __future__ import annotations

from typing import Any, Final

from tests.functions.messages import BEARER, alert, push_of, webhook
from tests.functions.serving import Served
from tests.hook import Hook

TITLE: Final = "openagents_runtime_convex_projection_lag_high"
SERVICE: Final = "oa-convex-backend-nonprod"
LABELS: Final = {"alertname": TITLE, "severity": "critical", "service": SERVICE}
ALERT: Final = webhook(alert(labels=LABELS))


def delivered(function: Served, attempt: int, found: object = None) -> int:
    """The status of the answer to a message, the alert's if none is given, at its nth delivery."""
    body: dict[str, Any] = push_of(found or ALERT, source="alertmanager")
    return function.client.post("/", json={**body, "deliveryAttempt": attempt}).status_code


def posted(ingest: Served) -> int:
    """The status with which `ingest` answers the alert's webhook."""
    return ingest.client.post("/", headers=BEARER, json=ALERT).status_code


def only(hook: Hook) -> str:
    """The one text that was sent."""
    (text,) = hook.texts()
    return text
