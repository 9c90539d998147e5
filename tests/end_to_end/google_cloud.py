"""Switchman as it is deployed, on one machine: Pub/Sub's emulator between real function processes.

Slack and Cloud Run are simulated; the store is one file that every process opens.
"""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient

from infra.local.client import WorldClient
from infra.local.cloud_run import SimulatedCloudRun, SimulatedService
from infra.local.routes import Routes
from infra.local.server import serve
from infra.local.slack import SimulatedSlack, SlackPerson
from shared.adapters.clock import SystemClock
from shared.adapters.sqlite.store import SqliteStore
from shared.config import SHIPPED_POLICY
from shared.domain.policy import Policy
from shared.policy import load
from tests.contract.simulated_slack_world import LateBound
from tests.end_to_end.front_door import FrontDoor
from tests.functions import serving

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

T = TypeVar("T")

TOKEN: Final = "the-senders-token"
BOT_TOKEN: Final = "xoxb-the-bots-token"
SIGNING_SECRET: Final = "slacks-signing-secret"
FUNCTIONS: Final = ("ingest", "respond", "command", "act-pages", "act-changes")
"""What is served; `act` twice, as it is deployed."""
SUBSCRIPTIONS: Final = (
    ("events", "respond"),
    ("events", "command"),
    ("pages", "act-pages"),
    ("changes", "act-changes"),
)
REFUSING: Final = "refusing"
"""A function that answers every message with 500."""
GRAVEYARD: Final = "events-dead-pull"
PATIENT, HASTY = 50, 5
"""Attempts before a message is dead; Pub/Sub takes 5 to 100."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message nobody took: what it held, who was tried, and how often."""

    data: bytes
    subscription: str
    attempts: int


class GoogleCloud:
    """Everything a test needs: topics, functions that come and go, Slack, and the store."""

    def __init__(self, running: ExitStack, source: Path, emulator: str, home: Path) -> None:
        self._running = running
        self._source = source
        self._home = home
        self._project = f"switchman-{uuid.uuid4().hex[:12]}"
        self._functions: dict[str, serving.Served] = {}
        self._topics = running.enter_context(PublisherClient())
        self._subscriptions = running.enter_context(SubscriberClient())
        self.door = FrontDoor()
        self.door.refuse(REFUSING)
        running.callback(self.door.close)
        self._simulate(load(SHIPPED_POLICY))
        self._environment = self._sound_environment(emulator)
        self.store = SqliteStore(home / "switchman.sqlite3", SystemClock(), messages=False)
        running.callback(self.store.close)
        for topic in dict.fromkeys(topic for topic, _ in SUBSCRIPTIONS):
            self._topics.create_topic(name=self._topic(topic))
            self._topics.create_topic(name=self._topic(f"{topic}-dead"))
        self._subscriptions.create_subscription(
            name=self._subscription(GRAVEYARD), topic=self._topic("events-dead")
        )

    def start(self, name: str) -> None:
        """Serve a function, from the folder that would be uploaded."""
        home = self._home / f"{name}-{uuid.uuid4().hex[:6]}"
        target = name.partition("-")[0]
        served = serving.serve(self._source, target, self._environment, home)
        self._functions[name] = self._running.enter_context(served)
        self.door.open(name, self._functions[name].port)

    def kill(self, name: str) -> None:
        """End a function's process with all its workers, as `kill -9` does."""
        os.killpg(self._functions[name].process.pid, signal.SIGKILL)
        self._functions[name].process.wait()

    def subscribe(self, topic: str, function: str, attempts: int = PATIENT) -> None:
        """Have a topic pushed to a function; after so many attempts a message is dead."""
        self._subscriptions.create_subscription(
            request={
                "name": self._subscription(f"{topic}-{function}"),
                "topic": self._topic(topic),
                "push_config": {"push_endpoint": f"{self.client.base_url}/{function}"},
                "dead_letter_policy": {
                    "dead_letter_topic": self._topic(f"{topic}-dead"),
                    "max_delivery_attempts": attempts,
                },
            }
        )

    def publish(self, data: bytes) -> None:
        """Publish on `events`, as Cloud Monitoring does; return once it is durable."""
        self._topics.publish(self._topic("events"), data).result(timeout=10)

    def dead_letters(self) -> list[DeadLetter]:
        """Messages of `events` that were given up since this was last asked."""
        name = self._subscription(GRAVEYARD)
        pulled = self._subscriptions.pull(subscription=name, max_messages=10, timeout=5)
        found = [received.message for received in pulled.received_messages]
        return [
            DeadLetter(
                message.data,
                message.attributes["CloudPubSubDeadLetterSourceSubscription"],
                int(message.attributes["CloudPubSubDeadLetterSourceDeliveryCount"]),
            )
            for message in found
        ]

    def said(self) -> str:
        """What every function has written so far."""
        return "\n".join(f"{name}:\n{each.said()}" for name, each in self._functions.items())

    def until(self, holds: Callable[[], T | None], seconds: float = 30.0) -> T:
        """Ask again and again until the answer is true; fail with the functions' logs otherwise."""
        deadline = time.monotonic() + seconds
        while not (answer := holds()):
            assert time.monotonic() < deadline, f"not in {seconds} s:\n{self.said()}"
            time.sleep(0.05)
        return answer

    def _topic(self, name: str) -> str:
        return f"projects/{self._project}/topics/{name}"

    def _subscription(self, name: str) -> str:
        return f"projects/{self._project}/subscriptions/{name}"

    def _simulate(self, policy: Policy) -> None:
        """Start Slack and Cloud Run, on one port with the functions' front door."""
        late = LateBound()
        url = self._running.enter_context(serve(late, threads=24))
        slack = _slack(policy, self._home, url)
        self._running.callback(slack.stop)
        self._run = SimulatedCloudRun(self._home, url, _services(policy))
        self._run.start()
        self._running.callback(self._run.stop)
        doors: dict[str, WSGIApplication] = {
            name: self.door.application(name) for name in (*FUNCTIONS, REFUSING)
        }
        late.application = Routes(doors, {"/sim/slack": slack.wsgi, "/sim": self._run.wsgi})
        self.client = WorldClient(url, TOKEN)
        self._running.callback(self.client.close)

    def _sound_environment(self, emulator: str) -> dict[str, str]:
        return {
            "SWITCHMAN_STORE": f"sqlite://{self._home / 'switchman.sqlite3'}",
            "SWITCHMAN_BUS": f"pubsub://{self._project}",
            "PUBSUB_EMULATOR_HOST": emulator,
            "GOOGLE_CLOUD_PROJECT": self._project,
            "SWITCHMAN_INGEST_TOKEN": TOKEN,
            "SWITCHMAN_CLOUD_RUN_ENDPOINT": self._run.grpc_address,
            "SLACK_API_URL": f"{self.client.base_url}/sim/slack/api/",
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_SIGNING_SECRET": SIGNING_SECRET,
        }


@contextmanager
def google_cloud(source: Path, emulator: str, home: Path) -> Iterator[GoogleCloud]:
    """All of it, running; PUBSUB_EMULATOR_HOST must name the emulator here too.

    `source` is a folder with what a deployment uploads.
    """
    with ExitStack() as running:
        cloud = GoogleCloud(running, source, emulator, home)
        for name in FUNCTIONS:
            cloud.start(name)
        for topic, function in SUBSCRIPTIONS:
            cloud.subscribe(topic, function)
        yield cloud


def _slack(policy: Policy, home: Path, url: str) -> SimulatedSlack:
    people = [SlackPerson(p.slack, p.id, p.name, "") for p in policy.people.values()]
    channels = [team.channel for team in policy.teams.values()]
    function = f"{url}/slack"
    return SimulatedSlack(home, url, function, SIGNING_SECRET, BOT_TOKEN, people, channels)


def _services(policy: Policy) -> list[SimulatedService]:
    return [
        SimulatedService(each.project, each.region, each.name, "backend", "kpf")
        for stack in policy.stacks.values()
        for each in stack.services
    ]
