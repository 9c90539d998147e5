"""Killed with `kill -9` twenty times under load: nothing is lost, and nobody is paged twice.

The instants are random; `SWITCHMAN_SEED` (printed by every run) makes them about the same again.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from random import Random, SystemRandom
from typing import Any

import pytest

from shared.adapters.clock import SystemClock
from shared.adapters.sqlite.store import SqliteStore
from shared.domain.action import Topic
from shared.domain.alert import AlertStatus
from shared.domain.rollback import Verdict
from tests.end_to_end.aftermath import (
    Aftermath,
    not_rolled_back,
    under_way,
    until_nothing,
    was_applied,
)
from tests.end_to_end.town import STACKS, services_of, write_policy
from tests.end_to_end.townspeople import Town
from tests.end_to_end.world_process import WorldProcess, world

pytestmark = pytest.mark.slow

KILLS = {"starting": (6, 0.1, 1.5), "recovering": (6, 0.0, 0.4), "loaded": (8, 0.4, 1.8)}
"""For each phase of a life how often it ends there, and after how many seconds at least and at
most: while it starts, from its launch; otherwise from when it is up."""


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    """A world that was killed twenty times under load, left until it was quiet."""
    seed = int(os.environ.get("SWITCHMAN_SEED") or SystemRandom().getrandbits(32))
    print(f"SWITCHMAN_SEED={seed}")
    chance, folder, began = Random(seed), tmp_path_factory.mktemp("killed"), time.monotonic()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWITCHMAN_POLICY", str(write_policy(folder / "town.yaml")))
        with world(folder / "data", "empty") as process:
            store = SqliteStore(folder / "data" / "switchman.sqlite3", SystemClock())
            with closing(store):
                yield _live_through(process, store, chance, began)


def _live_through(
    process: WorldProcess, store: SqliteStore, chance: Random, began: float
) -> Aftermath:
    client = process.client
    _deploy_everything(process)
    town = Town.around(client.base_url, chance)
    with town.busy():
        for phase in _phases(chance):
            _kill(process, phase, chance)
        killed = time.monotonic()
        until_nothing(lambda: not_rolled_back(store))
    until_nothing(lambda: under_way(store))
    aftermath = Aftermath(
        accepted=town.accepted(),
        store=store,
        incidents=tuple(view.incident for view in store.incidents(limit=100_000)),
        messages=client.messages(),
        changes=client.traffic_requests(),
        up=client.healthy(),
    )
    process.kill()
    _print_figures(aftermath, town, killed - began, time.monotonic() - began)
    return aftermath


def _deploy_everything(process: WorldProcess) -> None:
    """A second good revision of every service: something to roll back from."""
    for service in (service for stack in STACKS for service in services_of(stack)):
        process.client.deploy(service, "good", "new")
    process.until(lambda: all(map(_serves_new, process.client.services())))


def _serves_new(service: dict[str, Any]) -> bool:
    return bool(service["ready"]) and str(service["latest_ready_revision"]).endswith("-new")


def _phases(chance: Random) -> list[str]:
    phases = [phase for phase, (times, _, _) in KILLS.items() for _ in range(times)]
    chance.shuffle(phases)
    return phases


def _kill(process: WorldProcess, phase: str, chance: Random) -> None:
    """Kill it in this phase of the life that it leads, or of the next one, and start it again."""
    _, soonest, latest = KILLS[phase]
    if phase == "starting":
        process.kill()
        process.launch()
    threading.Event().wait(chance.uniform(soonest, latest))
    process.kill()
    process.start()


def _print_figures(aftermath: Aftermath, town: Town, killed: float, took: float) -> None:
    incidents, pages = len(aftermath.incidents), sum(aftermath.posted().values())
    print(
        f"{len(aftermath.accepted)} alerts accepted ({town.refused()} webhooks sent again), "
        f"{incidents} incidents, {pages} pages, {town.people.presses} presses, "
        f"{aftermath.moved().total()} changes of traffic, "
        f"{sum(times for times, _, _ in KILLS.values())} kills in {killed:.0f} s, "
        f"quiet after {took:.0f} s"
    )


def test_every_accepted_alert_is_stored(aftermath: Aftermath) -> None:
    """Every alert that was answered with 2xx has its row, and those that ended say so."""
    rows = {alert.row_id: aftermath.store.alert(alert.row_id) for alert in aftermath.accepted}
    assert [row_id for row_id, row in rows.items() if row is None] == []
    assert [row for row in rows.values() if row and row.status is AlertStatus.FIRING] == []


def test_every_incident_is_paged(aftermath: Aftermath) -> None:
    """Every page of every incident stands in Slack, and every incident has at least one."""
    assert [incident.id for incident in aftermath.incidents if not incident.pages] == []
    decided = {page.key for incident in aftermath.incidents for page in incident.pages}
    assert decided - set(aftermath.posted()) == set()


def test_every_alert_belongs_to_an_incident(aftermath: Aftermath) -> None:
    """No alert's incident is unknown."""
    rows = [aftermath.store.alert(alert.row_id) for alert in aftermath.accepted]
    known = {incident.id for incident in aftermath.incidents}
    assert {row.incident for row in rows if row and row.incident} - known == set()


def test_nobody_is_paged_twice(aftermath: Aftermath) -> None:
    """No page stands in Slack twice."""
    assert {key: times for key, times in aftermath.posted().items() if times > 1} == {}


def test_no_action_is_stuck(aftermath: Aftermath) -> None:
    """Every action is done and nobody holds one; no message waits, and none was given up."""
    assert aftermath.store.expire_leases() == 0
    assert aftermath.store.unsettled(timedelta()) == ()
    assert {topic: aftermath.store.messages.counts(topic) for topic in Topic} == dict.fromkeys(
        Topic, (0, 0)
    )


def test_traffic_moves_once(aftermath: Aftermath) -> None:
    """Each stack was rolled back once and recovered, by one change of each of its services."""
    assert aftermath.moved() == Counter(
        service for stack in STACKS for service in services_of(stack)
    )
    applied = [each.rollback for each in aftermath.incidents if was_applied(each)]
    assert [each and each.verdict for each in applied] == [Verdict.RECOVERED] * len(STACKS)


def test_the_world_is_up(aftermath: Aftermath) -> None:
    """After all that it says that everything is up."""
    assert aftermath.up
