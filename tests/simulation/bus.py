"""Messages that come late, twice, out of order, and again until they are acknowledged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from shared.domain.errors import BadMessage, Transient
from shared.ports import Message
from tests.simulation.schedule import Killed, Worker

if TYPE_CHECKING:
    from tests.simulation.world import World

Work = Callable[[], object]


class Bus:
    """`ports.Publisher`, and everything else that is tried again until it succeeds."""

    def __init__(self, world: World, receive: Callable[[str, Message], Work]) -> None:
        self._world = world
        self._receive = receive
        self.waiting: dict[int, str] = {}
        self._sent = 0

    def publish(self, topic: str, messages: Sequence[Message]) -> None:
        """Every message is durable from here on, and will be delivered."""
        for message in messages:
            action = message.id if message.attributes.get("kind") == "action" else ""
            work = self._receive(topic, message)
            for _ in range(2 if self._strikes("duplicate") else 1):
                self.send(f"{topic} {message.id[:14]}", work, action)

    def send(self, name: str, work: Work, action: str = "") -> None:
        """Have a worker do this, again and again until it returns."""
        self._sent += 1
        self.waiting[self._sent] = name
        self._try(self._sent, work, action, 1)

    def _try(self, key: int, work: Work, action: str, attempt: int) -> None:
        chance, schedule = self._world.chance, self._world.schedule
        wait = chance.latency()
        if self._strikes("lost"):
            wait += chance.seconds(10, 60)

        def ended(error: BaseException | None) -> None:
            self._ended(key, work, action, attempt, error)

        def begin() -> None:
            worker = Worker(f"{self.waiting[key]}#{attempt}", ended, action)
            schedule.start(worker, work)

        schedule.at(schedule.now + wait, begin)

    def _ended(
        self, key: int, work: Work, action: str, attempt: int, error: BaseException | None
    ) -> None:
        self.forgive(error)
        if error is None or isinstance(error, BadMessage):
            del self.waiting[key]
            return
        chance, schedule = self._world.chance, self._world.schedule
        killed = isinstance(error, Killed)
        wait = chance.seconds(10, 60) if killed else chance.seconds(0.5, min(60, 2**attempt))
        schedule.at(schedule.now + wait, lambda: self._try(key, work, action, attempt + 1))

    def forgive(self, error: BaseException | None) -> None:
        """Whatever an entry point may raise is part of the day; anything else is not."""
        if error is not None and not isinstance(error, Killed | Transient | BadMessage):
            self._world.watch.unforeseen(error)

    def _strikes(self, kind: str) -> bool:
        rates = self._world.chance.rates
        return self._world.chance.strikes(rates.duplicate if kind == "duplicate" else rates.lost)
