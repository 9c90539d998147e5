"""Very many alerts: a storm of different ones, and one that comes and goes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from infra.local import alertmanager
from infra.local.judge import Claim, Glance, Seen
from infra.local.scenarios import claims, steps, traffic_claims
from infra.local.scenarios.scenario import Scenario
from infra.local.stage import Stage

STORM = 10_000
HEAD_WRITES = 10
PAGED_WITHIN = 5.0
FLAPS = 100
_ACCEPTED = 200


def blow(stage: Stage) -> bool:
    """Post all of the storm as one webhook; posting it again changes nothing."""
    stage.say(f"Alertmanager reports {STORM:,} alerts in one webhook")
    backend = stage.services[0]
    alerts = [_of_storm(backend, number, stage.starts_at()) for number in range(STORM)]
    return stage.client.alert(alertmanager.webhook(alerts)) == _ACCEPTED


def flap(stage: Stage) -> bool:
    """End what was counted, and fire again; the count says how far it got."""
    stage.say(f"An alert comes and goes {FLAPS} times")
    count = (stage.incident() or {"alerts": 0})["alerts"]
    if count and not _flapped(stage, count, "resolved"):
        return False
    if count < FLAPS:
        _flapped(stage, count + 1, "firing")
    return bool(count == FLAPS)


def _flapped(stage: Stage, number: int, status: str) -> bool:
    labels = {"alertname": "ConvexBackendUnhealthy", "severity": "critical"}
    labels["service"] = stage.services[0]
    summary = "health checks of the backend fail now and then"
    at = stage.starts_at(number)
    alert = alertmanager.alert(labels, summary, at, status, ends_at=at)
    return stage.client.alert(alertmanager.webhook([alert])) == _ACCEPTED


def _of_storm(backend: str, number: int, starts_at: str) -> dict[str, Any]:
    labels = {
        "alertname": "ConvexBackendDown",
        "severity": "critical",
        "service": backend,
        "instance": f"10.8.{number // 250}.{number % 250}:8080",
    }
    return alertmanager.alert(labels, f"instance {number} of {backend} is down", starts_at)


def _counted(wanted: int, glance: Glance) -> bool:
    return glance.all_paged and (glance.incident or {"alerts": 0})["alerts"] >= wanted


def few_writes(seen: Seen) -> Claim:
    """The storm rule: an alert that changes nothing about its stack does not write its head."""
    stack = (seen.incident or {"stack": ""})["stack"]
    head = next((h for h in seen.stacks if h["stack"] == stack), {"writes": 0})
    holds = 0 < head["writes"] <= HEAD_WRITES
    text = f"the stack's head was written at most {HEAD_WRITES} times"
    return Claim(text, holds, f"{head['writes']} times")


def paged_at_once(seen: Seen) -> Claim:
    """The page did not have to wait for the storm to pass."""
    waited = _seconds_to_page(seen)
    text = f"the page was out within {PAGED_WITHIN:.0f} s of the first alert"
    said = "never" if waited is None else f"{waited:.2f} s"
    return Claim(text, waited is not None and waited <= PAGED_WITHIN, said)


def _seconds_to_page(seen: Seen) -> float | None:
    incident = seen.incident or {"pages": ()}
    sent = [page["sent_at"] for page in incident["pages"] if page["sent_at"]]
    return _between(incident["opened_at"], min(sent)) if sent else None


def _between(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def rate(seen: Seen) -> Sequence[str]:
    """How fast the storm was taken in."""
    count = (seen.incident or {"alerts": 0})["alerts"]
    a_second = count / seen.seconds
    return (f"{count:,} alerts were taken in within {seen.seconds:.1f} s: {a_second:.0f} a second",)


STORM_OF_ALERTS = Scenario(
    name="storm",
    about=f"{STORM:,} alerts arrive in one webhook: one incident, one page",
    steps=(blow, steps.paged),
    ended=partial(_counted, STORM),
    claims=(
        claims.one_incident,
        claims.alerts(STORM),
        claims.pages(1),
        claims.paged("infra", "#oncall-infra", "ines"),
        paged_at_once,
        few_writes,
        traffic_claims.untouched,
    ),
    adds=rate,
)

FLAPPING = Scenario(
    name="flapping",
    about=f"one alert fires and ends {FLAPS} times: one incident, and nobody is paged again",
    steps=(flap,),
    ended=partial(_counted, FLAPS),
    claims=(
        claims.one_incident,
        claims.alerts(FLAPS),
        claims.pages(1),
        claims.paged("infra", "#oncall-infra", "ines"),
        traffic_claims.untouched,
    ),
)
