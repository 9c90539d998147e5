"""A clock that is set, not read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


class ImaginedClock:
    """`ports.Clock`: who sleeps has slept at once."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        """The instant it was set to."""
        return self._now

    def sleep(self, duration: timedelta) -> None:
        """Move on."""
        self._now += duration

    def set(self, now: datetime) -> None:
        """It is this instant now."""
        self._now = now

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What is done meanwhile takes its time; afterwards it is the same instant as before."""
        before = self._now
        try:
            yield
        finally:
            self._now = before

    def side_by_side(self, call: Callable[[A], B], items: Sequence[A], /) -> tuple[B, ...]:
        """`app.Parallel`: each begins at the same instant, and it ends when the last one does."""
        began = ended = self._now
        results: list[B] = []
        try:
            for item in items:
                self._now = began
                results.append(call(item))
                ended = max(ended, self._now)
        finally:
            self._now = max(ended, self._now)
        return tuple(results)
