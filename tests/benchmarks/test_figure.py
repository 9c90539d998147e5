import json
from pathlib import Path

import pytest

from tests.benchmarks.__main__ import main, verdict
from tests.benchmarks.figure import Figure, table
from tests.benchmarks.imports import parsed


def start(milliseconds: float) -> Figure:
    """A start that may take 1.6 times the 200 ms of its floor."""
    return Figure(name="start", value=milliseconds, unit="ms", floor=200, promised=1.6)


def rate(per_second: float) -> Figure:
    """A rate of which 20,000 are promised."""
    return Figure(name="rate", value=per_second, unit="a second", promised=20_000, at_least=True)


@pytest.mark.parametrize(
    ("figure", "short"),
    [(start(320), False), (start(321), True), (rate(20_000), False), (rate(19_999), True)],
)
def test_a_figure_is_short_only_beyond_its_promise(figure: Figure, short: bool) -> None:
    """With a floor the ratio is judged, without one the value; the bound itself still holds."""
    assert figure.short is short


def test_the_table_shows_figure_floor_ratio_and_promise() -> None:
    """Each figure is a line that ends with whether it holds."""
    _, ratio, plain = table([start(300), rate(10_000)]).splitlines()

    assert " ".join(ratio.split()) == "start 300 ms 200 ms 1.50 at most 1.6 floors ok"
    assert " ".join(plain.split()) == "rate 10,000 a second at least 20,000 SHORT"


def test_the_verdict_names_what_fell_short_and_what_is_missing() -> None:
    """Nobody takes an unmeasured figure for a good one."""
    said = verdict([start(300), rate(1)], {"start-emulators": "java is not on this machine"})

    assert said.splitlines() == [
        "Short of what was promised: rate",
        "Not measured: start-emulators (java is not on this machine)",
    ]


def test_bench_runs_one_benchmark_and_writes_its_figures(tmp_path: Path) -> None:
    """The JSON has the machine, the figure, and whether it is short."""
    report = tmp_path / "build" / "bench.json"

    main(["classify", "--json", str(report)])

    written = json.loads(report.read_text(encoding="utf-8"))
    (figure,) = written["figures"]
    assert figure["name"] == "classify, 100 routes"
    assert figure["short"] is (figure["value"] < figure["promised"])
    assert written["machine"]["cores"]


def test_an_unknown_benchmark_is_refused_with_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A typing error measures nothing, and says what there is."""
    with pytest.raises(SystemExit, match="2"):
        main(["strat"])

    assert "classify, policy, start, start-emulators, respond" in capsys.readouterr().err


def test_import_times_are_read_from_what_python_says() -> None:
    """The heading and whatever else the process writes are passed over."""
    said = "import time: self [us] | cumulative | imported package\nimport time:   120 |  900 |   json\nhello"

    assert list(parsed(said)) == [("json", 120)]
