"""Watching health come back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.app.parallel import Parallel
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


@dataclass(frozen=True, slots=True)
class WatchHealth:
    """Checks every service until all pass the required number of rounds in a row."""

    health: Health
    clock: Clock
    in_parallel: Parallel

    def __call__(self, checks: Checks, rules: RollbackPolicy) -> Recovery:
        """Watch until health is back, or `rules.health_window` is over."""
        pairs = [(uri, check) for uri, wanted in checks for check in wanted]
        if not pairs:
            return Recovery(None, "the policy names no health checks, so nothing proves recovery")
        until = self.clock.now() + rules.health_window
        passes, since = 0, self.clock.now()
        while True:
            began = self.clock.now()
            failing = _failing(self.in_parallel(self._check, pairs))
            if failing:
                passes = 0
            else:
                since = since if passes else began
                passes += 1
            if passes >= rules.health_passes:
                return Recovery(since, f"{len(pairs)} checks passed {passes} times in a row")
            if self.clock.now() >= until:
                return Recovery(None, failing or "it did not stay healthy for long enough")
            self.clock.sleep(PAUSE)

    def _check(self, pair: tuple[str, HealthCheck]) -> HealthResult:
        return self.health.check(*pair)


def _failing(results: Sequence[HealthResult]) -> str:
    return "; ".join(result.detail for result in results if not result.ok)
