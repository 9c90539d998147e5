"""One history: the real use cases and the real store, vendors that fail, and people."""

from __future__ import annotations

import json
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from shared.adapters.sqlite.store import SqliteStore
from shared.domain.alert import Alert
from shared.domain.event import MessageRejected
from shared.domain.rollback import ServiceState
from shared.ports import Commit, Message
from tests.builders import NOON
from tests.fakes.chat import FakeChat
from tests.fakes.health import Answer, FakeHealth
from tests.simulation.application import Application
from tests.simulation.bus import Bus, Work
from tests.simulation.chance import Chance
from tests.simulation.crossings import AIMS, PORTS, Crossing
from tests.simulation.gauges import Gauges, unproven
from tests.simulation.moves import OURS, Moves
from tests.simulation.record import Record
from tests.simulation.restores import Restores
from tests.simulation.schedule import Schedule, Worker
from tests.simulation.shop import CloudRun, SteppingClock, policy, snapshots
from tests.simulation.watch import Watch

_REMEMBERED: Final = 60
MINUTE: Final = timedelta(minutes=1)


class TrueClock:
    """The true time, which vendors go by; to wait lets others take their turns."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule

    def now(self) -> Any:
        return self._schedule.now

    def sleep(self, duration: timedelta) -> None:
        self._schedule.pause(duration)


class World:
    """Everything there is; `run` in `history` lets it happen."""

    def __init__(self, seed: int, path: Path) -> None:
        self.chance = Chance(seed, AIMS)
        self.schedule = Schedule(NOON)
        self.schedule.restarted = self._restart
        self.policy = policy(self.chance.one_of((1, 2, 3, 3)))
        self.true = TrueClock(self.schedule)
        self.clock = SteppingClock(self.true)
        self.record = Record()
        self.metrics = Gauges(self.true)
        self.moves = Moves(self.record, self.policy, self.metrics, self._look)
        self.restores = Restores(self.record)
        self.watch = Watch(
            self.schedule, self.clock, self.record, self.moves, self.restores, self.proven
        )
        self.chat = FakeChat(self.true)
        self.traffic = CloudRun(self.true, self.chance, self._traffic_changed)
        self.snapshots = snapshots(self.policy, self.true)
        self.health = FakeHealth(lambda url: Answer(500 if self._is_sick(url) else 200))
        self.sick: set[str] = set()
        self.alerts: dict[str, Alert] = {}
        self.rejections: dict[str, MessageRejected] = {}
        self.accepted: dict[str, None] = {}
        self.steps = 0
        self.died: set[tuple[str, str]] = set()
        self.digest = 0
        self.trace: deque[tuple[object, ...]] = deque(maxlen=_REMEMBERED)
        self._path = path
        self.bus = Bus(self, self._receives)
        self._open()

    def _open(self) -> None:
        self.store = SqliteStore(self._path, self.clock, messages=False)
        targets: dict[str, Callable[[], object]] = {
            "publisher": lambda: self.bus,
            "chat": lambda: self.chat,
            "traffic": lambda: self.traffic,
            "health": lambda: self.health,
            "metrics": lambda: self.metrics,
            "snapshots": lambda: self.snapshots,
            "clock": lambda: self.clock,
        }
        store = lambda: self.store  # noqa: E731  # the one behind five ports
        self.app = Application(
            self.policy,
            self.schedule,
            {port: Crossing(self, port, targets.get(port, store)) for port in PORTS},
        )

    def _restart(self) -> None:
        """The process is gone: what is left is what the store and the vendors hold."""
        self.note("the process starts again")
        self.store.close()
        self._open()

    def close(self) -> None:
        """End whatever still goes on, and let go of the file."""
        for worker in list(self.schedule.workers):
            self.schedule.kill(worker)
        self.store.close()

    def step(self, point: str, args: tuple[Any, ...]) -> None:
        """Production code calls out."""
        self.steps += 1
        worker = self.schedule.worker
        name = worker.name if worker else "nobody"
        self.trace.append((self.schedule.now, name, point, args))
        said = f"{self.schedule.now}{name}{point}"
        self.digest = zlib.crc32(said.encode(), self.digest)

    def note(self, text: str) -> None:
        """Something befell whoever's turn it is."""
        worker = self.schedule.worker
        self.trace.append((self.schedule.now, worker.name if worker else "world", text, ()))
        self.digest = zlib.crc32(text.encode(), self.digest)

    def proven(self, commit: Commit) -> Iterator[tuple[str, str]]:
        """What is called recovered and is not known to be."""
        return unproven(commit, self.record, self.policy, self.metrics)

    def tick(self) -> None:
        """The minute is over."""
        self.metrics.minute(self.policy, self._serving)
        self.schedule.start(Worker("tick", self._ticked), self._tick)

    def _tick(self) -> None:
        for failed in self.app.tick().failed:
            self.watch.require("unforeseen" not in failed, "no unforeseen error", failed)

    def _ticked(self, error: BaseException | None) -> None:
        """A tick that fails is not tried again: the next one comes."""
        self.bus.forgive(error)

    def _receives(self, topic: str, message: Message) -> Work:
        """What a message published now has done, as the entry points do it."""
        if topic != "events":
            action: str = json.loads(message.data)["action"]
            return lambda: self.app.act(action)
        match message.attributes["kind"]:
            case "alert":
                alert = replace(
                    self.alerts[message.id.partition("@")[0]], published_at=self.schedule.now
                )
                return lambda: self.app.receive((alert,))
            case "command":
                instruction: str = json.loads(message.data)["instruction"]
                return lambda: self.app.follow(instruction)
            case _:
                return lambda: self.app.receive.reject(self.rejections[message.id])

    def _traffic_changed(self, before: ServiceState, after: ServiceState) -> None:
        service = after.resource.rpartition("/")[2]
        split = ", ".join(map(str, after.traffic))
        self.note(f"{service} is now {split}, generation {after.generation}: {after.last_modifier}")
        if after.last_modifier != OURS:
            self.moves.takeovers.changed(before, after, self.schedule.now)
        for wrong, detail in self.moves.wrong_with_change(before, after):
            self.watch.require(False, wrong, detail)

    def _serving(self, resource: str) -> tuple[str, bool]:
        """Which revision answers most of a service's requests, and whether it answers well."""
        revision = self.traffic.look(resource).main_revision
        return revision, revision not in self.sick

    def _look(self, resource: str) -> ServiceState:
        """The service as Cloud Run has it now."""
        return self.traffic.look(resource)

    def _is_sick(self, url: str) -> bool:
        """Whether the revision that answers there is; a tag's URL leads to the tag's revision."""
        tag, _, service = url.removeprefix("https://").partition(".")[0].rpartition("---")
        state = self.traffic.look(f"projects/shops/locations/europe-west1/services/{service}")
        if not tag:
            return state.main_revision in self.sick
        return any(each.revision in self.sick for each in state.serving if each.tag == tag)
