"""A command where the store is Firestore and the bus Pub/Sub: the same word, the same answer."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient

from shared.bootstrap import Application
from shared.config import SHIPPED_POLICY, Settings
from tests.contract.google_accounts import google_accounts
from tests.end_to_end.test_cli import switchman


@pytest.fixture
def cloud(
    firestore_emulator: str,
    pubsub_emulator: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[dict[str, str]]:
    """What a person has set who works with a Switchman in this cloud; `command` runs."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_emulator)
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub_emulator)
    project = f"switchman-{uuid.uuid4().hex[:12]}"
    policy = tmp_path / "policy.yaml"
    text = SHIPPED_POLICY.read_text(encoding="utf-8")
    policy.write_text(text.replace("slack: U0WEB00001", "slack: U0WEB00001, email: wanda@shop.org"))
    env = {
        "SWITCHMAN_STORE": f"firestore://{project}/(default)",
        "SWITCHMAN_BUS": f"pubsub://{project}",
        "SWITCHMAN_POLICY": str(policy),
    }
    with ExitStack() as running:
        google = running.enter_context(google_accounts())
        running.enter_context(command(env, project))
        yield {
            **env,
            "FIRESTORE_EMULATOR_HOST": firestore_emulator,
            "PUBSUB_EMULATOR_HOST": pubsub_emulator,
            "SWITCHMAN_IDENTITY_CERTS_URL": google.certs_url,
            "SWITCHMAN_IDENTITY_TOKEN": google.token("wanda@shop.org"),
        }


def command(env: dict[str, str], project: str) -> ExitStack:
    """Does with each stored instruction what the function `command` does, until it is closed."""
    running = ExitStack()
    topics = running.enter_context(PublisherClient())
    subscriptions = running.enter_context(SubscriberClient())
    for topic in ("events", "pages", "changes"):
        topics.create_topic(name=f"projects/{project}/topics/{topic}")
    pulled = f"projects/{project}/subscriptions/events-command"
    subscriptions.create_subscription(name=pulled, topic=f"projects/{project}/topics/events")
    application = Application(Settings.from_env(env))
    stopping = threading.Event()

    def work() -> None:
        while not stopping.is_set():
            found = subscriptions.pull(subscription=pulled, max_messages=1, timeout=20)
            for each in found.received_messages:
                application.follow_instruction(json.loads(each.message.data)["instruction"])
                subscriptions.acknowledge(subscription=pulled, ack_ids=[each.ack_id])
                return

    thread = threading.Thread(target=work)
    thread.start()
    running.callback(application.store.close)
    running.callback(thread.join)
    running.callback(stopping.set)
    return running


def test_a_verified_person_is_answered_from_firestore(cloud: dict[str, str]) -> None:
    """Wanda declares an incident; it is open, and the audit says who she is and how that is known."""
    words = ("incidents", "declare", "auth", "nobody can sign in", "--json")
    ended = switchman(*words, store=cloud["SWITCHMAN_STORE"], more=cloud)

    assert ended.returncode == 0, ended.stderr
    declared = json.loads(ended.stdout)
    assert declared["name"] == "Wanda Osei"
    assert "wanda@shop.org, verified by Google" in declared["via"]
    listed = switchman("incidents", "list", "--json", store=cloud["SWITCHMAN_STORE"], more=cloud)
    assert [row["id"] for row in json.loads(listed.stdout)] == [declared["opened"]]
