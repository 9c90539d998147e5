"""An imported routing tree, held to the real amtool on whatever tree can be made up."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from shared.domain.alert import Alert, AlertStatus
from shared.domain.classify import classify
from shared.policy.importing.tree import read
from shared.policy.importing.write import policy_text
from shared.policy.load import loads
from tests.builders import NOON
from tests.contract import amtool
from tests.emulators import need_program

_TREES = 40
_LABEL_SETS = 8
_NAMES = ("a", "b", "c")
_VALUES = ("x", "y", "xy", "")
_RECEIVERS = ("one", "Two", "three 3", "null")

pytestmark = [pytest.mark.program, pytest.mark.slow]


def test_imported_tree_sends_alerts_where_amtool_does(tmp_path: Path) -> None:
    """For trees without `continue`, any labels go to the team of the receiver that amtool names."""
    program = need_program("amtool", "whether imported routes mean what they mean in Alertmanager")
    random = Random(11)
    for number in range(_TREES):
        config = tmp_path / f"{number}.yml"
        tree = {"receiver": "one", "routes": [_route(random, 2) for _ in range(3)]}
        receivers = [{"name": name} for name in _RECEIVERS]
        config.write_text(yaml.safe_dump({"route": tree, "receivers": receivers}))
        label_sets = [{name: random.choice(_VALUES) for name in _NAMES} for _ in range(_LABEL_SETS)]
        policy = loads(policy_text(read(config.read_text(), "am.yml")), "policy.yaml")
        theirs = amtool.receivers(program, config, label_sets)
        for labels, their in zip(label_sets, theirs, strict=True):
            team = classify(policy, _alert(labels)).team
            assert policy.teams[team].name == their, (config.read_text(), labels)


def _alert(labels: dict[str, str]) -> Alert:
    status = AlertStatus.FIRING
    return Alert(source="am", fingerprint="f", status=status, starts_at=NOON, labels=labels)


def _route(random: Random, depth: int) -> dict[str, Any]:
    """A route with conditions in one of the three forms, perhaps none, and perhaps children."""
    name, value = random.choice(_NAMES), random.choice(_VALUES)
    forms: list[dict[str, Any]] = [
        {"match": {name: value}},
        {"match_re": {name: random.choice(("x.*", "x|y", ".+"))}},
        {"matchers": [f'{name}!="{value}"', f'{random.choice(_NAMES)}=~"x?y?"']},
        {"matchers": [f'{{{name}="{value}",{random.choice(_NAMES)}!~"y.*"}}']},
    ]
    route = random.choice(forms) if random.random() < 0.95 else {}
    if random.random() < 0.8:
        route["receiver"] = random.choice(_RECEIVERS)
    if depth and random.random() < 0.6:
        route["routes"] = [_route(random, depth - 1) for _ in range(random.randint(1, 3))]
    return route
