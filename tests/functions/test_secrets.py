"""Settings that name a secret: read over Secret Manager's real API, and rotated while serving."""

import time
from collections.abc import Iterator
from datetime import timedelta

import grpc
import pytest

from shared.adapters.sqlite.store import SqliteStore
from shared.bootstrap import Application
from shared.config import Settings
from tests.contract.test_secret_manager import Server
from tests.fakes.clock import ManualClock
from tests.functions.conftest import Serve
from tests.functions.messages import TOKEN, alert, press, signed, webhook
from tests.functions.outage import delivered, only
from tests.functions.serving import Served
from tests.hook import Hook

LAST_RESORT = "projects/demo/secrets/last-resort/versions/latest"
INGEST_TOKEN = "projects/demo/secrets/ingest-token/versions/latest"
UNREADABLE = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.NOT_FOUND,
)


@pytest.fixture
def secrets() -> Iterator[Server]:
    """A Secret Manager that keeps the token of `ingest`."""
    server = Server()
    server.values[INGEST_TOKEN] = f"{TOKEN}\n".encode()
    yield server
    server.stop()


def environment(secrets: Server) -> dict[str, str]:
    """Settings that name secrets of this Secret Manager."""
    return {
        "GOOGLE_CLOUD_PROJECT": "demo",
        "SWITCHMAN_SECRET_MANAGER_ENDPOINT": secrets.address,
        "SWITCHMAN_INGEST_TOKEN": "secret://ingest-token",
        "SLACK_SIGNING_SECRET": "secret://slack-signing-secret",
    }


def statuses(ingest: Served) -> list[int]:
    """How `ingest` answers the token it should know, another one, and none."""
    given = ({"Authorization": f"Bearer {token}"} for token in (TOKEN, "another"))
    return [
        ingest.client.post("/", headers=headers, json=webhook(alert())).status_code
        for headers in (*given, {})
    ]


def test_the_token_is_read_from_secret_manager(served: Serve, secrets: Server) -> None:
    """Who has the secret is let in, others are not; it is asked for once and never logged."""
    ingest = served("ingest", environment(secrets))

    assert statuses(ingest) == [200, 401, 401]
    assert secrets.asked == [INGEST_TOKEN]
    assert TOKEN not in ingest.said()


@pytest.mark.parametrize("code", UNREADABLE, ids=lambda code: code.name.lower())
def test_a_secret_that_cannot_be_read_is_503_for_everybody(
    served: Serve, secrets: Server, store: SqliteStore, code: grpc.StatusCode
) -> None:
    """Nobody is told 401 for what is our fault; it is asked for anew with the next request."""
    secrets.code = code
    ingest = served("ingest", environment(secrets))

    assert statuses(ingest) == [503, 503, 503]
    assert store.messages.waiting("events", 0, 10) == ()
    secrets.code = None
    assert statuses(ingest) == [200, 401, 401]


def test_slacks_signing_secret_that_cannot_be_read_is_503(served: Serve, secrets: Server) -> None:
    """A press whose signature cannot be checked is neither believed nor refused."""
    secrets.code = grpc.StatusCode.UNAVAILABLE
    body = press("convex-0000000000")

    answer = served("slack", environment(secrets)).client.post(
        "/", content=body, headers=signed(body, time.time())
    )

    assert answer.status_code == 503


def test_the_last_resort_may_be_a_secret_and_is_read_when_it_is_needed(
    served: Serve, secrets: Server, hook: Hook
) -> None:
    """While it cannot be read nobody is told; the next failure after that is. No log shows it."""
    named = {"SWITCHMAN_LAST_RESORT": "secret://last-resort", "SWITCHMAN_STORE": ""}
    respond = served("respond", {**environment(secrets), **named})

    secrets.values[LAST_RESORT] = f"{hook.url}\n".encode()
    secrets.code = grpc.StatusCode.UNAVAILABLE
    assert delivered(respond, 3) == 503
    assert "the last resort was not reached" in respond.said()
    assert hook.texts() == []
    secrets.code = None
    assert delivered(respond, 4) == 503

    assert "SWITCHMAN_STORE is not set" in only(hook)
    assert "hush-hush" not in respond.said()


def test_a_rotated_token_is_known_after_a_minute(secrets: Server) -> None:
    """Without another deployment: the old one for a minute at most, the new one from then on.

    The served process lives by the machine's clock, so the minute passes in this process.
    """
    application = Application(
        Settings.from_env({"SWITCHMAN_STORE": "sqlite:///unused", **environment(secrets)})
    )
    clock = application.clock = ManualClock()

    def known() -> list[bool]:
        return [application.sender_is_known(f"Bearer {token}") for token in (TOKEN, "rotated")]

    assert known() == [True, False]
    secrets.values[INGEST_TOKEN] = b"rotated"
    clock.advance(timedelta(seconds=59))
    assert known() == [True, False]
    clock.advance(timedelta(seconds=1))
    assert known() == [False, True]
    secrets.code = grpc.StatusCode.UNAVAILABLE
    clock.advance(timedelta(seconds=59))
    assert known() == [False, True]
