"""How long a function takes from its start to its first accepted message, and what it holds then.

Each round starts the empty HTTP function and the measured ones in turn, so that whatever else the
machine does falls on all of them alike; the medians are compared. Before the first round each is
started once: that leaves every module compiled, and the emulators warm.
"""

from __future__ import annotations

import compileall
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import MappingProxyType

import pytest

from tests.benchmarks.figure import Figure, NotMeasured
from tests.benchmarks.process import OUTPUT, NotAnswered, Start, start
from tests.benchmarks.progress import Progress
from tests.benchmarks.start_worlds import (
    Embedded,
    World,
    emulators_for,
    prepared,
    simulated_slack,
)
from tests.functions import serving
from tests.functions.first_requests import First

ROUNDS = 11
QUICK_ROUNDS = 3
MEGABYTES = 128
EMPTY = "import functions_framework\n\n\n@functions_framework.http\ndef empty(request):\n    return ''\n"
ACCEPTED: Mapping[str, str] = MappingProxyType(
    {
        "ingest": '"accepted":1,"rejected":0',
        "slack": "",
        "respond": '"handled":["an incident was opened"]',
        "act": '"result":"done"',
    }
)
"""The measured functions, and what the answer of each says when it took the message."""


@dataclass(frozen=True, slots=True)
class Promise:
    """A world's name, and how many times the empty function's start each function may take."""

    world: str
    floors: Mapping[str, float]


EMBEDDED = Promise("embedded", {"ingest": 1.6, "slack": 1.6, "respond": 3, "act": 3})
EMULATED = Promise("emulators", {"ingest": 3, "slack": 3, "respond": 4, "act": 4})


def embedded(progress: Progress, quick: bool) -> Iterator[Figure]:
    """Starts with SQLite and the embedded bus."""
    with _bench(progress, quick) as (bench, slack):
        yield from bench.measure(EMBEDDED, Embedded(slack))


def emulated(progress: Progress, quick: bool) -> Iterator[Figure]:
    """Starts with Google's emulators. Raises `NotMeasured` on a machine that lacks them."""
    try:
        with _bench(progress, quick) as (bench, slack), emulators_for(slack) as world:
            yield from bench.measure(EMULATED, world)
    except pytest.skip.Exception as skipped:
        raise NotMeasured(str(skipped)) from skipped


@contextmanager
def _bench(progress: Progress, quick: bool) -> Iterator[tuple[Bench, str]]:
    """Where to measure, and the URL of a simulated Slack."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), progress, QUICK_ROUNDS if quick else ROUNDS)
        with simulated_slack(bench.here) as slack:
            yield bench, slack


class Bench:
    """The deployed sources, and a folder for everything the starts leave behind."""

    def __init__(self, here: Path, progress: Progress, rounds: int = ROUNDS) -> None:
        self.here = here
        self._progress = progress
        self._rounds = rounds
        self._source = serving.deploy(here / "source")
        self._empty = here / "empty"
        self._empty.mkdir()
        (self._empty / "main.py").write_text(EMPTY)
        for folder in (self._source, self._empty):
            compileall.compile_dir(str(folder), quiet=2)

    def measure(self, promise: Promise, world: World) -> list[Figure]:
        """The medians of the starts in one world, and the most memory seen."""
        starts: dict[str, list[Start]] = {name: [] for name in ("empty", *ACCEPTED)}
        for round_ in range(self._rounds + 1):
            for name, found in starts.items():
                self._progress(f"start, {promise.world}: round {round_} of {self._rounds}, {name}")
                found.append(self._start(name, world, self._home()))
        return _figures(promise, {name: found[1:] for name, found in starts.items()})

    def imports(self, name: str, world: World) -> str:
        """What one start says about its imports, in the form of `python -X importtime`."""
        home = self._home()
        self._start(name, world, home, {"PYTHONPROFILEIMPORTTIME": "1"})
        return (home / OUTPUT).read_text(encoding="utf-8", errors="replace")

    def _home(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self.here))

    def _start(
        self, name: str, world: World, home: Path, extra: Mapping[str, str] | None = None
    ) -> Start:
        if name == "empty":
            return start(self._empty, name, extra or {}, First(), home)
        env = world.fresh(home)
        request = prepared(name, env)
        started = start(self._source, name, {**env, **(extra or {})}, request, home)
        if ACCEPTED.get(name, "") not in started.answer:
            raise NotAnswered(f"{name} did not accept the message: {started.answer}")
        return started


def _figures(promise: Promise, starts: Mapping[str, list[Start]]) -> list[Figure]:
    floor = median(each.milliseconds for each in starts["empty"])
    times = [
        Figure(
            name=f"start, {promise.world}: {name}",
            value=median(each.milliseconds for each in starts[name]),
            unit="ms",
            floor=floor,
            promised=promised,
        )
        for name, promised in promise.floors.items()
    ]
    sizes = [
        Figure(
            name=f"memory, {promise.world}: {name}",
            value=max(each.megabytes for each in starts[name]),
            unit="MB",
            promised=MEGABYTES,
        )
        for name in promise.floors
        if all(each.megabytes for each in starts[name])
    ]
    return times + sizes
