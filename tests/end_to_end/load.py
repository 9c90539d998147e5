"""Alertmanagers that insist: what a world is told the whole time, whether it is up or not."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

import httpx

from infra.local import alertmanager
from infra.local.client import WorldClient
from shared.domain.alert import Alert
from shared.wire.alertmanager import parse

SEVERITIES: Final = ("warning", "critical")
SOURCE: Final = "alertmanager"
_ACCEPTED: Final = range(200, 300)
_AGAIN_SECONDS: Final = 0.05
_REST_SECONDS: Final = 5.0
"""Enough for the group's incident to be closed, so that the next alert opens another."""

AlertJson = dict[str, Any]


class Background:
    """A thread that does its work until it is told to stop, and shows what went wrong in it."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._trouble: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def finish(self) -> None:
        """End, and raise what went wrong."""
        self.stopping.set()
        self._thread.join()
        if self._trouble is not None:
            raise self._trouble

    def work(self) -> None:
        """What to do; returns soon after `stopping` is set."""
        raise NotImplementedError

    def _run(self) -> None:
        try:
            self.work()
        except BaseException as trouble:  # raised by `finish`
            self._trouble = trouble


@dataclass(slots=True)
class Group:
    """The alerts of one stack and lane: they get worse, are told again, and end together."""

    stack: str
    lane: str
    firing: list[AlertJson] = field(default_factory=list)
    webhooks: int = 0
    rests_until: float = 0.0

    def next_webhook(self, chance: Random) -> list[AlertJson]:
        """The alerts of the group's next notification."""
        step, self.webhooks = self.webhooks % (len(SEVERITIES) + 2), self.webhooks + 1
        if step < len(SEVERITIES):
            new = [self._alert(chance, SEVERITIES[step]) for _ in range(chance.randint(1, 3))]
            self.firing += new
            return new
        return [*self.firing] if step == len(SEVERITIES) else self.end()

    def end(self) -> list[AlertJson]:
        """Everything that fires ends."""
        now = datetime.now(UTC).isoformat()
        ended = [alert | {"status": "resolved", "endsAt": now} for alert in self.firing]
        self.firing = []
        self.rests_until = time.monotonic() + _REST_SECONDS
        return ended

    def _alert(self, chance: Random, severity: str) -> AlertJson:
        labels = {
            "alertname": f"Trouble{chance.randrange(3)}",
            "service": f"{self.stack}-backend",
            "lane": self.lane,
            "severity": severity,
            "pod": f"{chance.getrandbits(64):016x}",
        }
        return alertmanager.alert(labels, "Something is wrong", datetime.now(UTC).isoformat())


class Sender(Background):
    """Posts webhooks of its groups the whole time; each again until it is answered with 2xx."""

    def __init__(self, base_url: str, groups: Sequence[Group], pause: float, seed: int) -> None:
        super().__init__()
        self.accepted: list[Alert] = []
        self.refused = 0
        self._client = WorldClient(base_url)
        self.groups = groups
        self.pause = pause
        self.chance = Random(seed)

    def work(self) -> None:
        """Send until told to stop; then tell of the end of everything."""
        try:
            for alerts in self._notifications():
                self._insist(alerts)
        finally:
            self._client.close()

    def _notifications(self) -> Iterator[list[AlertJson]]:
        yield from self._storm()
        yield from (group.end() for group in self.groups if group.firing)

    def _storm(self) -> Iterator[list[AlertJson]]:
        while not self.stopping.wait(self.pause):
            awake = [each for each in self.groups if each.rests_until < time.monotonic()]
            if awake:
                yield self.chance.choice(awake).next_webhook(self.chance)

    def _insist(self, alerts: list[AlertJson]) -> None:
        body = alertmanager.webhook(alerts)
        again = threading.Event()
        while not self._taken(body):
            self.refused += 1
            again.wait(_AGAIN_SECONDS)
        self.accepted += parse(json.dumps(body).encode(), SOURCE)

    def _taken(self, body: dict[str, Any]) -> bool:
        with suppress(httpx.HTTPError):
            return self._client.alert(body) in _ACCEPTED
        return False


class Outages(Sender):
    """One stack after the other breaks, and stays broken until the sender is told to stop."""

    def _storm(self) -> Iterator[list[AlertJson]]:
        for group in self.groups:
            if self.stopping.wait(self.pause):
                return
            yield group.next_webhook(self.chance)
        self.stopping.wait()
