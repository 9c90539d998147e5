import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.domain.errors import BadMessage
from shared.wire import alerts, pubsub
from shared.wire.limits import MAX_BODY, TooLarge

DATA = b'{"hello": "world"}'


def push(**changes: Any) -> dict[str, Any]:
    """A push envelope as Pub/Sub sends it."""
    message = {
        "data": base64.b64encode(DATA).decode(),
        "attributes": {"source": "prod"},
        "messageId": "123",
        "publishTime": "2026-03-02T03:04:05Z",
        **changes,
    }
    return {"message": message, "subscription": "projects/p/subscriptions/s", "deliveryAttempt": 2}


def unwrapped(body: object, headers: dict[str, str] | None = None) -> pubsub.PubsubMessage:
    """The message in this body."""
    return pubsub.unwrap(json.dumps(body).encode(), headers or {})


def test_a_push_envelope_is_opened() -> None:
    """Data, attributes, id, subscription and attempt come out of a push envelope."""
    assert unwrapped(push()) == pubsub.PubsubMessage(
        data=DATA,
        message_id="123",
        attributes={"source": "prod"},
        subscription="projects/p/subscriptions/s",
        delivery_attempt=2,
        published_at=datetime(2026, 3, 2, 3, 4, 5, tzinfo=UTC),
    )


@pytest.mark.parametrize("name", ["publishTime", "publish_time"])
def test_the_time_of_publication_is_read_to_the_microsecond(name: str) -> None:
    """It tells which of two messages was said last; Google writes nanoseconds."""
    message = unwrapped(push(**{"publishTime": None, name: "2026-03-02T03:04:05.123456789Z"}))
    assert message.published_at == datetime(2026, 3, 2, 3, 4, 5, 123456, tzinfo=UTC)


def test_an_unwrapped_push_says_when_it_was_published_in_a_header() -> None:
    """https://cloud.google.com/pubsub/docs/payload-unwrapping"""
    headers = {"X-Goog-Pubsub-Publish-Time": "2026-03-02T03:04:05Z"}
    message = pubsub.unwrap(DATA, headers)
    assert message.published_at == datetime(2026, 3, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("broken", ["", "yesterday", None, 5, {}, "2026-13-02T03:04:05Z"])
def test_a_broken_time_of_publication_costs_no_page(broken: object) -> None:
    """The message is read as if nobody had said when it was published."""
    message = unwrapped(push(publishTime=broken))
    assert (message.data, message.published_at) == (DATA, None)


def test_every_alert_knows_when_its_message_was_published() -> None:
    """From the envelope that is around it, or from the one that was taken off before."""
    webhook = {
        "alerts": [{"status": "firing", "labels": {"a": "b"}, "startsAt": "2026-03-02T03:04:05Z"}]
    }
    data = base64.b64encode(json.dumps(webhook).encode()).decode()
    (wrapped,) = alerts.parse_any(json.dumps(push(data=data)).encode(), "s")
    assert wrapped.published_at == datetime(2026, 3, 2, 3, 4, 5, tzinfo=UTC)
    later = datetime(2026, 3, 2, 4, tzinfo=UTC)
    (bare,) = alerts.read_any(json.dumps(webhook).encode(), "s", later).alerts
    assert bare.published_at == later
    (both,) = alerts.read_any(json.dumps(push(data=data)).encode(), "s", later).alerts
    assert both.published_at == later


def test_every_wrapping_gives_the_same_message() -> None:
    """Push envelope, binary CloudEvent and structured CloudEvent carry one and the same message."""
    structured = {"specversion": "1.0", "id": "e", "type": "t", "source": "s", "data": push()}
    as_text = {**structured, "data": json.dumps(push())}
    encoded = base64.b64encode(json.dumps(push()).encode()).decode()
    as_base64 = {"specversion": "1.0", "data_base64": encoded}
    binary = {"ce-id": "e", "ce-specversion": "1.0", "Content-Type": "application/json"}
    expected = unwrapped(push())
    assert unwrapped(push(), binary) == expected
    assert unwrapped(structured, {"Content-Type": "application/cloudevents+json"}) == expected
    assert unwrapped(structured, {"Content-Type": "text/plain"}) == expected
    assert unwrapped(as_text) == expected
    assert unwrapped(as_base64) == expected


def test_a_body_without_an_envelope_is_the_data() -> None:
    """Bare and unwrapped deliveries are taken as they are, with an id of their own."""
    bare = pubsub.unwrap(DATA, {})
    assert bare.data == DATA
    assert bare.message_id == pubsub.unwrap(DATA, {}).message_id != ""
    assert pubsub.unwrap(DATA, {"X-Goog-Pubsub-Message-Id": "9"}).message_id == "9"
    assert pubsub.unwrap(b"\xff not json", {}).data == b"\xff not json"


def test_a_webhook_with_a_key_called_message_is_no_envelope() -> None:
    """Grafana's webhook has a text under `message`, and is still a webhook."""
    body = {"alerts": [], "message": "**Firing**"}
    assert json.loads(unwrapped(body).data) == body


@pytest.mark.parametrize("data", [None, ""])
def test_a_message_may_have_no_data(data: str | None) -> None:
    """A message of attributes alone has empty data."""
    assert unwrapped(push(data=data)).data == b""


@pytest.mark.parametrize(
    "body",
    [
        push(data="!!!"),
        push(data="YWJ"[:1]),
        push(data="ä"),
        push(data=3),
        push(attributes=[]),
        push(attributes={"a": {"b": "c"}}),
        {"message": 3},
        {"message": None},
        {"message": {}, "subscription": 3},
        {"specversion": 1, "data": push()},
        {"specversion": "1.0", "data_base64": "?"},
    ],
)
def test_a_broken_envelope_is_a_bad_message(body: object) -> None:
    """Wrong types and data that is not base64 can never succeed."""
    with pytest.raises(BadMessage):
        unwrapped(body)


def test_a_body_beyond_the_limit_is_too_large() -> None:
    """More than 30 MiB is refused before it is read."""
    with pytest.raises(TooLarge):
        pubsub.unwrap(b" " * (MAX_BODY + 1), {})


def test_envelopes_within_envelopes_end_somewhere() -> None:
    """An envelope around an envelope around an envelope ... is a bad message, not a long loop."""
    body = json.dumps(push(data="e30=")).encode()
    for _ in range(10):
        body = json.dumps(push(data=base64.b64encode(body).decode())).encode()
    with pytest.raises(BadMessage):
        alerts.parse_any(body, "s")


def test_a_file_of_lines_is_read_line_by_line() -> None:
    """One JSON document may span lines; otherwise every line is a document."""
    assert list(alerts.documents(b'{\n"a": 1\n}\n')) == [b'{\n"a": 1\n}\n']
    assert list(alerts.documents(b'{"a": 1}\n\n{"a": 2}\n')) == [b'{"a": 1}', b'{"a": 2}']
