"""Publishing to Pub/Sub's emulator."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient

from shared.adapters.pubsub import PubSubPublisher
from shared.domain.errors import Transient
from shared.ports import Message


@pytest.fixture
def project(pubsub_emulator: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A project of its own on the emulator, which the client finds by itself."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub_emulator)
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def publisher(project: str) -> Iterator[PubSubPublisher]:
    """A publisher with little patience."""
    made = PubSubPublisher(project, prefix="sw-", deadline=timedelta(seconds=5))
    yield made
    made.close()


def test_messages_arrive_with_their_ids_and_attributes(
    project: str, publisher: PubSubPublisher
) -> None:
    """What was published can be read, and carries the id under which it was sent."""
    topic = f"projects/{project}/topics/sw-events"
    subscription = f"projects/{project}/subscriptions/all"
    with SubscriberClient() as subscriber:
        with PublisherClient() as admin:
            admin.create_topic(name=topic)
        subscriber.create_subscription(name=subscription, topic=topic)
        publisher.publish(
            "events", [Message(id=str(n), data=b"x", attributes={"kind": "k"}) for n in range(3)]
        )
        got = subscriber.pull(subscription=subscription, max_messages=10, timeout=5)
    found = {m.message.attributes["id"] for m in got.received_messages}
    assert found == {"0", "1", "2"}
    assert got.received_messages[0].message.attributes["kind"] == "k"


def test_a_missing_topic_is_transient_and_said(publisher: PubSubPublisher) -> None:
    """Nothing is durable until the topic exists; the text says that it does not."""
    with pytest.raises(Transient, match="no such topic"):
        publisher.publish("nowhere", [Message(id="1", data=b"x")])


def test_nobody_there_is_transient_after_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait ends at the deadline, however long the client would go on."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:1")
    publisher = PubSubPublisher("p", deadline=timedelta(seconds=0.5))
    with pytest.raises(Transient, match="1 of 1 messages"):
        publisher.publish("events", [Message(id="1", data=b"x")])


def test_nothing_to_publish_is_done_at_once(publisher: PubSubPublisher) -> None:
    """No messages, no wait."""
    publisher.publish("nowhere", [])
