"""Plays a scenario in the world: what breaks, and what a person at the screen does about it.

The player has no other way in than the world's public endpoints. How far it got is kept in the
data folder, so that a world killed at any moment plays on where it was.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from infra.local.client import WorldClient, button
from infra.local.durable import read_json, write_json
from infra.local.monitor import Monitor
from shared.domain.policy import Policy, StackPolicy

Say = Callable[[str], None]

APPROVE = "approve_rollback"
SUFFIXES = ("v4r", "hwm")
"""As the first user's drill report has them."""


class Player:
    """Plays one scenario from a thread of its own. `approver` is who presses if nobody does."""

    def __init__(
        self,
        scenario: str,
        client: WorldClient,
        policy: Policy,
        data: Path,
        say: Say,
        approve_after: timedelta,
    ) -> None:
        self._scenario = scenario
        self._client = client
        self._stack = next(stack for stack in policy.stacks.values() if stack.services)
        self._approver = policy.teams[self._stack.rollback.approvers[0]].on_call
        self._file = data / "scenario.json"
        self._say = say
        self._approve_after = approve_after.total_seconds()
        self._monitor = Monitor(client, _watched(self._stack), data)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="player", daemon=True)

    def start(self) -> None:
        """Begin to play, or play on."""
        self._thread.start()

    def stop(self) -> None:
        """Stop where it is; the next start plays on."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        state = read_json(self._file, {"scenario": self._scenario, "step": 0})
        if state["scenario"] != self._scenario:
            state = {"scenario": self._scenario, "step": 0}
        steps = SCENARIOS[self._scenario]
        if state["step"] >= len(steps):
            self._say("This scenario has been played on this data; choose another --data folder.")
            return
        self._monitor.start()
        try:
            for number in range(state["step"], len(steps)):
                if not steps[number](self):
                    return
                write_json(self._file, {"scenario": self._scenario, "step": number + 1})
        finally:
            self._monitor.stop()

    def _poll(self) -> Iterator[None]:
        """Again and again, until told to stop; a world that does not answer is asked again."""
        while not self._stopped.wait(0.1):
            yield

    def break_it(self) -> bool:
        """Deploy a revision that fails for each service, unless it is there already."""
        self._say("Deploying a bad revision of every service")
        for _ in self._poll():
            with suppress(httpx.HTTPError):
                for service, suffix in zip(self._stack.services, SUFFIXES, strict=False):
                    if not self._is_failing(service.name):
                        self._client.deploy(service.name, "failing", suffix)
                return True
        return False

    def _is_failing(self, service: str) -> bool:
        found = next(s for s in self._client.services() if s["service"] == service)
        latest = found["latest_created_revision"].rpartition("/")[2]
        return any(
            r["name"].rpartition("/")[2] == latest and r["behaviour"] == "failing"
            for r in found["revisions"]
        )

    def refuse_second(self) -> bool:
        """Wait for the proposal, then have Cloud Run refuse changes of the second service."""
        for _ in self._poll():
            with suppress(httpx.HTTPError):
                if self._proposal() is not None:
                    self._client.fault(self._stack.services[1].name, "refuse_update")
                    self._say("From now on Cloud Run refuses changes of the second service")
                    return True
        return False

    def approve(self) -> bool:
        """Wait for the proposal and for a person; press in their place if nobody does."""
        waited = 0.0
        for _ in self._poll():
            with suppress(httpx.HTTPError):
                if self._decided():
                    return True
                proposal = self._proposal()
                if proposal is None:
                    continue
                waited += 0.1
                if waited >= self._approve_after:
                    self._client.press(proposal["ts"], APPROVE, self._approver)
                    self._say(f"{self._approver} presses Approve rollback")
        return False

    def watch_end(self) -> bool:
        """Wait until the rollback has come to its end."""
        for _ in self._poll():
            with suppress(httpx.HTTPError):
                rollback = self._rollback()
                if rollback and rollback["verdict"]:
                    self._say(f"Verdict: {rollback['verdict']}")
                    return True
        return False

    def _proposal(self) -> dict[str, Any] | None:
        return next((m for m in self._client.messages() if button(m, APPROVE)), None)

    def _rollback(self) -> dict[str, Any] | None:
        incidents = self._client.incidents()
        found: dict[str, Any] | None = next(
            (i["rollback"] for i in incidents if i["rollback"]), None
        )
        return found

    def _decided(self) -> bool:
        rollback = self._rollback()
        return rollback is not None and rollback["phase"] not in ("planning", "proposed")


def _watched(stack: StackPolicy) -> list[tuple[str, str]]:
    return [(s.name, s.health[0].path if s.health else "/") for s in stack.services]


SCENARIOS: dict[str, tuple[Callable[[Player], bool], ...]] = {
    "bad-revision": (Player.break_it, Player.approve, Player.watch_end),
    "half-rollback": (
        Player.break_it,
        Player.refuse_second,
        Player.approve,
        Player.watch_end,
    ),
}
