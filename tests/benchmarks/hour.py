"""Whether `respond` still holds as much memory after an hour's worth of alerts as before.

A busy hour is ten messages a second: 36,000, of which half tell of alerts that fire and half of
their ends. They are played as fast as they are answered, and after each slice of them what server
and worker hold is measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from tests.benchmarks import town
from tests.benchmarks.figure import Figure
from tests.benchmarks.load import play, request, write
from tests.benchmarks.process import memory
from tests.benchmarks.progress import Progress
from tests.benchmarks.served import deployment, load

MESSAGES = 36_000
QUICK_MESSAGES = 3_600
SLICES = 12
_WARM_UP_SLICES = 3
_FLAT_MEGABYTES = 5.0


def run(progress: Progress, quick: bool) -> Iterator[Figure]:
    """By how many megabytes an hour's worth makes it grow, and the most it held."""
    each = (QUICK_MESSAGES if quick else MESSAGES) // SLICES
    before = load()
    alerts = town.joining("hour")
    held: list[float] = []
    with deployment() as deployed:
        policy = town.write_policy(deployed.here / "policy.yaml", lanes=1)
        store = deployed.home()
        env = {"SWITCHMAN_STORE": f"sqlite://{store}", "SWITCHMAN_POLICY": str(policy)}
        first = _requests(deployed.home(), list(town.first()))
        with deployed.served("respond", env) as served:
            play(first, served.port, connections=1)
            held.append(memory(served.process.pid))
            for number in range(SLICES):
                progress(f"hour: slice {number + 1} of {SLICES}, {held[-1]:.1f} MB")
                firing = list(islice(alerts, each // 2))
                requests = [*firing, *map(town.ended, firing)]
                play(_requests(deployed.home(), requests), served.port)
                held.append(memory(served.process.pid))
        file = store.stat().st_size / 1e6
    growth = slope(held[1 + _WARM_UP_SLICES :]) * SLICES
    details = {
        "messages": each * SLICES,
        "megabytes_after_each_slice": [round(one, 2) for one in held],
        "megabytes_of_the_store": round(file, 1),
        "load_average": [before, load()],
    }
    yield Figure(
        name="memory, respond: growth over an hour's worth",
        value=growth,
        unit="MB",
        promised=_FLAT_MEGABYTES,
        details=details,
    )
    yield Figure(name="memory, respond: the most in that hour", value=max(held), unit="MB")


def slope(values: Sequence[float]) -> float:
    """By how much each value is above the one before, by least squares."""
    middle = (len(values) - 1) / 2
    mean = sum(values) / len(values)
    above = sum((at - middle) * (value - mean) for at, value in enumerate(values))
    return above / sum((at - middle) ** 2 for at in range(len(values)))


def _requests(path: Path, alerts: Sequence[dict[str, Any]]) -> Path:
    return write(path, (request(town.pushed(alert)) for alert in alerts))
