import json

from shared.adapters.sqlite.store import SqliteStore
from tests.functions.conftest import Serve
from tests.functions.messages import BEARER, TOKEN, alert, webhook

OLD, NEW = "the-old-token", "the-new-token"


def bearer(token: str) -> dict[str, str]:
    """The header that carries this token."""
    return {"Authorization": f"Bearer {token}"}


def test_an_unknown_sender_is_told_401(served: Serve, store: SqliteStore) -> None:
    """Without the token, in the right scheme, nothing is taken."""
    client = served("ingest").client
    wrong = ("", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer ü")

    answers = [client.post("/", json=webhook(alert()))]
    for authorization in wrong:
        headers = {b"Authorization": authorization.encode()}
        answers.append(client.post("/", headers=headers, json=webhook(alert())))

    assert [answer.status_code for answer in answers] == [401] * 8
    assert all(answer.headers["WWW-Authenticate"] == "Bearer" for answer in answers)
    assert store.messages.waiting("events", 0, 10) == ()


def test_no_configured_token_is_our_fault_and_not_the_senders(served: Serve) -> None:
    """Without a token, or with one that cannot be read, the answer is 503: it comes again."""
    unset = served("ingest", {"SWITCHMAN_INGEST_TOKEN": ""})
    unreadable = served("ingest", {"SWITCHMAN_INGEST_TOKEN": "secret://INGEST_TOKEN"})

    answers = [
        function.client.post("/", headers=headers, json=webhook(alert()))
        for function in (unset, unreadable)
        for headers in (BEARER, {"Authorization": "Bearer"}, {})
    ]

    assert [answer.status_code for answer in answers] == [503] * 6
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
    assert "SWITCHMAN_INGEST_TOKEN" in unset.log()[0]["message"]
    assert "GOOGLE_CLOUD_PROJECT" in unreadable.log()[0]["message"]


def test_two_tokens_are_accepted_during_a_rotation(served: Serve) -> None:
    """While one token replaces the other both are good, and others are not."""
    client = served("ingest", {"SWITCHMAN_INGEST_TOKEN": f"{OLD} {NEW}"}).client

    answers = [
        client.post("/", headers=bearer(token), json=webhook(alert()))
        for token in (OLD, NEW, f"{OLD} {NEW}", TOKEN)
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 401, 401]


def test_one_readable_token_is_enough_for_who_has_it(served: Serve) -> None:
    """A second token that cannot be read does not shut out who has the first; others wait."""
    tokens = {"SWITCHMAN_INGEST_TOKEN": f"secret://NEXT {OLD}"}
    client = served("ingest", tokens).client

    known = client.post("/", headers=bearer(OLD), json=webhook(alert()))
    unknown = client.post("/", headers=bearer(NEW), json=webhook(alert()))

    assert (known.status_code, unknown.status_code) == (200, 503)


def test_each_alert_becomes_a_message_of_its_own(served: Serve, store: SqliteStore) -> None:
    """A webhook's alerts are on the bus when it is answered; a bad one rejects no sibling."""
    body = webhook(alert(1), {"labels": "none"}, alert(2))

    answer = served("ingest").client.post("/", headers=BEARER, json=body)

    assert answer.json() == {"accepted": 2, "rejected": 1}
    waiting = store.messages.waiting("events", 0, 10)
    rejected, *alerts = sorted(waiting, key=lambda m: m.attributes["kind"], reverse=True)
    numbers = [json.loads(m.data)["alerts"][0]["labels"]["number"] for m in alerts]
    assert numbers == ["1", "2"]
    assert all(m.attributes == {"kind": "alert", "source": "alertmanager"} for m in alerts)
    assert rejected.attributes == {"kind": "rejected"}


def test_the_same_webhook_again_is_passed_on_again(served: Serve, store: SqliteStore) -> None:
    """Only `respond` knows what is a repeat: an end may have been told in between."""
    client = served("ingest").client

    for _ in range(3):
        assert client.post("/", headers=BEARER, json=webhook(alert())).status_code == 200

    waiting = store.messages.waiting("events", 0, 10)
    assert len({each.id for each in waiting}) == 3
    assert len({each.data for each in waiting}) == 1


def test_a_store_that_is_away_is_503_until_it_is_back(served: Serve) -> None:
    """What cannot be made durable is not acknowledged."""
    function = served("ingest", {"SWITCHMAN_STORE": "sqlite:///no/such/folder/file.sqlite3"})

    answer = function.client.post("/", headers=BEARER, json=webhook(alert()))

    assert answer.status_code == 503
    assert function.log()[0]["message"].startswith("not now: the database cannot be used now")
