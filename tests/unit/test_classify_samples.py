"""The shipped policy against labelled alerts in every format we read."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shared.domain.classify import classify
from shared.domain.lane import Classification
from shared.policy import load
from shared.wire import alerts, pubsub

ROOT = Path(__file__).parents[2]
POLICY = load(ROOT / "infra/policies/convex.yaml")
LANES = ("projector", "infra", "auth", "triage")


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled alert: what is received, and what a person would say about it."""

    file: str
    name: str
    lane: str
    team: str
    severity: str
    body: Any
    headers: dict[str, str]

    def __str__(self) -> str:
        return f"{self.file}: {self.name}"

    def answer(self) -> Classification:
        """What the shipped policy says, through the doors the functions use."""
        message = pubsub.unwrap(json.dumps(self.body).encode(), self.headers)
        (alert,) = alerts.parse_any(message.data, "samples")
        return classify(POLICY, alert)


def _samples() -> list[Sample]:
    return [
        Sample(file=path.stem, **{"headers": {}, **json.loads(line)})
        for path in sorted((ROOT / "tests/samples").glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


SAMPLES = _samples()


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_a_sample_goes_where_a_person_would_send_it(sample: Sample) -> None:
    """Lane, team and severity are as labelled, and the reasons say something."""
    answer = sample.answer()
    assert (answer.lane, answer.team, answer.severity) == (
        sample.lane,
        sample.team,
        sample.severity,
    ), answer.reasons
    assert len(answer.reasons) >= 2
    assert all(answer.reasons)


def test_the_confusion_table_is_a_diagonal(capsys: pytest.CaptureFixture[str]) -> None:
    """At least 60 samples in all formats, and none in a lane that is not its own."""
    table = Counter((sample.lane, sample.answer().lane) for sample in SAMPLES)
    rows = [f"{'labelled / answered':20}" + "".join(f"{lane:>11}" for lane in LANES)]
    rows += [f"{own:20}" + "".join(f"{table[own, lane]:11}" for lane in LANES) for own in LANES]
    with capsys.disabled():
        print("", *rows, f"{len(SAMPLES)} samples", sep="\n")
    assert len(SAMPLES) >= 60
    assert sum(table[lane, lane] for lane in LANES) == len(SAMPLES)
    assert all(table[lane, lane] >= 10 for lane in LANES)


def test_no_route_of_the_shipped_policy_is_without_a_sample() -> None:
    """Every route decides at least one sample: a route nobody needs is a route nobody tests."""
    used = {sample.answer().rule for sample in SAMPLES}
    assert {route.id for route in POLICY.routes} <= used
