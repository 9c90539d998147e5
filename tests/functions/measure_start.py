"""Where start-up time goes: `python -m tests.functions.measure_start` prints one line a function.

For each function, and for an empty one, the median of five times from starting the real server
until the first request is answered; and the three packages whose modules took longest to import
by then, by `python -X importtime`. Figures for people; nothing here is asserted.
"""

import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.functions import serving
from tests.functions.first_requests import First, first
from tests.functions.messages import SIGNING_SECRET, TOKEN

ROUNDS = 5
EMPTY = "import functions_framework\n\n\n@functions_framework.http\ndef empty(request):\n    return ''\n"
_DEPTH = {"google": 3, "shared": 2}  # names of a package's parts that are told apart


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        source = serving.deploy(here / "source")
        empty = here / "empty"
        empty.mkdir()
        (empty / "main.py").write_text(EMPTY)
        baseline = _measure(empty, "empty", here)
        print(f"{'empty':8} {baseline * 1000:5.0f} ms")
        for name in serving.NAMES:
            took = _measure(source, name, here)
            costs = ", ".join(
                f"{package} {ms:.0f} ms" for package, ms in _costs(source, name, here)
            )
            print(f"{name:8} {took * 1000:5.0f} ms  (+{(took - baseline) * 1000:3.0f} ms)  {costs}")


def _measure(source: Path, name: str, here: Path) -> float:
    """Seconds until the first answer. The first round only fills Python's caches."""
    return statistics.median([_first_answer(source, name, here)[0] for _ in range(ROUNDS + 1)][1:])


def _costs(source: Path, name: str, here: Path) -> list[tuple[str, float]]:
    """The three packages, the framework's own aside, that cost most, in milliseconds."""
    _, said = _first_answer(source, name, here, {"PYTHONPROFILEIMPORTTIME": "1"})
    _, framework = _first_answer(here / "empty", "empty", here, {"PYTHONPROFILEIMPORTTIME": "1"})
    known = {module for module, _ in _imports(framework)}
    costs: Counter[str] = Counter()
    for module, microseconds in _imports(said):
        if module not in known:
            costs[_package(module)] += microseconds
    return [(package, cost / 1000) for package, cost in costs.most_common(3)]


def _imports(said: str) -> Iterator[tuple[str, int]]:
    """Modules and their own microseconds, from lines `import time: SELF | CUMULATIVE | NAME`."""
    for line in said.splitlines():
        if line.startswith("import time:") and "self [us]" not in line:
            own, _, module = line.removeprefix("import time:").split("|")
            yield module.strip(), int(own)


def _package(module: str) -> str:
    parts = module.split(".")
    return ".".join(parts[: _DEPTH.get(parts[0], 1)])


def _first_answer(
    source: Path, name: str, here: Path, extra: Mapping[str, str] | None = None
) -> tuple[float, str]:
    """Seconds until the first answer, and what the process wrote."""
    home = Path(tempfile.mkdtemp(dir=here)) / "home"
    env = {
        "SWITCHMAN_STORE": f"sqlite://{home.parent / 'store.sqlite3'}",
        "SWITCHMAN_INGEST_TOKEN": TOKEN,
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
        **(extra or {}),
    }
    request = First() if name == "empty" else first(name)
    began = time.monotonic()
    with serving.serve(source, name, env, home) as served:
        answer = served.client.request(
            request.method, request.path, content=request.body, headers=request.headers
        )
        took = time.monotonic() - began
        assert answer.status_code == 200, (name, answer.text)
        return took, served.said()


if __name__ == "__main__":
    main()
