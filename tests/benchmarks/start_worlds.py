"""What the started functions talk to: a fresh store and bus for each start, and a Slack."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from infra.local.server import serve
from infra.local.slack import SimulatedSlack, SlackPerson
from shared.bootstrap import Application
from shared.config import SHIPPED_POLICY, Settings
from shared.domain.action import ActionKind, Topic
from shared.policy import load
from shared.wire import alerts
from tests import emulators
from tests.functions.first_requests import First, first
from tests.functions.messages import SIGNING_SECRET, TOKEN, alert, push_of, webhook

BOT_TOKEN = "xoxb-benchmark"
PROJECT = "benchmark"


class World(Protocol):
    """Where functions start. Each `fresh` environment is an empty store of its own."""

    def fresh(self, home: Path) -> dict[str, str]:
        """The environment of one start."""
        ...


@dataclass(frozen=True, slots=True)
class Embedded:
    """SQLite and the embedded bus."""

    slack: str

    def fresh(self, home: Path) -> dict[str, str]:
        """A new file for each start."""
        return {**_secrets(self.slack), "SWITCHMAN_STORE": f"sqlite://{home / 'store.sqlite3'}"}


@dataclass(frozen=True, slots=True)
class Emulated:
    """Firestore's and Pub/Sub's emulators; `hosts` is where the vendor's clients look for them."""

    slack: str
    hosts: Mapping[str, str] = field(default_factory=dict)

    def fresh(self, home: Path) -> dict[str, str]:
        """The same database, emptied."""
        emulators.reset_firestore(self.hosts["FIRESTORE_EMULATOR_HOST"], PROJECT)
        return {
            **_secrets(self.slack),
            **self.hosts,
            "SWITCHMAN_STORE": f"firestore://{PROJECT}",
            "SWITCHMAN_BUS": f"pubsub://{PROJECT}",
        }


@contextmanager
def emulators_for(slack: str) -> Iterator[Emulated]:
    """Both emulators, with every topic. The environment of this process names them meanwhile."""
    with emulators.firestore_emulator() as firestore, emulators.pubsub_emulator() as pubsub:
        hosts = {"FIRESTORE_EMULATOR_HOST": firestore, "PUBSUB_EMULATOR_HOST": pubsub}
        os.environ.update(hosts)
        try:
            _create_topics()
            yield Emulated(slack, hosts)
        finally:
            for name in hosts:
                del os.environ[name]


@contextmanager
def simulated_slack(data: Path) -> Iterator[str]:
    """A workspace with the shipped policy's people and channels; the URL of its Web API."""
    policy = load(SHIPPED_POLICY)
    people = [
        SlackPerson(id=person.slack, handle=person.id, name=person.name, title="")
        for person in policy.people.values()
        if person.slack
    ]
    channels = [team.channel for team in policy.teams.values()]
    port = emulators.free_port()
    base = f"http://127.0.0.1:{port}"
    slack = SimulatedSlack(data, base, base, SIGNING_SECRET, BOT_TOKEN, people, channels)
    try:
        with serve(slack.wsgi, port):
            yield f"{base}/sim/slack/api/"
    finally:
        slack.stop()


def prepared(name: str, env: Mapping[str, str]) -> First:
    """A first message for the function; for `act` the page of an incident opened just now."""
    return _page(env) if name == "act" else first(name)


def _page(env: Mapping[str, str]) -> First:
    application = Application(Settings.from_env(env))
    reading = alerts.read_any(json.dumps(webhook(alert())).encode(), "alertmanager")
    (handled,) = application.receive_alerts(reading.alerts)
    actions = application.store.seen(handled.event) or ()
    (page,) = [action.id for action in actions if action.kind is ActionKind.PAGE]
    application.store.close()
    return First(json.dumps(push_of({"action": page})).encode())


def _secrets(slack: str) -> dict[str, str]:
    return {
        "SWITCHMAN_INGEST_TOKEN": TOKEN,
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_API_URL": slack,
    }


def _create_topics() -> None:
    from google.cloud.pubsub_v1 import PublisherClient

    with PublisherClient() as admin:
        for topic in Topic:
            admin.create_topic(name=admin.topic_path(PROJECT, topic.value))
