"""Plays a scenario in the world: what breaks, and what a person at the screen does about it.

The player has no other way in than the world's public endpoints. How far it got is kept in the
data folder, so that a world killed at any moment plays on where it was.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from infra.local.client import WorldClient
from infra.local.durable import read_json, write_json
from infra.local.monitor import Monitor
from infra.local.scenarios.scenario import Scenario
from infra.local.stage import Say, Stage, Step
from shared.domain.policy import Policy, StackPolicy

EVERY_SECONDS = 0.05


class Player:
    """Plays one scenario from a thread of its own; `patience` is a person's, to press a button."""

    def __init__(
        self,
        scenario: Scenario,
        client: WorldClient,
        policy: Policy,
        data: Path,
        say: Say,
        patience: timedelta,
    ) -> None:
        self._scenario = scenario
        self._file = data / "scenario.json"
        self._state = self._resumed()
        self._say = say
        began = datetime.fromisoformat(self._state["began"])
        self._stage = Stage(client, policy, say, patience, began)
        self._monitor = Monitor(client, _watched(self._stage.stack), data)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="player", daemon=True)

    def start(self) -> None:
        """Begin to play, or play on."""
        self._thread.start()

    def stop(self) -> None:
        """Stop where it is; the next start plays on."""
        self._stopped.set()
        self._thread.join()

    def _resumed(self) -> dict[str, Any]:
        known: dict[str, Any] = read_json(self._file, {})
        if known.get("scenario") == self._scenario.name:
            return known
        new = {"scenario": self._scenario.name, "step": 0, "began": datetime.now(UTC).isoformat()}
        write_json(self._file, new)
        return new

    def _run(self) -> None:
        to_do = self._scenario.steps[self._state["step"] :]
        if not to_do:
            self._say(
                "This scenario has been played on this data: nothing more happens by itself.\n"
                "To play it again give it a new folder: make run DATA=.switchman-2 (or --data)"
            )
            return
        if self._scenario.monitored:
            self._monitor.start()
        try:
            for step in to_do:
                if not self._done(step):
                    return
                self._state["step"] += 1
                write_json(self._file, self._state)
        finally:
            if self._scenario.monitored:
                self._monitor.stop()

    def _done(self, step: Step) -> bool:
        """Call the step until it is done; False when told to stop before."""
        for _ in self._poll():
            with suppress(httpx.HTTPError):  # the world is coming or going; asked again
                if step(self._stage):
                    return True
        return False

    def _poll(self) -> Iterator[None]:
        """Again and again, until told to stop."""
        while not self._stopped.wait(EVERY_SECONDS):
            yield


def _watched(stack: StackPolicy) -> list[tuple[str, str]]:
    return [(s.name, s.health[0].path if s.health else "/") for s in stack.services]
