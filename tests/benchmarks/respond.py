"""How many alerts a second the served `respond` takes, beside the empty function on that server.

A round measures the empty function and then each kind of alert, every one with a store of its
own, so that whatever else the machine does falls on all of them; medians are compared.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import Any

from tests.benchmarks import town
from tests.benchmarks.figure import Figure
from tests.benchmarks.load import Played, play, request, write
from tests.benchmarks.progress import Progress
from tests.benchmarks.served import Deployment, deployment, load

SECONDS = 20.0
ROUNDS = 3
QUICK_SECONDS = 3.0
_MOST_A_SECOND = 2_500

_FLOOR = "the empty function"
_DUPLICATES = "respond, duplicates"
_NEW = "respond, new alerts, 10 % changing their stack"
_CHANGING = "respond, new alerts, all changing their stack"
_PROMISED: Mapping[str, float | None] = MappingProxyType(
    {_DUPLICATES: 0.5, _NEW: 0.35, _CHANGING: None}
)


@dataclass(frozen=True, slots=True)
class Run:
    """One run. `stored` are the rows found after the server was killed, without the first ones."""

    played: Played
    load: list[float]
    stored: int | None = None

    @property
    def lost(self) -> int:
        """Alerts that were answered for and not stored, or the other way round."""
        return 0 if self.stored is None else abs(self.stored - self.played.accepted)

    def as_json(self) -> dict[str, Any]:
        """What a reader needs to trust the figure."""
        played = self.played
        return {
            "a_second": round(played.rate, 1),
            "accepted": played.accepted,
            "refused": played.refused,
            "stored": self.stored,
            "milliseconds_median": round(played.median * 1000, 2),
            "milliseconds_worst_hundredth": round(played.worst_hundredth * 1000, 2),
            "client_share_of_a_core": round(played.client_share, 3),
            "load_average": self.load,
            "said": played.said if self.stored is not None else {},
        }


def run(progress: Progress, quick: bool) -> Iterator[Figure]:
    """Alerts a second of each kind, and how many of those answered for were not stored."""
    seconds, rounds = (QUICK_SECONDS, 1) if quick else (SECONDS, ROUNDS)
    found: dict[str, list[Run]] = {}
    with deployment() as deployed:
        bench = _Bench(deployed, seconds)
        for round_ in range(rounds):
            for name, measure in bench.kinds.items():
                progress(f"respond: round {round_ + 1} of {rounds}, {name}")
                found.setdefault(name, []).append(measure())
    floor = found.pop(_FLOOR)
    for name, runs in found.items():
        yield _rate(name, runs, floor)
    yield Figure(
        name="respond, answered for and not stored",
        value=sum(run.lost for runs in found.values() for run in runs),
        unit="alerts",
        promised=0,
    )


def _rate(name: str, runs: Iterable[Run], floor: Iterable[Run]) -> Figure:
    return Figure(
        name=name,
        value=median(run.played.rate for run in runs),
        unit="a second",
        floor=median(run.played.rate for run in floor),
        promised=_PROMISED[name],
        at_least=True,
        details={
            "runs": [run.as_json() for run in runs],
            "floors": [run.as_json() for run in floor],
        },
    )


class _Bench:
    """Everything that stays the same from run to run."""

    def __init__(self, deployed: Deployment, seconds: float) -> None:
        self._deployed = deployed
        self._seconds = seconds
        self._policy = town.write_policy(deployed.here / "policy.yaml")
        most = int(seconds * _MOST_A_SECOND)
        one = next(town.joining("same"))
        self._first = self._requests("first", [*town.first(), one])
        self._same = self._requests("same", [one])
        self._new = self._requests("new", islice(town.mixed("new"), most))
        self._changing = self._requests("changing", islice(town.changing("changing"), most))
        self.kinds: Mapping[str, Callable[[], Run]] = {
            _FLOOR: self._floor,
            _DUPLICATES: lambda: self._respond(self._same, again=True),
            _NEW: lambda: self._respond(self._new),
            _CHANGING: lambda: self._respond(self._changing),
        }

    def _requests(self, name: str, alerts: Iterable[dict[str, Any]]) -> Path:
        path = self._deployed.here / f"{name}.requests"
        return write(path, (request(town.pushed(alert)) for alert in alerts))

    def _floor(self) -> Run:
        before = load()
        with self._deployed.empty() as served:
            play(self._first, served.port)
            played = play(self._new, served.port, seconds=self._seconds, again=True)
        return Run(played, before)

    def _respond(self, requests: Path, again: bool = False) -> Run:
        store = self._deployed.home()
        env = {"SWITCHMAN_STORE": f"sqlite://{store}", "SWITCHMAN_POLICY": str(self._policy)}
        before = load()
        with self._deployed.served("respond", env) as served:
            first = play(self._first, served.port, connections=1)
            played = play(requests, served.port, seconds=self._seconds, again=again)
        stored = None if again else _rows(store) - first.accepted
        return Run(played, before, stored)


def _rows(store: Path) -> int:
    with closing(sqlite3.connect(store)) as database:
        (found,) = database.execute("SELECT COUNT(*) FROM alerts").fetchone()
    return int(found)
