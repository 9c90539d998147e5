"""Faults, the log, changes as they come, and what survives a sudden death."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

from tests.contract.simulated_slack_world import (
    BOT_TOKEN,
    DEADLINE_SECONDS,
    SlackWorld,
    VirtualClock,
    slack_world,
    wait_until,
)

POST_AND_DIE = """
import io, json, os, signal, sys
from pathlib import Path
from infra.local.slack import SimulatedSlack, SlackPerson

people = [SlackPerson("U0MARIA", "maria", "Maria Lopes")]
sim = SimulatedSlack(
    Path(sys.argv[1]), "http://127.0.0.1:1", "http://127.0.0.1:1/slack", "s", sys.argv[2],
    people, ["incidents"],
)
body = json.dumps({"channel": "incidents", "text": "still here"}).encode()
environ = {
    "REQUEST_METHOD": "POST", "PATH_INFO": "/sim/slack/api/chat.postMessage",
    "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)),
    "HTTP_AUTHORIZATION": "Bearer " + sys.argv[2], "wsgi.input": io.BytesIO(body),
}
print(b"".join(sim.wsgi(environ, lambda status, headers: None)).decode(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SlackWorld]:
    """A workspace of its own for each test."""
    with slack_world(tmp_path) as world:
        yield world


def changes(world: SlackWorld, since: int | None = None) -> Any:
    """What the page is told: everything, or what came after a revision."""
    params = {} if since is None else {"since": since}
    return world.http.get("/sim/slack/changes", params=params).json()


def test_a_rate_limit_says_when_to_come_back(world: SlackWorld) -> None:
    """429 with Retry-After, as often as ordered, and nothing is posted."""
    fault = {"method": "chat.postMessage", "fault": "rate_limited", "seconds": 7, "times": 2}
    world.post("faults", **fault)
    for _ in range(2):
        with pytest.raises(SlackApiError) as caught:
            world.slack.chat_postMessage(channel="incidents", text="x")
        assert caught.value.response.status_code == 429
        assert caught.value.response.headers["Retry-After"] == "7"
    assert world.messages() == []
    assert world.slack.chat_postMessage(channel="incidents", text="x")["ok"]


def test_slack_sdks_own_handler_waits_out_a_rate_limit(world: SlackWorld) -> None:
    """The client's retry handler understands the answer."""
    world.post("faults", method="chat.postMessage", fault="rate_limited", seconds=0)
    world.slack.retry_handlers.append(RateLimitErrorRetryHandler(max_retry_count=1))
    assert world.slack.chat_postMessage(channel="incidents", text="x")["ok"]


def test_a_server_error_does_nothing(world: SlackWorld) -> None:
    """server_error is a 500 before anything happened."""
    world.post("faults", method="*", fault="server_error")
    with pytest.raises(SlackApiError) as caught:
        world.slack.chat_postMessage(channel="incidents", text="x")
    assert caught.value.response.status_code == 500
    assert world.messages() == []


def test_an_answer_can_be_lost_after_the_message_was_posted(world: SlackWorld) -> None:
    """timeout_after_success posts the message, yet the caller sees a failure."""
    world.post("faults", method="chat.postMessage", fault="timeout_after_success", seconds=0)
    with pytest.raises(SlackApiError):
        world.slack.chat_postMessage(channel="incidents", text="x")
    assert [message["text"] for message in world.messages()] == ["x"]


def test_stopping_ends_a_delay(tmp_path: Path) -> None:
    """A call held up by a fault does not hold up the end of the world."""
    with slack_world(tmp_path) as world:
        world.post("faults", method="api.test", fault="delay", seconds=600)
        answers: list[int] = []

        def call() -> None:
            answers.append(world.http.post("/sim/slack/api/api.test").status_code)

        caller = threading.Thread(target=call)
        caller.start()
        wait_until(lambda: world.http.get("/sim/slack/faults").json() == [])
        world.sim.stop()
        caller.join(DEADLINE_SECONDS)
        assert answers == [500]


def test_faults_are_listed_and_cleared(world: SlackWorld) -> None:
    """DELETE forgets the faults of one method, or all of them."""
    world.post("faults", method="chat.update", fault="delay", seconds=0)
    world.post("faults", method="users.info", fault="server_error", times=3)
    world.http.request("DELETE", "/sim/slack/faults", json={"method": "chat.update"})
    left = world.http.get("/sim/slack/faults").json()
    assert left == [{"method": "users.info", "fault": "server_error", "seconds": 1.0, "times": 3}]
    world.http.delete("/sim/slack/faults")
    assert world.http.get("/sim/slack/faults").json() == []


def test_the_log_names_calls_and_outcomes_without_tokens(world: SlackWorld) -> None:
    """Each call is logged with its error; no token and no argument appears."""
    world.slack.auth_test()
    with pytest.raises(SlackApiError):
        world.slack.chat_postMessage(channel="#nowhere", text="a secret plan")
    log = world.http.get("/sim/slack/log")
    assert log.json() == [
        {"method": "auth.test", "at": world.clock(), "ok": True, "error": None},
        {
            "method": "chat.postMessage",
            "at": world.clock(),
            "ok": False,
            "error": "channel_not_found",
        },
    ]
    assert BOT_TOKEN not in log.text
    assert "secret" not in log.text


def test_what_was_answered_survives_kill_9(tmp_path: Path) -> None:
    """A message whose timestamp was answered is there after SIGKILL and a new start."""
    done = subprocess.run(
        [sys.executable, "-c", POST_AND_DIE, str(tmp_path), BOT_TOKEN],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    with slack_world(tmp_path) as world:
        (message,) = world.messages()
        assert message["ts"] == json.loads(done.stdout)["ts"]
        assert message["text"] == "still here"


def test_a_new_start_never_reuses_a_timestamp(tmp_path: Path) -> None:
    """Even with a clock that went back, later messages sort after earlier ones."""
    with slack_world(tmp_path) as world:
        first = world.slack.chat_postMessage(channel="incidents", text="a")["ts"]
    with slack_world(tmp_path, clock=VirtualClock(now=1_000_000_000.0)) as world:
        assert world.slack.chat_postMessage(channel="incidents", text="b")["ts"] > first


def test_a_waiting_page_hears_of_a_change_at_once(world: SlackWorld) -> None:
    """A request for changes is answered when something changes, with only that."""
    world.slack.chat_postMessage(channel="incidents", text="old")
    seen = changes(world)
    heard: list[Any] = []
    page = threading.Thread(target=lambda: heard.append(changes(world, seen["revision"])))
    page.start()
    world.slack.chat_postMessage(channel="incidents", text="new")
    page.join(DEADLINE_SECONDS)
    assert [message["text"] for message in heard[0]["messages"]] == ["new"]
    assert heard[0]["store"] == seen["store"]


def test_changes_tell_of_deleted_messages(world: SlackWorld) -> None:
    """A page that was away learns what is gone."""
    posted = world.slack.chat_postMessage(channel="incidents", text="old")
    since = changes(world)["revision"]
    world.slack.chat_delete(channel=posted["channel"], ts=posted["ts"])
    (message,) = changes(world, since)["messages"]
    assert (message["ts"], message["deleted"]) == (posted["ts"], True)


def test_many_pages_never_take_every_thread(world: SlackWorld) -> None:
    """Pages beyond the few that may wait are answered at once and told to poll."""
    since = changes(world)["revision"]
    heard: list[Any] = []
    pages = [threading.Thread(target=lambda: heard.append(changes(world, since))) for _ in range(6)]
    for page in pages:
        page.start()
    wait_until(lambda: len(heard) == 4)
    assert [answer["polling"] for answer in heard] == [True] * 4
    world.slack.chat_postMessage(channel="incidents", text="wake up")
    for page in pages:
        page.join(DEADLINE_SECONDS)
    assert sorted(answer["polling"] for answer in heard) == [False] * 2 + [True] * 4
