import json
import re
import socket
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

import httpx
import pytest

from shared.adapters.sqlite.store import SqliteStore
from tests.functions.conftest import Serve
from tests.functions.hostile import Case, cases, envelopes
from tests.functions.messages import BEARER, alert, push_of, webhook
from tests.functions.serving import Served

MEBIBYTE = 1024 * 1024
# What an answer never shows: tracebacks, paths, the libraries it was made with.
SHOWS_TOO_MUCH = re.compile(
    r"Traceback|File \"|/site-packages|\.py\b|msgspec|flask|werkzeug|gunicorn|sqlite3?\.|functions_framework"
    r"|\b\w+(?:Error|Exception)\b",
    re.IGNORECASE,
)


def play(function: Served, found: Iterable[Case], headers: dict[str, str]) -> dict[str, int]:
    """Send each case, and return each one's status. Fails at an answer that shows too much."""
    statuses = {}
    for case in found:
        answer = function.client.post("/", content=case.body, headers=_bytes(headers, case))
        assert not SHOWS_TOO_MUCH.search(answer.text), (case.name, answer.text)
        assert case.name not in statuses
        statuses[case.name] = answer.status_code
    return statuses


def _bytes(headers: dict[str, str], case: Case) -> list[tuple[bytes, bytes]]:
    given = {**headers, **case.headers}
    return [(name.encode(), value.encode("latin-1")) for name, value in given.items()]


def report(name: str, statuses: dict[str, int]) -> None:
    """Print the figures."""
    counted = ", ".join(
        f"{n} x {status}" for status, n in sorted(Counter(statuses.values()).items())
    )
    print(f"\n{name}: {len(statuses)} hostile requests: {counted}")


def test_ingest_survives_hostile_webhooks(served: Serve, store: SqliteStore) -> None:
    """No hostile request is answered with 5xx; afterwards a good alert is taken as ever."""
    function = served("ingest")

    statuses = play(function, cases(), BEARER)

    report("ingest", statuses)
    assert len(statuses) >= 300
    assert {case: s for case, s in statuses.items() if s not in (200, 400, 413, 431)} == {}
    assert statuses["10,001 alerts"] == 413
    assert statuses["alert's labels is text"] == 200
    assert function.lives()
    good = function.client.post("/", headers=BEARER, json=webhook(alert(424242)))
    assert good.json() == {"accepted": 1, "rejected": 0}
    assert any(b"424242" in each.data for each in store.messages.waiting("events", 0, 10_000))
    assert "Traceback" not in function.said()
    assert function.log()


def test_respond_survives_hostile_messages(served: Serve, store: SqliteStore) -> None:
    """What can never succeed is acknowledged, so that it never comes again; then all is well."""
    function = served("respond")

    statuses = play(function, envelopes(), {})

    report("respond", statuses)
    assert len(statuses) >= 300
    assert {case: s for case, s in statuses.items() if s not in (200, 431)} == {}
    assert function.lives()
    good = function.client.post("/", json=push_of(webhook(alert(424242)), source="a"))
    assert good.json()["handled"][0] != "taken before"
    assert any(row["lane"] == "projector" for row in incidents(served))
    assert "Traceback" not in function.said()
    assert function.log()


def incidents(served: Serve) -> list[dict[str, str]]:
    """What `status` lists."""
    found: list[dict[str, str]] = served("status").client.get("/api/incidents").json()
    return found


@pytest.mark.slow
def test_a_webhook_of_30_mib_with_10_000_alerts_is_accepted(
    served: Serve, store: SqliteStore
) -> None:
    """The largest webhook that is promised to be taken is taken, and every alert of it is kept."""
    body = json.dumps(webhook(*(alert(number) for number in range(10_000)))).encode()
    padding = (30 * MEBIBYTE - len(body) - 200) // 10_000
    filled = {"summary": "x" * padding}
    alerts = (alert(number, annotations=filled) for number in range(10_000))
    body = json.dumps(webhook(*alerts)).encode()
    body += b" " * (30 * MEBIBYTE - len(body))

    answer = served("ingest").client.post("/", headers=BEARER, content=body)

    assert len(body) == 30 * MEBIBYTE
    assert answer.json() == {"accepted": 10_000, "rejected": 0}
    assert store.messages.counts("events") == (10_000, 0)


def test_a_webhook_beyond_30_mib_is_413(served: Serve) -> None:
    """One byte more is refused, so that the sender notices; chunked or not."""
    client = served("ingest").client
    body = b" " * (30 * MEBIBYTE + 1)

    whole = client.post("/", headers=BEARER, content=body)
    chunked = client.post(
        "/", headers=BEARER, content=(body[n : n + MEBIBYTE] for n in range(0, len(body), MEBIBYTE))
    )

    assert (whole.status_code, chunked.status_code) == (413, 413)


def test_a_message_beyond_30_mib_is_acknowledged_and_rejected(served: Serve) -> None:
    """Pub/Sub would bring it back for ever: it is logged with its reason, and done with."""
    function = served("respond")

    answer = function.client.post("/", content=b" " * (31 * MEBIBYTE))

    assert answer.status_code == 200
    assert "are accepted" in answer.json()["rejected"][0]
    assert function.log()[0]["severity"] == "WARNING"


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", ""],
)
def test_a_good_webhook_is_read_whatever_its_content_type(content_type: str, served: Serve) -> None:
    """No form parser eats the body before it is read, also beyond the parser's own limits."""
    large = alert(1, annotations={"summary": "x" * 600_000})
    headers = {**BEARER, "Content-Type": content_type}

    answer = served("ingest").client.post("/", headers=headers, content=json.dumps(webhook(large)))

    assert answer.json() == {"accepted": 1, "rejected": 0}


def test_a_chunked_webhook_is_accepted(served: Serve) -> None:
    """A sender need not say how long the body is."""
    body = json.dumps(webhook(alert())).encode()
    pieces = (body[n : n + 7] for n in range(0, len(body), 7))

    answer = served("ingest").client.post("/", headers=BEARER, content=pieces)

    assert answer.json() == {"accepted": 1, "rejected": 0}


HEAD = f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: {BEARER['Authorization']}\r\n".encode()
BROKEN_REQUESTS = {
    "body breaks off": (HEAD + b"Content-Length: 100\r\n\r\n{", 400),
    "chunk size is none": (HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nabc", 400),
    "chunk breaks off": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc", 400),
    "length is none": (HEAD + b"Content-Length: abc\r\n\r\n", 400),
    "length is negative": (HEAD + b"Content-Length: -1\r\n\r\n", 400),
    "two lengths": (HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
    "length and chunks": (
        HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "unknown encoding": (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", 400),
    "expects the impossible": (HEAD + b"Expect: tea\r\nContent-Length: 2\r\n\r\n{}", 417),
    "no HTTP": (b"GARBAGE\r\n\r\n", 400),
    "NUL in a header": (HEAD + b"X: a\0b\r\n\r\n", 400),
}


@pytest.mark.parametrize("name", ["ingest", "respond"])
def test_a_broken_request_is_4xx_and_shows_nothing(name: str, served: Serve) -> None:
    """Requests that are no HTTP, or break off, are the sender's fault; the server stays up."""
    function = served(name)

    answers = {case: _raw(function.port, sent) for case, (sent, _) in BROKEN_REQUESTS.items()}

    statuses = {case: int(answer.split()[1]) for case, answer in answers.items()}
    assert statuses == {case: status for case, (_, status) in BROKEN_REQUESTS.items()}
    bodies = [answer.partition(b"\r\n\r\n")[2].decode("latin-1") for answer in answers.values()]
    assert [body for body in bodies if SHOWS_TOO_MUCH.search(body)] == []
    assert function.client.get("/").status_code == 405


def test_expect_continue_is_answered_before_the_body_is_sent(served: Serve) -> None:
    """A sender that asks first is told to go on."""
    answer = _raw(
        served("ingest").port, HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}"
    )

    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400")


def _raw(port: int, request: bytes) -> bytes:
    """Send these bytes and no more; return everything that is answered."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        with suppress(ConnectionResetError):  # the server need not read what it refused
            while received := connection.recv(65536):
                answer += received
    return answer


def test_the_sender_is_judged_before_the_body(served: Serve) -> None:
    """Who has no token learns nothing about what a good body would be."""
    client = served("ingest").client

    answers: list[httpx.Response] = [client.post("/", content=c.body) for c in cases()][:40]

    assert {answer.status_code for answer in answers} == {401}
