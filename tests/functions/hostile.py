"""What nobody should send: bodies and headers that can never be worked with, and some that can.

Each case says by itself what is wrong with it; all are made from sound messages or from a seed, so
that a run can be repeated.
"""

import base64
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.functions.messages import alert, push, push_of, webhook

DEEP = 100_000
WRONG: Mapping[str, str] = {
    "null": "null",
    "true": "true",
    "zero": "0",
    "negative": "-1",
    "fraction": "0.5",
    "huge integer": "9" * 400,
    "infinite number": "1e309",
    "NaN": "NaN",
    "Infinity": "-Infinity",
    "empty text": '""',
    "text": '"firing"',
    "NUL": '"\\u0000"',
    "lone surrogate": '"\\ud800"',
    "low surrogate": '"x\\udc00x"',
    "list": "[]",
    "list of lists": "[[[[]]]]",
    "object": "{}",
    "object of objects": '{"a":{"b":{"c":null}}}',
    "deep list": "[" * 2000 + "]" * 2000,
}
FIELDS = ("labels", "annotations", "status", "startsAt", "endsAt", "fingerprint", "generatorURL")
OF_THE_WEBHOOK = ("alerts", "version", "status", "truncatedAlerts")
OF_THE_ENVELOPE = ("data", "attributes", "messageId")


@dataclass(frozen=True, slots=True)
class Case:
    """One hostile request."""

    name: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def cases() -> Iterator[Case]:
    """Every case; each body is as hostile bare as it is within a push envelope."""
    yield from _not_json()
    yield from _wrong_fields()
    yield from _webhooks()
    yield from _headers()
    yield from _mutated(random.Random(20260225), 120)


def envelopes() -> Iterator[Case]:
    """Cases for what Pub/Sub pushes to: broken envelopes, lying ones, and what they wrap."""
    for case in cases():
        yield case
    for case in _not_json():
        if len(case.body) < 100_000:
            yield Case(f"pushed: {case.name}", json.dumps(push(case.body)).encode())
    yield from _broken_envelopes()
    yield from _cloud_events()


def _dumped(found: object) -> bytes:
    return json.dumps(found).encode()


def _not_json() -> Iterator[Case]:
    good = _dumped(webhook(alert(1), alert(2)))
    for cut in (1, 2, 10, len(good) // 2, len(good) - 2, len(good) - 1):
        yield Case(f"truncated at {cut}", good[:cut])
    bodies = {
        "empty": b"",
        "blank": b" \r\n\t ",
        "NUL bytes": b"\0" * 64,
        "NUL in the middle": good[:50] + b"\0" + good[50:],
        "not UTF-8": good.replace(b"projection", b"\xff\xfe\xc0\x80"),
        "overlong UTF-8": b'{"alerts":"\xc0\xaf\xed\xa0\x80"}',
        "UTF-16": good.decode().encode("utf-16"),
        "UTF-32": good.decode().encode("utf-32"),
        "byte order mark alone": b"\xef\xbb\xbf",
        "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
        "a form": b"payload=%7B%7D&alerts=1",
        "XML": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        "two documents": good + good,
        "trailing comma": b'{"alerts":[],}',
        "single quotes": b"{'alerts':[]}",
        "comment": b'{"alerts":[]/*x*/}',
        "deep lists": b"[" * DEEP + b"]" * DEEP,
        "deep objects": b'{"alerts":' * DEEP,
        "deep lists in alerts": b'{"alerts":' + b"[" * DEEP + b"]" * DEEP + b"}",
        "deep labels": b'{"alerts":[{"labels":' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}]}",
        "a megabyte of text": b'"' + b"a" * 1_000_000 + b'"',
        "a long number": b'{"alerts":' + b"1" * 200_000 + b"}",
        "a template": b"{{7*7}} ${jndi:ldap://x/a} %s %n ../../etc/passwd",
    }
    for name, body in bodies.items():
        yield Case(name, body)
    for name, text in WRONG.items():
        yield Case(f"only {name}", text.encode())


def _wrong_fields() -> Iterator[Case]:
    hole = "\x01hole\x01"
    for name, text in WRONG.items():
        for key in FIELDS:
            body = json.dumps(webhook({**alert(), key: hole}, alert(99)))
            yield Case(f"alert's {key} is {name}", _filled(body, hole, text))
        for key in OF_THE_WEBHOOK:
            body = json.dumps(webhook(alert(), **{key: hole}))
            yield Case(f"webhook's {key} is {name}", _filled(body, hole, text))


def _filled(body: str, hole: str, text: str) -> bytes:
    return body.replace(json.dumps(hole), text).encode()


def _webhooks() -> Iterator[Case]:
    instants = (
        "yesterday",
        "2026-02-30T00:00:00Z",
        "9999-99-99",
        "-1",
        "2026-02-25T10:00:00+99:99",
    )
    for text in instants:
        yield Case(f"starts at {text}", _dumped(webhook(alert(startsAt=text))))
    twice = b'{"alerts":[],"alerts":1,"version":"4","version":{}}'
    yield Case("duplicate keys", twice)
    yield Case("duplicate labels", b'{"alerts":[{"labels":{"a":"1","a":{}},"labels":7}]}')
    yield Case("10,001 alerts", _dumped(webhook(*[{}] * 10_001)))
    yield Case(
        "100,000 labels", _dumped(webhook(alert(labels={str(n): "x" for n in range(10**5)})))
    )
    yield Case("a huge label", _dumped(webhook(alert(labels={"alertname": "x" * 2_000_000}))))
    yield Case("a huge name", _dumped(webhook(alert(labels={"x" * 2_000_000: "y"}))))
    yield Case("no labels", _dumped(webhook(alert(labels={}))))
    yield Case("status unheard of", _dumped(webhook(alert(status="maybe"))))
    yield Case("hostile texts", _dumped(webhook(alert(labels={"alertname": "\r\n\x1b[2J\u202e"}))))


def _headers() -> Iterator[Case]:
    body = _dumped(webhook({"labels": 1}))
    types: tuple[str, ...] = (
        "text/html",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-7",
    )
    types += (
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "application/cloudevents+json",
    )
    types += ("application/cloudevents-batch+json", "application/octet-stream", "/", "a" * 4000)
    for value in types:
        yield Case(f"content type {value[:40]}", body, {"Content-Type": value})
    others = {
        "Content-Encoding": "gzip",
        "Accept": "image/png",
        "Accept-Encoding": "br;q=-1, *;q=nan",
        "X-Cloud-Trace-Context": "../../x/y;o=1" * 100,
        "traceparent": "00-zz-zz-zz",
        "Function-Execution-Id": "x" * 4000,
        "X-Forwarded-For": "127.0.0.1" * 400,
        "X-HTTP-Method-Override": "DELETE",
        "Range": "bytes=99999-",
        "If-Match": '"x"',
        "Cookie": "a=b;" * 1000,
        "ce-id": "\xff\xfe",
        "ce-specversion": "99",
        "ce-type": "google.cloud.pubsub.topic.v1.messagePublished",
        "x-goog-pubsub-message-id": "x" * 4000,
        "X-Enormous": "x" * 60_000,
    }
    for name, value in others.items():
        yield Case(f"header {name}", body, {name: value})


def _mutated(random: random.Random, count: int) -> Iterator[Case]:
    """A sound webhook with bytes changed, removed, doubled or moved."""
    sound = _dumped(webhook(alert(1), alert(2), alert(3)))
    for number in range(count):
        body = bytearray(sound)
        for _ in range(random.randint(1, 8)):
            at = random.randrange(len(body))
            match random.randrange(4):
                case 0:
                    body[at] = random.randrange(256)
                case 1:
                    del body[at : at + random.randint(1, 40)]
                case 2:
                    body[at:at] = body[at : at + random.randint(1, 40)]
                case _:
                    body[at:at] = random.choice(
                        (b'"', b"{", b"[", b"\\u", b"\xff", b"\0", b"1e999")
                    )
        yield Case(f"mutation {number}", bytes(body))


def _broken_envelopes() -> Iterator[Case]:
    hole = "\x01hole\x01"
    for name, text in WRONG.items():
        for key in OF_THE_ENVELOPE:
            message = {**push(b"{}")["message"], key: hole}
            body = json.dumps({"message": message, "subscription": "s"})
            yield Case(f"message's {key} is {name}", _filled(body, hole, text))
        yield Case(f"message is {name}", f'{{"message":{text}}}'.encode())
    for data in ("!!!!", "e30", "e", "====", "eyJ9\u00e9", "e30=" * 3, "\u0000e30="):
        message = {"data": data, "messageId": "1"}
        yield Case(f"data is {data!r}", _dumped({"message": message, "subscription": "s"}))
    inner: Any = {"labels": 1}
    for depth in range(6):
        inner = push_of(inner)
        yield Case(f"envelopes {depth + 1} deep", _dumped(inner))
    lies = {"source": "x" * 100_000, "content-type": "image/png", "eventType": "OBJECT_DELETE"}
    yield Case("attributes that lie", _dumped(push_of({"x": 1}, **lies)))
    yield Case("said to be for command", _dumped(push_of({"x": 1}, kind="command")))
    yield Case("said to be an action", _dumped(push_of({"action": "1"}, kind="action")))
    yield Case("10,000 attributes", _dumped(push_of({}, **{f"a{n}": "x" for n in range(10_000)})))


def _cloud_events() -> Iterator[Case]:
    event: dict[str, Any] = {"specversion": "1.0", "id": "1", "source": "//x", "type": "t"}
    good = base64.b64encode(_dumped({"x": 1})).decode()
    data: tuple[object, ...] = (None, 1, "text", [], {}, {"message": {}}, "\ud800")
    base64s: tuple[object, ...] = ("!!", "", good, 1, None, [])
    changes: tuple[dict[str, object], ...] = (
        *({"data": value} for value in data),
        *({"data_base64": value} for value in base64s),
        {"data": {"message": {"data": "!!"}}},
        {"specversion": 1, "data": {}},
        {"specversion": "0.3", "id": None, "data": {}},
        {"id": {"a": 1}, "data": {}},
    )
    for changed in changes:
        yield Case(f"CloudEvent with {changed}", _dumped({**event, **changed}))
    for text in ("1e309", "9" * 400, "NaN"):
        yield Case(
            f"CloudEvent with data {text[:8]}", f'{{"specversion":"1.0","data":{text}}}'.encode()
        )
