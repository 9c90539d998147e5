"""A clock that stands still until a test moves it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from shared.ports import Clock


class ManualClock(Clock):
    """Time passes only by `advance` and `sleep`; a sleeper returns at once. Thread-safe."""

    def __init__(self, start: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)) -> None:
        self._now = start
        self._lock = threading.Lock()
        self.slept: list[timedelta] = []

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def advance(self, duration: timedelta) -> datetime:
        """Let this much time pass (or, if negative, let the clock jump back)."""
        with self._lock:
            self._now += duration
            return self._now

    def sleep(self, duration: timedelta) -> None:
        self.slept.append(duration)
        self.advance(duration)
