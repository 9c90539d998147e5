"""Steps that several scenarios share."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from infra.local import alertmanager
from infra.local.stage import APPROVE, Stage, Step

SUFFIXES = ("v4r", "hwm")
"""As the first user's drill report has them."""

_ACCEPTED = 200
_UNDECIDED = ("planning", "proposed")


def deploy(behaviour: str) -> Step:
    """Deploy a second revision of each service, unless it is there already."""

    def step(stage: Stage) -> bool:
        stage.say(f"Deploying a {behaviour} revision of every service")
        newest = {s["service"]: s["latest_created_revision"] for s in stage.client.services()}
        for service, suffix in zip(stage.services, SUFFIXES, strict=False):
            if not newest[service].endswith(f"-{suffix}"):
                stage.client.deploy(service, behaviour, suffix)
        return True

    return step


def deployed(stage: Stage) -> bool:
    """Wait until every service serves its newest revision."""
    return all(
        service["ready"] and service["latest_ready_revision"] == service["latest_created_revision"]
        for service in stage.client.services()
    )


def fire(name: str, summary: str, *, severity: str, **labels: str) -> Step:
    """Have Alertmanager report an alert; `{backend}` is the first service's name."""

    def step(stage: Stage) -> bool:
        filled = {key: text.format(backend=stage.services[0]) for key, text in labels.items()}
        series = {"alertname": name, "severity": severity, **filled}
        stage.say(f"Alertmanager reports {name}: {summary}")
        alert = alertmanager.alert(series, summary, stage.starts_at())
        return stage.client.alert(alertmanager.webhook([alert])) == _ACCEPTED

    return step


def _approve_as(who_approves: Callable[[Stage], str]) -> Step:
    """Wait for the proposal and for a person; press as somebody if nobody does."""

    def step(stage: Stage) -> bool:
        if _is_decided(stage.rollback()):
            return True
        proposal = stage.proposal()
        if proposal is None:
            return False
        who, patience = who_approves(stage), stage.patience.total_seconds()
        stage.say(
            f"[bold]Your turn:[/bold] press Approve rollback in {proposal['channel']} as {who}"
            f"\n  {stage.slack}?as={who}{proposal['channel']}"
            f"\n  (in {patience:.0f} s it is pressed for you)"
        )
        if time.time() < float(proposal["ts"]) + patience:
            return False
        stage.say(f"{who} presses Approve rollback")
        return stage.client.press(proposal["ts"], APPROVE, who)

    return step


def _who_was_asked(stage: Stage) -> str:
    return str((stage.incident() or {})["pages"][0]["person"])


approve = _approve_as(lambda stage: stage.approver)
"""Approved, if need be, by whoever is on call for the first team that may."""

approve_as_asked = _approve_as(_who_was_asked)
"""Approved, if need be, by whoever was paged."""


def verdict(stage: Stage) -> bool:
    """Wait until the rollback has come to its end, and say where to look."""
    incident = stage.rolled_back()
    found = (stage.rollback() or {}).get("verdict")
    if incident is None or not found:
        return False
    stage.say(f"Verdict: {found}. Its story, and what to try next:")
    stage.say(f"  {stage.client.base_url}/status/incidents/{incident['id']}")
    stage.say(f"  type [bold]/switchman help[/bold] on {stage.slack}")
    return True


def paged(stage: Stage) -> bool:
    """Wait until somebody has been paged, and say where."""
    page = next((p for p in (stage.incident() or {}).get("pages", ()) if p["sent_at"]), None)
    if page is None:
        return False
    stage.say(f"{page['person']} is paged in {page['channel']}\n  {stage.slack}")
    return True


def _is_decided(rollback: dict[str, Any] | None) -> bool:
    return rollback is not None and rollback["phase"] not in _UNDECIDED
