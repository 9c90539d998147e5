import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from shared.bootstrap import Application
from shared.config import Settings
from shared.domain.decision import Reason
from shared.wire import alerts, pubsub
from tests.benchmarks import town


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Application]:
    """The application under the town's policy, with an incident open in each stack."""
    policy = town.write_policy(tmp_path / "policy.yaml", lanes=2)
    store = f"sqlite://{tmp_path / 'store.sqlite3'}"
    built = Application(
        Settings.from_env({"SWITCHMAN_STORE": store, "SWITCHMAN_POLICY": str(policy)})
    )
    assert set(_reasons(built, town.first())) == {Reason.OPENED}
    yield built
    built.store.close()


def _reasons(application: Application, sent: Iterable[dict[str, Any]]) -> list[Reason | None]:
    """What each alert led to, sent as `respond` gets it."""
    messages = (pubsub.unwrap(town.pushed(alert), {}) for alert in sent)
    readings = (alerts.read_any(message.data, town.SOURCE) for message in messages)
    return [
        handled.reason
        for reading in readings
        for handled in application.receive_alerts(reading.alerts)
    ]


def test_changing_alerts_open_an_incident_and_then_raise_it(application: Application) -> None:
    """Four for each cell, none of which only joins."""
    reasons = _reasons(application, town.changing("changing", lanes=2))

    assert reasons.count(Reason.OPENED) == town.STACKS
    assert reasons.count(Reason.RAISED) == 3 * town.STACKS
    assert len(reasons) == 4 * town.STACKS


def test_one_mixed_alert_in_ten_changes_its_stack(application: Application) -> None:
    """The others join what is open, all over the town, and write their own rows only."""
    before = {view.stack.id: view.writes for view in application.store.heads()}
    reasons = _reasons(application, islice(town.mixed("mixed"), 500))
    written = [
        (view.writes or 0) - (before[view.stack.id] or 0) for view in application.store.heads()
    ]

    assert reasons.count(Reason.JOINED) == 450
    assert written == [1] * town.STACKS


def test_alerts_of_the_town_end(application: Application) -> None:
    """An hour of them leaves nothing firing."""
    fired = list(islice(town.joining("ending"), 20))

    assert set(_reasons(application, fired)) == {Reason.JOINED}
    assert set(_reasons(application, map(town.ended, fired))) == {Reason.ENDED}


def test_a_webhook_of_the_town_is_one_that_alertmanager_sends() -> None:
    """Every alert once, in version 4."""
    found = json.loads(town.webhook(*islice(town.storm(), 3)))

    assert found["version"] == "4"
    assert len({alert["fingerprint"] for alert in found["alerts"]}) == 3
