"""What nobody can read: kept with its reason, told to a person once a day, and never in the way."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.sqlite.store import SqliteStore
from shared.domain.paging import PageStep
from tests.functions.conftest import Serve
from tests.functions.messages import BEARER, alert, push, push_of, webhook
from tests.functions.serving import Served

SECRET = "hunter2-hunter2"
BAD = {
    "labels": {"alertname": "Odd", "password": SECRET},
    "status": "firing",
    "startsAt": "yesterday",
}
OTHER_LANE = {"alertname": "ConvexTokenMintFailures", "severity": "critical"}


def deliver(store: SqliteStore, respond: Served) -> None:
    """Push everything that waits on the events topic to `respond`, once, as the bus does."""
    for message in store.messages.waiting("events", 0, 100):
        body = push(message.data, message.id, **message.attributes)
        assert respond.client.post("/", json=body).status_code == 200
        store.messages.delivered(message.seq)


def lanes(store: SqliteStore) -> dict[str, int]:
    """How many alerts each lane's incident has."""
    return {view.incident.lane: view.alerts for view in store.incidents()}


def triage_pages(store: SqliteStore) -> list[PageStep]:
    """What the triage incident has paged about."""
    (incident,) = (v.incident for v in store.incidents() if v.incident.lane == "triage")
    return [page.step for page in incident.pages]


def listed(database: Path, *options: str) -> str:
    """What `switchman incidents rejected` prints."""
    return subprocess.run(
        [Path(sys.executable).with_name("switchman"), "incidents", "rejected", *options],
        env={"PATH": os.environ["PATH"], "SWITCHMAN_STORE": f"sqlite://{database}"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_a_bad_alert_is_kept_and_the_good_ones_open_incidents(
    served: Serve, store: SqliteStore, database: Path
) -> None:
    """Its siblings take effect; it is stored with its reason, without secrets, and paged about."""
    ingest, respond = served("ingest"), served("respond")
    body = webhook(alert(1), BAD, alert(2, labels=OTHER_LANE))

    answer = ingest.client.post("/", headers=BEARER, json=body)
    deliver(store, respond)

    assert answer.json() == {"accepted": 2, "rejected": 1}
    assert lanes(store) == {"projector": 1, "auth": 1, "triage": 0}
    assert triage_pages(store) == [PageStep.OPENED]
    (row,) = store.rejected()
    assert (row.source, row.reason) == (
        "alertmanager",
        "the alert's startsAt is not an RFC 3339 time",
    )
    assert "Odd" in row.snippet
    (shown,) = json.loads(listed(database, "--json"))
    assert (shown["source"], shown["reason"]) == (row.source, row.reason)
    assert row.reason.split()[-1] in listed(database)
    everywhere = (row.snippet, listed(database), str(shown), ingest.said(), respond.said())
    assert not [text for text in everywhere if SECRET in text]


def test_the_second_of_a_day_is_kept_and_wakes_nobody(served: Serve, store: SqliteStore) -> None:
    """Every bad message is recorded; the same source pages once a day, another one as well."""
    ingest, respond = served("ingest"), served("respond")

    for number in range(3):
        bad = {**BAD, "labels": {"alertname": f"Odd{number}"}}
        ingest.client.post("/", headers=BEARER, json=webhook(bad))
        deliver(store, respond)

    assert len(store.rejected()) == 3
    assert triage_pages(store) == [PageStep.OPENED]
    respond.client.post("/", json=push_of({"x": 1}, source="grafana"))
    assert triage_pages(store) == [PageStep.OPENED, PageStep.UNREADABLE]


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"<html>Bad gateway</html>", 400, "JSON"),
        (b'{"alerts": 7}', 400, "alerts"),
        (json.dumps(webhook(*[{}] * 10_001)).encode(), 413, "10001 alerts"),
    ],
    ids=["no JSON", "no webhook", "too many alerts"],
)
def test_what_is_no_webhook_at_all_is_told_and_kept(
    served: Serve, store: SqliteStore, body: bytes, status: int, reason: str
) -> None:
    """The sender is told why, because it waits; the body's beginning is recorded, and pages."""
    answer = served("ingest").client.post("/", headers=BEARER, content=body)
    deliver(store, served("respond"))

    assert answer.status_code == status
    assert reason in answer.json()["error"]
    (row,) = store.rejected()
    assert reason in row.reason
    assert row.snippet.startswith(body[:12].decode())
    assert lanes(store) == {"triage": 0}


def test_the_same_message_again_is_kept_once(served: Serve, store: SqliteStore) -> None:
    """However often a sender repeats it, and however often the bus does, it is one row."""
    ingest, respond = served("ingest"), served("respond")

    for _ in range(3):
        ingest.client.post("/", headers=BEARER, json=webhook(BAD, BAD))
        deliver(store, respond)
    for number in range(3):
        respond.client.post("/", json=push(b"no alert", message_id=str(number)))

    assert [row.source for row in store.rejected()] == ["pubsub", "alertmanager"]


def test_a_dead_letter_of_pub_sub_pages_triage(served: Serve, store: SqliteStore) -> None:
    """What Pub/Sub gave up delivering is recorded as it came, and somebody is woken."""
    origin = {
        "CloudPubSubDeadLetterSourceSubscription": "changes-act",
        "CloudPubSubDeadLetterSourceDeliveryCount": "5",
    }
    body = push(b'{"action":"a-1"}', "m-1", kind="action", **origin)
    assert served("respond").client.post("/", json=body).status_code == 200
    (kept,) = store.rejected()
    assert (kept.source, kept.reason) == (
        "dead letters of changes-act",
        "given up after 5 deliveries",
    )
    assert triage_pages(store) == [PageStep.OPENED]


def test_without_a_token_nothing_is_kept(served: Serve, store: SqliteStore) -> None:
    """A stranger fills no store and wakes nobody."""
    answer = served("ingest").client.post("/", json=webhook(BAD))

    assert answer.status_code == 401
    assert store.messages.waiting("events", 0, 10) == ()


@pytest.mark.parametrize("away", ["no folder", "a folder", "no database"])
def test_a_store_that_is_away_is_503_and_it_comes_again(
    served: Serve, tmp_path: Path, away: str
) -> None:
    """What cannot be recorded now is not acknowledged; once the store is back, it is recorded."""
    database = tmp_path / "away" / "switchman.sqlite3"
    take_away(database, away)
    env = {"SWITCHMAN_STORE": f"sqlite://{database}"}
    ingest, respond = served("ingest", env), served("respond", env)

    def send() -> list[Any]:
        """The same unreadable message through both."""
        told = ingest.client.post("/", headers=BEARER, content=b"no webhook")
        return [told.status_code, respond.client.post("/", json=push(b"no alert")).status_code]

    assert send() == [503, 503]
    bring_back(database, away)
    assert send() == [400, 200]
    assert len(json.loads(listed(database, "--json"))) == 1


def take_away(database: Path, how: str) -> None:
    """Have the store's file not be there, or not be a store."""
    if how == "a folder":
        database.mkdir(parents=True)
    elif how == "no database":
        database.parent.mkdir()
        database.write_text("not a database, but long enough to be taken for one " * 100)


def bring_back(database: Path, how: str) -> None:
    """Put right what `take_away` did."""
    if how == "a folder":
        database.rmdir()
    elif how == "no database":
        database.unlink()
    else:
        database.parent.mkdir()
