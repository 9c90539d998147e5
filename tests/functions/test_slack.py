import time
from collections.abc import Mapping

from shared.adapters.sqlite.store import SqliteStore
from tests.functions.conftest import Serve
from tests.functions.messages import press, signed

INCIDENT = "convex-1"
BODY = press(INCIDENT)
NOT_UTF8 = b"payload=\xff\xfe"


def good() -> Mapping[str, str]:
    """Headers that prove the press to be Slack's, sent now."""
    return signed(BODY, time.time())


def without(name: str) -> dict[str, str]:
    """Those without one of them."""
    return {key: value for key, value in good().items() if key != name}


def unproven() -> dict[str, tuple[bytes, Mapping[str, str]]]:
    """Requests that Slack is not proven to have sent just now."""
    now = time.time()
    return {
        "wrong secret": (BODY, signed(BODY, now, "another secret")),
        "another body": (BODY + b"&x=1", good()),
        "no body": (b"", good()),
        "old": (BODY, signed(BODY, now - 1000)),
        "from the future": (BODY, signed(BODY, now + 10_000)),
        "unsigned": (BODY, {}),
        "no signature": (BODY, without("X-Slack-Signature")),
        "no timestamp": (BODY, without("X-Slack-Request-Timestamp")),
        "timestamp no integer": (BODY, signed(BODY, "soon")),
        "timestamp infinite": (BODY, signed(BODY, "1e400")),
        "timestamp of too many digits": (BODY, signed(BODY, "9" * 5000)),
        "timestamp empty": (BODY, signed(BODY, "")),
        "body not UTF-8": (NOT_UTF8, signed(NOT_UTF8, now)),
        "signature empty": (BODY, {**good(), "X-Slack-Signature": "v0="}),
    }


def test_what_slack_did_not_just_sign_is_401(served: Serve, store: SqliteStore) -> None:
    """Nothing is stored or published for a request that Slack is not proven to have sent."""
    client = served("slack").client

    answers = {
        case: client.post("/", content=body, headers=headers)
        for case, (body, headers) in unproven().items()
    }

    assert {case: a.status_code for case, a in answers.items()} == dict.fromkeys(answers, 401)
    assert {a.text for a in answers.values()} == {'{"error":"the signature does not hold"}\n'}
    assert store.messages.waiting("events", 0, 10) == ()


def test_a_signature_that_is_not_ascii_is_401(served: Serve) -> None:
    """Comparing it raises; the answer is 401 all the same."""
    headers = [(name.encode(), value.encode()) for name, value in good().items()]
    headers = [
        (name, "v0=Ünsigned".encode() if name.endswith(b"Signature") else value)
        for name, value in headers
    ]

    assert served("slack").client.post("/", content=BODY, headers=headers).status_code == 401


def test_a_press_is_stored_and_published_within_three_seconds(
    served: Serve, store: SqliteStore
) -> None:
    """The first press of a fresh process is on the bus, by its id alone, in Slack's 3 s."""
    client = served("slack").client
    began = time.monotonic()

    answer = client.post("/", content=BODY, headers=good())

    assert time.monotonic() - began < 3
    assert (answer.status_code, answer.content) == (200, b"")
    (message,) = store.messages.waiting("events", 0, 10)
    assert message.attributes == {"kind": "command"}
    instruction = store.instruction(message.id)
    assert instruction is not None
    assert (instruction.incident, instruction.person) == (INCIDENT, "U0RUNTIME1")
    assert INCIDENT.encode() not in message.data


def test_a_replayed_press_is_the_same_instruction(served: Serve, store: SqliteStore) -> None:
    """Sent again as it was, it stores nothing more."""
    client, headers = served("slack").client, good()

    for _ in range(3):
        assert client.post("/", content=BODY, headers=headers).status_code == 200

    assert len(store.messages.waiting("events", 0, 10)) == 1


def test_no_signing_secret_is_503(served: Serve) -> None:
    """Without the secret nobody can be believed, which is no fault of Slack's."""
    function = served("slack", {"SLACK_SIGNING_SECRET": ""})

    assert function.client.post("/", content=BODY, headers=good()).status_code == 503
    assert "SLACK_SIGNING_SECRET" in function.log()[0]["message"]


def test_a_button_nobody_made_is_acknowledged_and_ignored(
    served: Serve, store: SqliteStore
) -> None:
    """Slack would only show an error for what can never succeed."""
    body = press(INCIDENT, action_id="launch")

    answer = served("slack").client.post("/", content=body, headers=signed(body, time.time()))

    assert answer.status_code == 200
    assert store.messages.waiting("events", 0, 10) == ()
