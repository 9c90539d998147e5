"""What cannot be worked on is told past everything, with functions that are really served."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from shared.adapters.sqlite.store import SqliteStore
from shared.config import SHIPPED_POLICY
from tests.functions.conftest import Serve
from tests.functions.messages import BEARER, push_of
from tests.functions.outage import ALERT, SERVICE, TITLE, delivered, only
from tests.functions.test_push import make_due
from tests.hook import Hook


@pytest.mark.parametrize("broken", ["gone", "no policy", "a folder"])
def test_a_policy_that_breaks_is_told_with_the_alert_that_waits(
    served: Serve, store: SqliteStore, tmp_path: Path, hook: Hook, broken: str
) -> None:
    """The third delivery tells what is wrong; once it is mended, the next opens the incident."""
    policy = tmp_path / "policy.yaml"
    if broken == "no policy":
        policy.write_text("version: 1\nlanes: [never closed\n", encoding="utf-8")
    elif broken == "a folder":
        policy.mkdir()
    env = {"SWITCHMAN_POLICY": str(policy), "SWITCHMAN_LAST_RESORT": hook.url}
    respond = served("respond", env)

    assert [delivered(respond, 1), delivered(respond, 2)] == [503, 503]
    assert hook.texts() == []
    assert [delivered(respond, 3), delivered(respond, 4)] == [503, 503]

    text = only(hook)
    for part in (str(policy), TITLE, "critical", SERVICE, "log of the function respond"):
        assert part in text
    if broken == "a folder":
        policy.rmdir()
    policy.write_text(SHIPPED_POLICY.read_text(encoding="utf-8"), encoding="utf-8")
    assert delivered(respond, 5) == 200
    (view,) = store.incidents()
    assert view.incident.lane == "projector"
    assert len(hook.texts()) == 1


def test_a_message_that_others_failed_on_is_told_at_its_third_delivery(
    served: Serve, hook: Hook, tmp_path: Path
) -> None:
    """A process that has just started tells it at once: the first two deliveries met others."""
    env = {"SWITCHMAN_POLICY": str(tmp_path / "gone"), "SWITCHMAN_LAST_RESORT": hook.url}

    assert delivered(served("respond", env), 3) == 503

    assert "SWITCHMAN_POLICY: there is no file" in only(hook)


@pytest.mark.parametrize("name", ["act", "command", "ingest", "respond", "slack", "tick"])
def test_every_function_that_something_waits_for_tells_it(
    served: Serve, hook: Hook, name: str
) -> None:
    """Three requests fail because of the environment; whoever is responsible hears all faults."""
    wrong = {"SWITCHMAN_STORE": "", "SWITCHMAN_BUS": "x", "SWITCHMAN_LAST_RESORT": hook.url}
    function = served(name, wrong)

    kind = "command" if name == "command" else "alert"
    body = push_of({"action": "a-1", "instruction": "i-1"}, kind=kind)

    answers = [function.client.post("/", headers=BEARER, json=body) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [503] * 4
    text = only(hook)
    assert f"its function {name} failed 3 times" in text
    assert "SWITCHMAN_STORE is not set" in text
    assert "SWITCHMAN_BUS" in text
    assert "hush-hush" not in function.said()
    assert any("told through the last resort" in line["message"] for line in function.log())


def test_what_is_nobodys_fault_is_not_told(served: Serve, hook: Hook) -> None:
    """Strangers, rubbish, and messages for others come and go."""
    env = {"SWITCHMAN_LAST_RESORT": hook.url}
    ingest, respond, act = served("ingest", env), served("respond", env), served("act", env)

    for attempt in range(3, 7):
        assert ingest.client.post("/", json=ALERT).status_code == 401
        assert ingest.client.post("/", headers=BEARER, content=b"rubbish").status_code == 400
        assert delivered(respond, attempt, {"x": attempt}) == 200
        assert delivered(act, attempt, {"action": "none"}) == 200

    assert hook.texts() == []


def test_a_last_resort_that_is_away_delays_no_answer_for_long(served: Serve, hook: Hook) -> None:
    """It never answers: the sender has its 503 within seconds, and the log says so."""
    hook.silent = True
    respond = served("respond", {"SWITCHMAN_STORE": "", "SWITCHMAN_LAST_RESORT": hook.url})
    began = time.monotonic()

    assert delivered(respond, 3) == 503

    assert time.monotonic() - began < 6
    (line,) = [line for line in respond.log() if "last resort was not reached" in line["message"]]
    assert line["severity"] == "ERROR"
    hook.silent = False
    assert delivered(respond, 4) == 503
    assert "SWITCHMAN_STORE" in only(hook)


def test_a_wrong_last_resort_is_a_fault_among_the_others(served: Serve) -> None:
    """Nobody finds out only when it is needed; what stands there is not logged."""
    respond = served("respond", {"SWITCHMAN_LAST_RESORT": "hush-hush", "SWITCHMAN_BUS": "x"})

    assert delivered(respond, 1) == 503

    (line,) = respond.log()
    assert "SWITCHMAN_LAST_RESORT: entry 1 of 1 is no URL to send to" in line["message"]
    assert "SWITCHMAN_BUS" in line["message"]
    assert "hush-hush" not in respond.said()


def test_deployed_without_a_last_resort_is_said_once(served: Serve, hook: Hook) -> None:
    """Cloud Run names the service in K_SERVICE; elsewhere, or with one, there is nothing to say."""

    def warnings(env: dict[str, str]) -> list[str]:
        function = served("respond", env)
        assert [delivered(function, 1), delivered(function, 2)] == [200, 200]
        return [line["severity"] for line in function.log() if "LAST_RESORT" in line["message"]]

    deployed = {"K_SERVICE": "switchman-respond"}
    assert warnings(deployed) == ["WARNING"]
    assert warnings({**deployed, "SWITCHMAN_LAST_RESORT": hook.url}) == []
    assert warnings({}) == []


def test_a_page_that_slack_does_not_take_is_told(
    served: Serve, store: SqliteStore, hook: Hook
) -> None:
    """Nobody is at Slack's address: at the third attempt the page is told where it is not needed."""
    assert delivered(served("respond"), 1) == 200
    page, *_notices = store.messages.waiting("pages", 0, 10)
    order = json.loads(page.data)
    away = {
        "SLACK_API_URL": "http://127.0.0.1:1/",
        "SLACK_BOT_TOKEN": "xoxb-hush-hush",
        "SWITCHMAN_LAST_RESORT": hook.url,
    }
    act = served("act", away)

    assert [delivered(act, attempt, order) for attempt in (1, 2)] == [503, 503]
    assert hook.texts() == []
    assert [delivered(act, attempt, order) for attempt in (3, 4)] == [503, 503]
    text = only(hook)
    assert "cannot deliver a page (attempt 3)" in text
    assert TITLE in text
    assert "hush" not in text + act.said()


def test_a_tick_whose_timers_fail_is_told(
    served: Serve, store: SqliteStore, database: Path, hook: Hook
) -> None:
    """Its answer is 503 and nothing was raised: a timer that never takes effect is silence too."""
    assert delivered(served("respond"), 1) == 200
    make_due(store)
    with closing(sqlite3.connect(database)) as broken:
        broken.execute("DROP TABLE heads")
        broken.execute('CREATE VIEW heads AS SELECT "unheard_of"() AS body, 1 AS version')
    tick = served("tick", {"SWITCHMAN_LAST_RESORT": hook.url})

    assert [tick.client.post("/").status_code for _ in range(4)] == [503] * 4

    assert "reminders, escalations, the end of incidents" in only(hook)
