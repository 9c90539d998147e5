"""How long the shipped policy takes to load, in a process that has loaded none before.

Imports are reported beside it: every function that decides pays for them once, with or without a
policy, and most of them are libraries.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

from shared.config import SHIPPED_POLICY
from tests.benchmarks import town
from tests.benchmarks.figure import Figure
from tests.benchmarks.progress import Progress
from tests.benchmarks.served import folder_of_its_own

PROMISED: Final = 50
_ROUNDS: Final = 11
_LOAD: Final = """
import json, sys, time
began = time.perf_counter()
from shared.policy.load import load
imported = time.perf_counter()
policy = load(sys.argv[1])
loaded = time.perf_counter()
print(json.dumps([(imported - began) * 1000, (loaded - imported) * 1000, len(policy.routes)]))
"""


def run(progress: Progress, quick: bool) -> Iterator[Figure]:
    """Milliseconds for the shipped policy, for what it imports, and for one of many routes."""
    rounds = 3 if quick else _ROUNDS
    with folder_of_its_own() as folder:
        progress("policy")
        yield from _shipped([_loaded(SHIPPED_POLICY) for _ in range(rounds)])
        yield _large([_loaded(town.write_policy(folder / "policy.yaml")) for _ in range(3)])


def _shipped(runs: list[tuple[float, float, int]]) -> Iterator[Figure]:
    imports, loads, _ = zip(*runs, strict=True)
    yield Figure(
        name="policy, the shipped one loaded in a new process",
        value=median(loads),
        unit="ms",
        promised=PROMISED,
        details={"milliseconds": loads},
    )
    yield Figure(
        name="policy, imports before that",
        value=median(imports),
        unit="ms",
        details={"milliseconds": imports},
    )


def _large(runs: list[tuple[float, float, int]]) -> Figure:
    _, loads, routes = zip(*runs, strict=True)
    return Figure(
        name=f"policy, one of {routes[0]:,} routes",
        value=median(loads),
        unit="ms",
        details={"milliseconds": loads},
    )


def _loaded(policy: Path) -> tuple[float, float, int]:
    """Milliseconds of the imports and of the load in a process of its own; how many routes."""
    command = [sys.executable, "-c", _LOAD, str(policy)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    imports, load, routes = json.loads(done.stdout)
    return imports, load, routes
