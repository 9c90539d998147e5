"""`make bench`: measures what was promised, prints a table, and writes the figures as JSON.

`python -m tests.benchmarks [NAME...] [--quick] [--json FILE]`. Figures are reported and never asserted: the
exit code is 0 also when something falls short, which the last line says.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.benchmarks import classify, hour, page, policy, respond, rollback, start, storm
from tests.benchmarks.figure import Figure, NotMeasured, table
from tests.benchmarks.progress import Progress

Benchmark = Callable[[Progress, bool], Iterable[Figure]]
"""Measures, quickly and roughly if the second argument is true."""

BENCHMARKS: Mapping[str, Benchmark] = MappingProxyType(
    {
        "classify": classify.run,
        "policy": policy.run,
        "start": start.embedded,
        "start-emulators": start.emulated,
        "respond": respond.run,
        "page": page.run,
        "storm": storm.on_sqlite,
        "storm-firestore": storm.on_firestore,
        "hour": hour.run,
        "rollback": rollback.run,
    }
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what was asked for, or everything."""
    asked = _parse(arguments)
    report: dict[str, Any] = {"machine": machine(), "quick": asked.quick}
    figures, missing = _measure(asked.names or tuple(BENCHMARKS), asked.quick)
    print(table(figures))
    print(f"\n{verdict(figures, missing)}")
    report["figures"] = [figure.as_json() for figure in figures]
    report["not_measured"] = missing
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    asked.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"Written to {asked.json}")


def verdict(figures: Iterable[Figure], missing: Mapping[str, str]) -> str:
    """What fell short and what could not be measured, in words."""
    short = [figure.name for figure in figures if figure.short]
    lines = [f"Short of what was promised: {'; '.join(short)}" if short else "None falls short."]
    lines += [f"Not measured: {name} ({why})" for name, why in missing.items()]
    return "\n".join(lines)


def _measure(names: Iterable[str], quick: bool) -> tuple[list[Figure], dict[str, str]]:
    """The figures, and for each benchmark that this machine cannot run the reason."""
    progress = Progress()
    figures: list[Figure] = []
    missing: dict[str, str] = {}
    for name in names:
        progress(f"{name} ...")
        try:
            figures += BENCHMARKS[name](progress, quick)
        except NotMeasured as reason:
            missing[name] = str(reason)
    progress.done()
    return figures, missing


def machine() -> dict[str, Any]:
    """When and where the figures come from; `load` is the machine's own before they were taken."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load": [round(load, 2) for load in os.getloadavg()],
    }


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description="Measure what was promised.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all when none"
    )
    parser.add_argument("--json", type=Path, default=Path("build/bench.json"), metavar="FILE")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs: roughly")
    asked = parser.parse_args(arguments)
    if unknown := sorted(set(asked.names) - set(BENCHMARKS)):
        parser.error(f"there is no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    return asked


if __name__ == "__main__":
    main()
