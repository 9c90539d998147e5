"""Everybody around the world of the town: those who send alerts, and those who press buttons."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from random import Random
from typing import Final

import httpx

from infra.local.client import WorldClient, button
from shared.domain.alert import Alert
from tests.end_to_end.load import Background, Group, Outages, Sender
from tests.end_to_end.town import LANES, OUTAGE, STACKS, reader

SENDERS: Final = 3
PAUSE_SECONDS: Final = 0.08
OUTAGE_SECONDS: Final = 3.0
_LOOK_SECONDS: Final = 1.0
_PRESS_SECONDS: Final = 0.05


class People(Background):
    """Press what they are shown: approve every rollback, acknowledge now and then."""

    def __init__(self, base_url: str, seed: int) -> None:
        super().__init__()
        self.presses = 0
        self._client = WorldClient(base_url)
        self._slack = httpx.Client(base_url=base_url, timeout=_LOOK_SECONDS)
        self._chance = Random(seed)
        self._seen = 0
        self._wanted: dict[tuple[str, str], str] = {}

    def work(self) -> None:
        """Look at what is new in Slack, and press."""
        with self._slack:
            while not self.stopping.wait(_PRESS_SECONDS):
                with suppress(httpx.HTTPError):
                    self._look()
                for ts, action in [*self._wanted]:
                    self._press(ts, action)
        self._client.close()

    def _look(self) -> None:
        answer = self._slack.get("/sim/slack/changes", params={"since": self._seen})
        changes = answer.raise_for_status().json()
        for message in changes["messages"]:
            if button(message, "approve_rollback"):
                self._wanted[message["ts"], "approve_rollback"] = reader(message["channel"])
            elif button(message, "acknowledge") and self._chance.random() < 0.1:
                self._wanted[message["ts"], "acknowledge"] = reader(message["channel"])
        self._seen = changes["revision"]

    def _press(self, ts: str, action: str) -> None:
        """Press once more unless the button is gone; what was not taken is pressed again."""
        try:
            taken = self._client.press(ts, action, self._wanted[ts, action])
        except httpx.HTTPStatusError:
            taken = True
        except httpx.HTTPError:
            return
        if taken:
            self.presses += 1
            del self._wanted[ts, action]


@dataclass(frozen=True, slots=True)
class Town:
    """Those who send and press while the world is killed."""

    senders: tuple[Sender, ...]
    outages: Outages
    people: People

    @classmethod
    def around(cls, base_url: str, chance: Random) -> Town:
        """Everybody in town; each sender has groups of its own."""
        groups = [Group(stack, lane) for stack in STACKS for lane in LANES]
        outages = [Group(stack, OUTAGE) for stack in STACKS]
        return cls(
            tuple(
                Sender(base_url, groups[n::SENDERS], PAUSE_SECONDS, chance.getrandbits(32))
                for n in range(SENDERS)
            ),
            Outages(base_url, outages, OUTAGE_SECONDS, chance.getrandbits(32)),
            People(base_url, chance.getrandbits(32)),
        )

    def accepted(self) -> tuple[Alert, ...]:
        """Every alert that was answered with 2xx."""
        return tuple(alert for each in (*self.senders, self.outages) for alert in each.accepted)

    def refused(self) -> int:
        """How often a webhook was not answered with 2xx, and so was sent again."""
        return sum(each.refused for each in (*self.senders, self.outages))

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Everybody is at work meanwhile."""
        everybody: tuple[Background, ...] = (*self.senders, self.outages, self.people)
        for each in everybody:
            each.start()
        try:
            yield
        finally:
            for each in everybody:
                each.stopping.set()
        for each in everybody:
            each.finish()
