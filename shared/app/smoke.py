"""Requests at a tag's URL, which reach one revision that need not carry any traffic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from shared.domain.policy import HealthCheck
from shared.domain.rollback import ServiceState
from shared.domain.targets import tag_of
from shared.ports import Clock, Health

TRIES: Final = 3
"""A revision that carried no traffic may have to start first, which one request may not survive."""

PAUSE: Final = timedelta(milliseconds=500)


@dataclass(frozen=True, slots=True)
class Smoke:
    """What a revision answered. One that has no tag cannot be asked, which does not count."""

    failed: bool
    said: str


@dataclass(frozen=True, slots=True)
class SmokeTest:
    """Makes a revision answer its service's health checks, and warms it by that."""

    health: Health
    clock: Clock

    def __call__(self, state: ServiceState, revision: str, checks: Sequence[HealthCheck]) -> Smoke:
        """Each check is requested until it passes, at most `TRIES` times. Nothing is changed."""
        tag, url = tag_of(state, revision)
        if not url:
            return Smoke(failed=False, said="not smoke-tested: no tag leads to it")
        if not checks:
            return Smoke(failed=False, said="not smoke-tested: the policy names no health checks")
        wrong = [detail for check in checks if (detail := self._fault(url, check))]
        if wrong:
            return Smoke(failed=True, said=f"at its tag {tag}: {'; '.join(wrong)}")
        return Smoke(failed=False, said=f"passed at its tag {tag}: {len(checks)} of {len(checks)}")

    def _fault(self, url: str, check: HealthCheck) -> str:
        """What was wrong the last time; empty if the check passed."""
        result = self.health.check(url, check)
        for _ in range(TRIES - 1):
            if result.ok:
                break
            self.clock.sleep(PAUSE)
            result = self.health.check(url, check)
        return "" if result.ok else result.detail
