"""Every port as production code sees it here: whoever crosses it may wait, fail, or die."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from shared import ports
from shared.domain.errors import Conflict, Refused, Transient, UnknownOutcome
from shared.ports import Committed
from tests.simulation.chance import AFTER, BEFORE
from tests.simulation.schedule import Killed

if TYPE_CHECKING:
    from tests.simulation.world import World

PORTS: Final[Mapping[str, type]] = {
    "heads": ports.Heads,
    "outbox": ports.Outbox,
    "timers": ports.Timers,
    "instructions": ports.Instructions,
    "reports": ports.Reports,
    "housekeeping": ports.Housekeeping,
    "publisher": ports.Publisher,
    "chat": ports.Chat,
    "traffic": ports.Traffic,
    "health": ports.Health,
    "metrics": ports.Metrics,
    "snapshots": ports.Snapshots,
    "clock": ports.Clock,
}


def methods(port: str) -> tuple[str, ...]:
    """The port's methods."""
    return tuple(
        name
        for name, value in vars(PORTS[port]).items()
        if isinstance(value, FunctionType) and not name.startswith("_")
    )


POINTS: Final = tuple(f"{port}.{method}" for port in PORTS for method in methods(port))
INSTANTS: Final = tuple((point, side) for point in POINTS for side in (BEFORE, AFTER))

_BY_HAND: Final = frozenset({"reports.received"})
"""Crossed only by a command that reads and changes nothing: no worker of a history does."""

CROSSED: Final = tuple(instant for instant in INSTANTS if instant[0] not in _BY_HAND)
"""The instants that histories come by."""

_SELDOM: Final = {"metrics.value": 8, "heads.firing_rows": 1}
"""Not every history crosses these: they are aimed at so many times more."""

AIMS: Final = (
    *INSTANTS,
    *(instant for instant in INSTANTS for _ in range(_SELDOM.get(instant[0], 0))),
)
"""The instants that one seed after the other aims at."""

REQUEST_LASTS: Final = timedelta(seconds=30)
"""A client's deadline is absolute: however long its process slept, it sends nothing after it."""

_HAS_DEADLINE: Final = ("traffic.send", "snapshots.import_replace")
_NEVER_FAIL: Final = ("clock", "health")
_LOSES_ANSWERS: Final = ("chat.post", "chat.ask", "snapshots.import_replace")


class Crossing:
    """One port. Its methods are those of the protocol, each by way of `_cross`."""

    def __init__(self, world: World, port: str, target: Callable[[], object]) -> None:
        self._world = world
        self._target = target
        self._fails = port not in _NEVER_FAIL
        for method in methods(port):
            setattr(self, method, partial(self._cross, f"{port}.{method}", method))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def _cross(self, point: str, method: str, *args: Any, **options: Any) -> Any:
        self._world.step(point, args)
        self._die(point, BEFORE)
        try:
            return self._call(point, method, args, options)
        except Exception as error:
            self._world.note(f"{point} raises {type(error).__name__}: {error}")
            self._world.watch.failed(point, args, error)
            raise

    def _call(
        self, point: str, method: str, args: tuple[Any, ...], options: Mapping[str, Any]
    ) -> Any:
        self._world.watch.before(point, args, options)
        takes_time = point != "clock.now"
        if takes_time:
            began = self._world.schedule.now
            self._wait()
            self._fail(point)
            if point in _HAS_DEADLINE and self._world.schedule.now > began + REQUEST_LASTS:
                raise UnknownOutcome("the deadline passed before it was sent")
        answer = getattr(self._target(), method)(*args, **options)
        self._world.watch.after(point, args, answer)
        self._die(point, AFTER)
        if takes_time:
            self._wait()
            answer = self._lose(point, options, answer)
        return answer

    def _wait(self) -> None:
        chance, schedule = self._world.chance, self._world.schedule
        worker = schedule.worker
        assert worker is not None
        if chance.strikes(chance.rates.freeze):
            worker.frozen_until = schedule.now + chance.seconds(10, 100)
            self._world.note("freezes")
        schedule.pause(chance.latency())

    def _die(self, point: str, side: str) -> None:
        chance, worker = self._world.chance, self._world.schedule.worker
        assert worker is not None
        if worker.dead:
            raise Killed
        if chance.kills(point, side):
            self._world.died.add((point, side))
            self._world.note(f"dies {side} {point}")
            worker.takes_others_along = chance.random.random() < 0.2
            worker.dead = True
            raise Killed

    def _strikes(self, point: str) -> bool:
        """Whether the call goes wrong; pages do more often, for what they lead to is rare."""
        chance = self._world.chance
        return chance.strikes(chance.rates.error * (4 if point == "chat.post" else 1))

    def _fail(self, point: str) -> None:
        """The call never gets there."""
        chance = self._world.chance
        if not self._fails or not self._strikes(point):
            return
        if point == "heads.commit" and chance.random.random() < 0.5:
            raise Conflict("another writer came first")
        if point == "chat.post" and chance.random.random() < 0.3:
            raise Refused("the channel is archived")
        if point in _LOSES_ANSWERS and chance.random.random() < 0.3:
            raise UnknownOutcome("the request was lost")
        raise Transient("it is away")

    def _lose(self, point: str, options: Mapping[str, Any], answer: Any) -> Any:
        """The call is carried out, and its answer is lost."""
        chance = self._world.chance
        if not self._fails or not self._strikes(point):
            return answer
        if point == "heads.commit" and chance.random.random() < 0.7:
            self._world.note("answer lost and looked up")
            return Committed.ALREADY
        if point in _LOSES_ANSWERS or (point == "traffic.send" and not options.get("dry_run")):
            raise UnknownOutcome("the answer was lost")
        raise Transient("the answer was lost")
