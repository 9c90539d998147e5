"""A seed's history from its first alert until nothing is left to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Final

from shared.domain.event import Timer
from tests.simulation.counts import counts
from tests.simulation.endings import check_ending
from tests.simulation.happenings import Happenings
from tests.simulation.watch import Broken
from tests.simulation.world import MINUTE, World

_MEMORY: Final = Path("/dev/shm")  # noqa: S108  # a file system in memory, where there is one
_TROUBLED: Final = timedelta(minutes=30)
_CALM: Final = 370
"""So many seconds nothing but looks happens: what serves proves itself."""
_PATIENCE: Final = timedelta(hours=12)
_A_TICK: Final = timedelta(seconds=2)
_FAR: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How a history went. `died` are the instants at which a worker died."""

    seed: int
    steps: int
    faults: int
    died: frozenset[tuple[str, str]]
    digest: int
    did: Counter[str]
    broken: Broken | None
    trace: tuple[str, ...]


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for the stores' files, in memory where that is possible."""
    folder = Path(mkdtemp(prefix="switchman-", dir=_MEMORY if _MEMORY.is_dir() else None))
    try:
        yield folder
    finally:
        rmtree(folder)


def tell(seed: int, folder: Path) -> Told:
    """Let the seed's history happen."""
    world = World(seed, folder / f"{seed}.db")
    broken: Broken | None = None
    try:
        History(world).happen()
    except Broken as found:
        broken = found
    finally:
        world.close()
        for file in folder.glob(f"{seed}.db*"):
            file.unlink()
    return Told(
        seed=seed,
        steps=world.steps,
        faults=world.chance.faults,
        died=frozenset(world.died),
        digest=world.digest,
        did=counts(world),
        broken=broken,
        trace=tuple(_line(each) for each in world.trace) if broken else (),
    )


def _line(entry: tuple[object, ...]) -> str:
    at, who, what, args = entry
    said = ", ".join(str(arg)[:110] for arg in args) if isinstance(args, tuple) else ""
    return f"{at:%H:%M:%S.%f}  {who!s:28}  {what}  {said}".rstrip()


class History:
    """A troubled half-hour, then peace: everything is delivered and ticked until it is quiet."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._schedule = world.schedule
        self._happenings = Happenings(world)

    def happen(self) -> None:
        """Raises `Broken`."""
        start, chance = self._schedule.now, self._world.chance
        for stack in self._world.policy.stacks.values():
            for service in stack.services:
                names = (f"{service.name}-3", f"{service.name}-2", f"{service.name}-1")
                self._world.traffic.add(service.resource, *names)
        for _ in range(chance.random.randint(12, 24)):
            self._schedule.at(start + chance.seconds(_CALM, 1750), self._happenings.one)
        for least, most, happening in self._happenings.always():
            self._schedule.at(start + chance.seconds(least, most), happening)
        self._minutes(_TROUBLED)
        chance.stop()
        self._until_quiet(timers=False)
        self._happenings.end_all()
        self._until_quiet(timers=False)
        self._happenings.close_all()
        self._until_quiet(timers=True)
        for happening in self._happenings.release_all():
            happening()
            self._until_quiet(timers=False)
        self._happenings.close_all()
        self._until_quiet(timers=True)
        check_ending(self._world)
        self._check()

    def _minutes(self, duration: timedelta) -> None:
        """Let this much time pass, with a tick each minute."""
        end = self._schedule.now + duration
        while self._schedule.now < end:
            self._pass_until(min(end, self._schedule.now + MINUTE))
            self._world.tick()

    def _pass_until(self, when: datetime) -> None:
        while self._schedule.step(when):
            self._check()
        self._check()

    def _check(self) -> None:
        if self._world.watch.broken is not None:
            raise self._world.watch.broken

    def _until_quiet(self, *, timers: bool) -> None:
        """Tick until nothing is being done; and, if so wanted, until no timer waits either."""
        until = self._schedule.now + _PATIENCE
        while True:
            busy, due = self._busy(), self._due() if timers else ()
            if not busy and not due:
                return
            waits = [*busy, *(timer.id for timer in due)]
            still = self._schedule.now < until
            self._world.watch.require(still, "it comes to rest", ", ".join(waits[:5]))
            self._check()
            wait = due[0].due - self._world.clock.now() if due and not busy else MINUTE
            self._pass_until(self._schedule.now + max(wait, MINUTE))
            self._world.tick()
            self._pass_until(self._schedule.now + _A_TICK)

    def _busy(self) -> list[str]:
        """What is being done, or waits to be."""
        world = self._world
        names = [*world.bus.waiting.values(), *(worker.name for worker in world.schedule.workers)]
        return [*names, *(action.id for action in world.record.unsettled())]

    def _due(self) -> tuple[Timer, ...]:
        """Every timer, the next one first."""
        return self._world.store.due(self._world.clock.now() + _FAR)
