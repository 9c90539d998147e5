"""How many alerts are classified in a second on one core."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from shared.domain.alert import Alert, AlertStatus
from shared.domain.classify import classify
from shared.domain.lane import Route
from shared.domain.policy import TRIAGE, Lane, Policy, Team
from shared.domain.severity import Severity
from shared.domain.words import words
from shared.policy.matchers import parse_matchers
from tests.benchmarks.figure import Figure
from tests.benchmarks.progress import Progress

PROMISED = 20_000
ROUTES = 100
ALERTS = 5_000


def run(progress: Progress, quick: bool) -> Iterator[Figure]:
    """Classifications a second with 100 routes, half of them regular expressions; best of three.

    In half of the alerts the last route matches, in the other half none; every value differs.
    """
    policy, alerts = _policy(), [_alert(i) for i in range(ALERTS)]
    progress("classify")
    taken = min(_seconds(policy, alerts) for _ in range(1 if quick else 3))
    yield Figure(
        name=f"classify, {ROUTES} routes",
        value=ALERTS / taken,
        unit="a second",
        promised=PROMISED,
        at_least=True,
    )


def _seconds(policy: Policy, alerts: list[Alert]) -> float:
    words.cache_clear()
    began = time.perf_counter()
    answers = [classify(policy, alert) for alert in alerts]
    taken = time.perf_counter() - began
    assert sum(answer.rule == "last" for answer in answers) == ALERTS // 2
    assert all(answer.reasons for answer in answers)
    return taken


def _policy() -> Policy:
    routes = [_route(i) for i in range(ROUTES - 1)]
    routes.append(
        Route(
            id="last",
            lane="infra",
            matchers=parse_matchers('{service=~"shop-(front|back)-[0-9]+", severity="critical"}'),
            why="the shop itself reports it",
        )
    )
    team = Team(id="infra", name="Infra", channel="#infra", on_call="ines")
    lanes = {key: Lane(id=key, name=key, owner="infra") for key in ("infra", "web", TRIAGE)}
    return Policy(stacks={}, lanes=lanes, teams={"infra": team}, people={}, routes=tuple(routes))


def _route(i: int) -> Route:
    text = f'alertname=~"(Queue|Cache){i}.*(Slow|Full)"' if i % 2 else f'service="payments-{i}"'
    return Route(id=f"route-{i}", lane="web", matchers=parse_matchers(text))


def _alert(i: int) -> Alert:
    service = f"shop-front-{i}" if i % 2 else f"elsewhere-{i}"
    return Alert(
        source="alertmanager",
        fingerprint=f"{i:016x}",
        status=AlertStatus.FIRING,
        starts_at=datetime(2026, 1, 1, tzinfo=UTC),
        name=f"Queue{i}Backlog",
        severity=Severity.SEV1,
        labels={
            "alertname": f"Queue{i}Backlog",
            "severity": "critical",
            "service": service,
            "instance": f"10.0.0.{i % 256}:9090",
            "region": "us-central1",
        },
        annotations={"summary": f"The queue of {service} is growing."},
    )
