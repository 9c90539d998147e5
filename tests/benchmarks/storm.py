"""A storm of alerts about one service: how fast it is taken in, and what it costs.

On SQLite it goes as one webhook through the whole one-machine world; on Firestore's emulator as
messages to the served `respond`, because there the emulator is what is slow; what it has not
taken after two minutes is left out.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks import town
from tests.benchmarks.figure import Figure, NotMeasured
from tests.benchmarks.load import Played, play, request, write
from tests.benchmarks.process import memory
from tests.benchmarks.progress import Progress
from tests.benchmarks.served import (
    LocalWorld,
    deployment,
    folder_of_its_own,
    load,
    local_world,
)
from tests.benchmarks.start_worlds import Emulated, emulators_for

STORM = 10_000
QUICK_STORM = 1_000
_NO_SLACK = "http://127.0.0.1:9/"
_JOINED = '{"handled":["the alert joined an incident that is being dealt with"]}'
_MOST_SECONDS = 120.0
_SECONDS_BETWEEN_LOOKS = 0.25


def on_sqlite(progress: Progress, quick: bool) -> Iterator[Figure]:
    """Through `ingest`, the bus and `respond` of the one-machine world."""
    size = QUICK_STORM if quick else STORM
    before = load()
    with folder_of_its_own() as folder:
        policy = town.write_policy(folder / "policy.yaml", lanes=1)
        first, *others = islice(town.storm(), 1 + size)
        body = town.webhook(*others)
        with local_world(folder, policy) as world:
            world.ingest(town.webhook(first))
            _wait_for(world, 1)
            held = [world.megabytes()]
            began = time.monotonic()
            world.ingest(body)
            accepted = time.monotonic() - began
            for taken in _taken_in(world, 1 + size):
                progress(f"storm, sqlite: {taken:,} of {size:,}")
                held.append(world.megabytes())
            took = time.monotonic() - began
            (head,) = [each for each in world.client.stacks() if each["stack"] == "stack-0"]
    details = {
        "alerts": size,
        "webhook_answered_after_seconds": round(accepted, 2),
        "megabytes": [round(each, 1) for each in held],
        "load_average": [before, load()],
    }
    yield from _figures("sqlite, whole world", size / took, head["writes"], max(held), details)


def on_firestore(progress: Progress, quick: bool) -> Iterator[Figure]:
    """Into the served `respond`. Raises `NotMeasured` on a machine without the emulator."""
    progress("storm, firestore")
    try:
        with emulators_for(_NO_SLACK) as world:
            yield from _on_firestore(world, QUICK_STORM if quick else STORM)
    except pytest.skip.Exception as skipped:
        raise NotMeasured(str(skipped)) from skipped


def _on_firestore(world: Emulated, size: int) -> Iterator[Figure]:
    before = load()
    with deployment() as deployed:
        policy = town.write_policy(deployed.here / "policy.yaml", lanes=1)
        env = {**world.fresh(deployed.here), "SWITCHMAN_POLICY": str(policy)}
        alerts = town.storm()
        first = _requests(deployed.here / "first", islice(alerts, 1))
        requests = _requests(deployed.here / "storm", islice(alerts, size))
        with deployed.served("respond", env) as served:
            play(first, served.port)
            played = play(requests, served.port, seconds=_MOST_SECONDS)
            held = memory(served.process.pid)
    details = {
        "alerts": size,
        "accepted": played.accepted,
        "refused": played.refused,
        "said": played.said,
        "client_share_of_a_core": round(played.client_share, 3),
        "load_average": [before, load()],
    }
    yield from _figures("firestore, respond", played.rate, _changes(played), held, details)


def _requests(path: Path, alerts: Iterable[dict[str, Any]]) -> Path:
    return write(path, (request(town.pushed(each)) for each in alerts))


def _changes(played: Played) -> int:
    """The first alert's, and one for each answer that speaks of more than the alert's own row."""
    return 1 + played.accepted - played.said.get(_JOINED, 0)


def _wait_for(world: LocalWorld, size: int) -> None:
    for _ in _taken_in(world, size):
        pass


def _taken_in(world: LocalWorld, size: int) -> Iterator[int]:
    """How many alerts the incident has, until it has all of them."""
    taken = 0
    while taken < size:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
        taken = sum(each["alerts"] for each in world.client.incidents())
        yield taken


def _figures(
    where: str, rate: float, writes: int, held: float, details: Mapping[str, Any]
) -> Iterator[Figure]:
    name = f"storm, {where}"
    yield Figure(name=name, value=rate, unit="a second", details=details)
    yield Figure(name=f"{name}: writes of the head", value=writes, unit="writes")
    yield Figure(name=f"{name}: memory", value=held, unit="MB")
