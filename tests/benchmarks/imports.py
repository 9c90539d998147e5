"""Where the time of a start goes: `python -m tests.benchmarks.imports [FUNCTION...]`.

For each function, the packages whose modules took longest to import until its first message was
accepted, by `python -X importtime`, without what the empty function imports too. The times are
longer than without that option; how they compare is what matters.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from tests.benchmarks.progress import Progress
from tests.benchmarks.start import ACCEPTED, Bench
from tests.benchmarks.start_worlds import Embedded, simulated_slack

SHOWN = 8
_DEPTH: Mapping[str, int] = MappingProxyType({"google": 3, "shared": 2})
"""How many parts of a module's name are told apart."""


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), Progress())
        with simulated_slack(bench.here) as slack:
            world = Embedded(slack)
            bench.imports("empty", world)
            known = dict(parsed(bench.imports("empty", world)))
            for name in sys.argv[1:] or ACCEPTED:
                bench.imports(name, world)
                print(f"{name:8} {_costs(bench.imports(name, world), known)}")


def parsed(said: str) -> Iterator[tuple[str, int]]:
    """Modules and their own microseconds, from lines `import time: SELF | CUMULATIVE | NAME`.

    https://docs.python.org/3/using/cmdline.html#cmdoption-X
    """
    for line in said.splitlines():
        if line.startswith("import time:") and "self [us]" not in line:
            own, _, module = line.removeprefix("import time:").split("|")
            yield module.strip(), int(own)


def _costs(said: str, known: Mapping[str, int]) -> str:
    costs: Counter[str] = Counter()
    for module, microseconds in parsed(said):
        if module not in known:
            costs[_package(module)] += microseconds
    shown = [f"{package} {took / 1000:.0f}" for package, took in costs.most_common(SHOWN)]
    return f"{costs.total() / 1000:4.0f} ms: {', '.join(shown)}"


def _package(module: str) -> str:
    parts = module.split(".")
    return ".".join(parts[: _DEPTH.get(parts[0], 1)])


if __name__ == "__main__":
    main()
