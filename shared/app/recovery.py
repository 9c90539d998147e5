"""Watching health come back."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.policy import HealthCheck, RollbackPolicy
from shared.ports import Clock, Health, HealthResult

PAUSE = timedelta(milliseconds=150)
"""Between two rounds of checks: what the measured recovery time may be late by."""

Checks = Sequence[tuple[str, Sequence[HealthCheck]]]


@dataclass(frozen=True, slots=True)
class Recovery:
    """When the first round of the passing rounds in a row began, or what still failed."""

    healthy_at: datetime | None
    detail: str


def watch_health(health: Health, clock: Clock, checks: Checks, rules: RollbackPolicy) -> Recovery:
    """Check every service until all pass the required number of rounds in a row, or time is up."""
    pairs = [(uri, check) for uri, wanted in checks for check in wanted]
    if not pairs:
        return Recovery(None, "the policy names no health checks, so nothing proves recovery")
    until = clock.now() + rules.health_window
    passes, since, failing = 0, clock.now(), "no health checks were made"
    with ThreadPoolExecutor(max_workers=max(1, len(pairs)), thread_name_prefix="health") as pool:
        while True:
            began = clock.now()
            results = list(pool.map(lambda pair: health.check(*pair), pairs))
            failing = _failing(results)
            if failing:
                passes = 0
            else:
                since = since if passes else began
                passes += 1
            if passes >= rules.health_passes:
                return Recovery(since, f"{len(pairs)} checks passed {passes} times in a row")
            if clock.now() >= until:
                return Recovery(None, failing or "it did not stay healthy for long enough")
            clock.sleep(PAUSE)


def _failing(results: Sequence[HealthResult]) -> str:
    return "; ".join(result.detail for result in results if not result.ok)
