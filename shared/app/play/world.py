"""What a play needs besides the ports: a store that tells all, and a clock that is set."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from shared.domain.decision import TimelineRow
from shared.domain.event import Timer
from shared.ports import Clock, Message, Store


class PlayedStore(Store, Protocol):
    """A store that also tells what is still to come, and what was said since."""

    def waiting(self) -> tuple[Timer, ...]:
        """Every timer that is set, the earliest first."""
        ...

    def said_since(self, count: int) -> tuple[TimelineRow, ...]:
        """Every line of every incident but for the first `count`, as they were written."""
        ...


class SettableClock(Clock, Protocol):
    """A clock that shows what it is told."""

    def set(self, now: datetime) -> None:
        """It is this instant now."""
        ...

    def aside(self) -> AbstractContextManager[None]:
        """Time that passes meanwhile has not passed afterwards."""
        ...


class Published:
    """`ports.Publisher`: the ids of actions, which are taken from here at once."""

    def __init__(self) -> None:
        self._waiting: list[str] = []

    def publish(self, topic: str, messages: Sequence[Message]) -> None:  # noqa: ARG002  # one line
        """Keep them in order."""
        self._waiting += [message.id for message in messages]

    def take(self) -> list[str]:
        """What waits, which is gone from here then."""
        taken, self._waiting = self._waiting, []
        return taken
