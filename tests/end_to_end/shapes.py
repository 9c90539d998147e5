"""What the world's public endpoints show, made by hand: services, changes, messages, pages."""

from __future__ import annotations

from typing import Any

from infra.local.scenarios import steps

BACKEND, DASHBOARD = "oa-convex-backend-nonprod", "oa-convex-dashboard-nonprod"
OLD = {BACKEND: f"{BACKEND}-00010-kpf", DASHBOARD: f"{DASHBOARD}-00001-8rs"}
NEW = {
    service: f"{service}-{number}-{suffix}"
    for (service, number), suffix in zip(
        ((BACKEND, "00011"), (DASHBOARD, "00002")), steps.SUFFIXES, strict=True
    )
}
LATEST = [{"type": "LATEST", "revision": "", "percent": 100, "tag": ""}]


def pinned(revision: str) -> list[dict[str, Any]]:
    """All traffic asked for this revision."""
    return [{"type": "REVISION", "revision": revision, "percent": 100, "tag": ""}]


def message(channel: str, text: str, *buttons: str) -> dict[str, Any]:
    """A page as Slack shows it."""
    section = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
    actions = {"type": "actions", "elements": [{"action_id": each} for each in buttons]}
    blocks = [section, actions] if buttons else [section]
    return {"channel": channel, "ts": "1.0", "text": "", "blocks": blocks, "ephemeral_to": None}


def page(person: str, step: str = "opened") -> dict[str, Any]:
    """A page as the API shows it."""
    sent_at = "2026-11-22T10:00:01+00:00"
    return {"person": person, "step": step, "sent_at": sent_at, "acknowledged_at": None}


def service(name: str, asked: list[dict[str, Any]], serves: str) -> dict[str, Any]:
    """A service as Cloud Run shows it."""
    return {"service": name, "traffic": asked, "traffic_statuses": pinned(serves)}


def change(
    name: str, at: float, before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> dict[str, Any]:
    """A change that Cloud Run was asked for."""
    return {
        "service": name,
        "at": at,
        "method": "UpdateService",
        "validate_only": False,
        "traffic_before": before,
        "traffic_after": after,
    }


def moves() -> list[dict[str, str]]:
    """The plan's services."""
    return [{"service": name, "from": NEW[name], "to": OLD[name]} for name in OLD]
