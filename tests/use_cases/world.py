"""The use cases wired together as in production, in one process and on a clock that is told.

The store is the real one on a file; Cloud Run, Slack and the services' health are fakes. What is
published waits in `topics` until a test delivers it, so that a test decides what is lost.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from shared.adapters.sqlite.store import SqliteStore
from shared.app.accept import StoreInstruction
from shared.app.act import Act, Performer
from shared.app.announce import Announcer
from shared.app.change import ChangeTraffic
from shared.app.data import CheckData, ExportData, ImportData, ProposeData
from shared.app.handle import Handle, Handled
from shared.app.measure import Measure
from shared.app.observe import Observe
from shared.app.people import People
from shared.app.plan import MakePlan
from shared.app.receive import FollowInstruction, ReceiveAlerts
from shared.app.tag import TagKnownGood
from shared.app.tick import Tick
from shared.domain.action import ActionKind, Topic
from shared.domain.alert import Alert
from shared.domain.errors import Conflict, Transient
from shared.domain.event import DrillDue, Instruction
from shared.domain.incident import Incident
from shared.domain.paging import Choice
from shared.domain.policy import Policy
from shared.domain.stack import Stack
from shared.ports import Chat, Health, Message, Snapshots, Traffic
from tests.builders import BACKEND, FRONTEND, NOON, policy, resource
from tests.fakes.chat import FakeChat
from tests.fakes.clock import ManualClock
from tests.fakes.health import Answer, FakeHealth
from tests.fakes.metrics import FakeMetrics
from tests.fakes.snapshots import FakeSnapshots
from tests.fakes.traffic import FakeTraffic, Mutation

T = TypeVar("T")
PATIENCE = 200
"""Deliveries after which a test that still has messages is going round in circles."""


@dataclass(slots=True)
class Topics:
    """`ports.Publisher` that keeps what is published; `away` lets publishing fail."""

    published: list[tuple[str, Message]] = field(default_factory=list)
    away: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def publish(self, topic: str, messages: Sequence[Message]) -> None:
        """Keep the messages in order."""
        with self._lock:
            if self.away:
                raise Transient("Pub/Sub is away")
            self.published += [(topic, message) for message in messages]

    def ids(self, topic: Topic | None = None) -> list[str]:
        """The ids of the messages that wait."""
        with self._lock:
            return [m.id for name, m in self.published if topic is None or name == topic.value]

    def take(self, topic: Topic) -> list[Message]:
        """The messages of a topic that wait, which are gone from it then."""
        with self._lock:
            taken = [message for name, message in self.published if name == topic.value]
            self.published = [each for each in self.published if each[0] != topic.value]
            return taken


def at_once(call: Callable[[], T]) -> T:
    """`Retrying` without a pause: again while somebody else wrote first."""
    for _ in range(PATIENCE):
        try:
            return call()
        except Conflict:
            continue
    raise AssertionError("another writer always comes first")


class World:
    """One shop with two services; the revision `-bad` of each serves, `-good` came before it."""

    def __init__(self, path: Path, rules: Policy | None = None) -> None:
        self.policy = rules or policy()
        self.clock = ManualClock(NOON)
        self.store = SqliteStore(path, self.clock, messages=False)
        self.topics = Topics()
        self.traffic = FakeTraffic(self.clock)
        for service in (BACKEND, FRONTEND):
            self.traffic.add(resource(service), f"{service}-bad", f"{service}-good")
        self.chat = FakeChat(self.clock)
        self.metrics = FakeMetrics()
        self.snapshots: Snapshots = FakeSnapshots(self.clock)
        self.healthy: Callable[[str], bool] = self._rolled_back
        self.health = FakeHealth(lambda url: Answer(200 if self.healthy(url) else 500))
        self.handle = self._handle()
        self.act = self.acting(self.traffic, self.chat)
        self.receive = ReceiveAlerts(self.handle)
        self.store_instruction = StoreInstruction(self.store, self.topics)
        self.follow = FollowInstruction(self.handle, self.store)
        self.tick = Tick(
            handle=self.handle,
            timers=self.store,
            outbox=self.store,
            reports=self.store,
            housekeeping=self.store,
            announcer=self.handle.announcer,
            clock=self.clock,
        )
        self._presses = 0

    def _handle(self) -> Handle:
        return Handle(
            policy=self.policy,
            heads=self.store,
            announcer=Announcer(self.topics),
            clock=self.clock,
            retrying=at_once,
        )

    def acting(self, traffic: Traffic, chat: Chat, health: Health | None = None) -> Act:
        """A worker that reaches Cloud Run, Slack and the services through these."""
        people = People(policy=self.policy, heads=self.store, reports=self.store, chat=chat)
        change = ChangeTraffic(
            policy=self.policy,
            outbox=self.store,
            traffic=traffic,
            health=health or self.health,
            clock=self.clock,
        )
        return Act(
            handle=self.handle,
            outbox=self.store,
            performers={
                ActionKind.PAGE: people.page,
                ActionKind.REFRESH: people.refresh,
                ActionKind.TELL: people.tell,
                ActionKind.SHOW: people.show,
                ActionKind.PLAN: MakePlan(
                    policy=self.policy,
                    traffic=traffic,
                    health=health or self.health,
                    clock=self.clock,
                ),
                ActionKind.APPLY: change,
                ActionKind.RESTORE: change,
                ActionKind.MEASURE: Measure(metrics=self.metrics),
                ActionKind.OBSERVE: Observe(
                    policy=self.policy, traffic=traffic, metrics=self.metrics, clock=self.clock
                ),
                ActionKind.TAG: TagKnownGood(
                    heads=self.store, outbox=self.store, traffic=traffic, clock=self.clock
                ),
                ActionKind.NOTIFY: people.notify,
                **self._rolling_data_back(traffic, health or self.health),
            },
        )

    def _rolling_data_back(self, traffic: Traffic, health: Health) -> dict[ActionKind, Performer]:
        snapshots, clock = self.snapshots, self.clock
        return {
            ActionKind.VERIFY_SNAPSHOT: ProposeData(
                policy=self.policy, snapshots=snapshots, clock=clock
            ),
            ActionKind.EXPORT_DATA: ExportData(snapshots=snapshots, clock=clock),
            ActionKind.IMPORT_DATA: ImportData(outbox=self.store, snapshots=snapshots, clock=clock),
            ActionKind.CHECK_DATA: CheckData(
                policy=self.policy,
                snapshots=snapshots,
                traffic=traffic,
                health=health,
                clock=clock,
            ),
        }

    def _rolled_back(self, url: str) -> bool:
        """What a service answers: well, as soon as its good revision serves."""
        service = BACKEND if BACKEND in url else FRONTEND
        return self.traffic.look(resource(service)).main_revision.endswith("-good")

    @property
    def stack(self) -> Stack:
        """The shop's head as it is stored."""
        return self.store.load("shop")[0]

    @property
    def incident(self) -> Incident:
        """The only incident of the shop."""
        (only,) = self.stack.incidents
        return only

    def timeline(self) -> list[str]:
        """The incident's story so far."""
        return [f"{row.kind}: {row.text}" for row in self.store.timeline(self.incident.id)]

    def reports(self, *alerts: Alert) -> tuple[Handled, ...]:
        """A sender reports alerts."""
        return self.receive(alerts)

    def presses(self, who: str, choice: Choice, of: Incident | None = None) -> Instruction:
        """A person presses a button of an incident's page; the press is stored and followed."""
        incident = of or self.incident
        data = incident.data if incident.data and incident.data.plan else None
        plan = data.plan if data else incident.rollback.plan if incident.rollback else None
        return self._instructs(who, choice, incident=incident.id, plan=plan.hash if plan else "")

    def asks(
        self, who: str, choice: Choice, text: str = "", view: str = "", snapshot: str = ""
    ) -> Instruction:
        """A person asks for something of the shop; it is stored and followed."""
        about = {"stack": "shop", "text": text, "view": view, "snapshot": snapshot}
        return self._instructs(who, choice, **about)

    def _instructs(
        self,
        who: str,
        choice: Choice,
        *,
        incident: str = "",
        plan: str = "",
        stack: str = "",
        text: str = "",
        view: str = "",
        snapshot: str = "",
    ) -> Instruction:
        self._presses += 1
        told = Instruction(
            id=f"press-{self._presses}",
            choice=choice,
            person=who,
            channel="C-infra",
            at=self.clock.now(),
            incident=incident,
            plan=plan,
            stack=stack,
            text=text,
            view=view,
            snapshot=snapshot,
        )
        self.store_instruction(told)
        self.follow(told.id)
        return told

    def drill(self, order: str = "monday", *, apply: bool) -> Handled:
        """The schedule asks for a rollback drill; the same order again is a repeated message."""
        return self.handle(
            DrillDue(id=order, stack="shop", drill="rollback", asked_by="the schedule", apply=apply)
        )

    def deliver(self, *topics: Topic) -> None:
        """Deliver what waits on the topics, and what follows, until nothing is left.

        What fails for a while comes again at once, as often as the bus would try.
        """
        wanted = topics or (Topic.PAGES, Topic.CHANGES)
        for _ in range(PATIENCE):
            if not self.deliver_once(*wanted):
                return
        raise AssertionError(f"messages without end: {self.topics.ids()}")

    def deliver_once(self, *topics: Topic) -> int:
        """Deliver each message that waits now once, and say how many there were."""
        waiting = [(topic, m) for topic in topics for m in self.topics.take(topic)]
        for topic, message in waiting:
            self._deliver(topic, message)
        return len(waiting)

    def _deliver(self, topic: Topic, message: Message) -> None:
        try:
            self.act(json.loads(message.data)["action"])
        except Transient:
            self.topics.publish(topic.value, [message])

    def next_on(self, topic: Topic) -> str:
        """The id of the only action that waits on the topic, which is taken from it."""
        (message,) = self.topics.take(topic)
        return message.id

    def sent(self) -> list[Mutation]:
        """Requests to change traffic that were really sent."""
        return [mutation for mutation in self.traffic.mutations() if not mutation.dry_run]
