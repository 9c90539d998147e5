"""Health checks without a network."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from shared.adapters.http_health import judge
from shared.domain.policy import HealthCheck
from shared.ports import HealthResult


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answers."""

    status: int = 200
    body: bytes = b"ok"


class FakeHealth:
    """Judges, as the real one does, what `answer` says for a URL; None is no answer at all."""

    def __init__(self, answer: Callable[[str], Answer | None]) -> None:
        self._answer = answer
        self._lock = threading.Lock()
        self._asked: list[str] = []

    def asked(self) -> tuple[str, ...]:
        """The URLs that were asked, in order."""
        with self._lock:
            return tuple(self._asked)

    def check(self, uri: str, check: HealthCheck) -> HealthResult:
        """What the answer means for this check."""
        url = uri.rstrip("/") + check.path
        with self._lock:
            self._asked.append(url)
        answer = self._answer(url)
        if answer is None:
            return HealthResult(False, f"{check.path} could not be asked: nothing there")
        return judge(check, answer.status, answer.body)
