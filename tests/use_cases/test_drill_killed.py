"""A drill whose workers are killed, at every instant there is: traffic always comes back.

A worker is mortal before and after each of its calls to Cloud Run, to the services, to the store
and to the bus. What is published after a death is what the tick finds.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final, TypeVar, cast

import pytest

from shared.app.act import Act
from shared.app.announce import Announcer
from shared.domain.action import Topic
from shared.domain.decision import DrillRow
from shared.domain.rollback import Split
from tests.builders import BACKEND, FRONTEND, LATEST, MINUTE, all_to, resource
from tests.use_cases.world import World

T = TypeVar("T")
BOTH: Final = (BACKEND, FRONTEND)
INSTANTS: Final = 96
"""Before and after each call of a drill that nobody disturbs."""
QUIET: Final = 20
"""Minutes in which everything that was stopped has come to its end."""


class Fate:
    """Ends a worker at one instant of its life; nothing it has started goes on after that."""

    def __init__(self, instant: int) -> None:
        self._instant = instant
        self._lock = threading.Lock()
        self.lived = 0

    def meet(self) -> None:
        """Live through this instant, or not."""
        with self._lock:
            if self.lived >= self._instant:
                raise SystemExit("killed")
            self.lived += 1


class _Mortal:
    """Anything, as a worker sees it that may die before and after each call."""

    def __init__(self, real: object, fate: Fate) -> None:
        self._real = real
        self._fate = fate

    def __getattr__(self, name: str) -> Callable[..., object]:
        call: Callable[..., object] = getattr(self._real, name)

        def lived(*args: object, **options: object) -> object:
            self._fate.meet()
            answer = call(*args, **options)
            self._fate.meet()
            return answer

        return lived


def mortal(real: T, fate: Fate) -> T:
    """The same port, for a worker with this fate."""
    return cast(T, _Mortal(real, fate))


def worker(world: World, fate: Fate) -> Act:
    """A worker that meets its fate wherever it leaves its own process."""
    act = world.acting(mortal(world.traffic, fate), world.chat, mortal(world.health, fate))
    handle = replace(
        world.handle,
        heads=mortal(world.store, fate),
        announcer=Announcer(mortal(world.topics, fate)),
    )
    return replace(act, handle=handle, outbox=mortal(world.store, fate))


@pytest.fixture
def drilling(world: World) -> World:
    """A shop in which every revision works; a drill that moves traffic was just ordered."""
    world.healthy = lambda _: True
    world.drill(apply=True)
    return world


def killed(world: World, instant: int) -> None:
    """Work goes on until the worker dies."""
    world.act = worker(world, Fate(instant))
    with pytest.raises(SystemExit):
        world.deliver()
    world.act = world.acting(world.traffic, world.chat)


def until_quiet(world: World) -> None:
    """Minute by minute: a tick, and whatever it finds, until that is only that minute's look."""
    for _ in range(QUIET):
        world.clock.advance(MINUTE)
        world.tick()
        found = set(world.topics.ids()) - {world.stack.observing}
        world.deliver_once(Topic.PAGES, Topic.CHANGES)
        if not found:
            return
    raise AssertionError("it never comes to an end")


def sent(world: World, service: str) -> list[Split]:
    """What Cloud Run was asked to make of the service's traffic, in order."""
    return [each.traffic for each in world.sent() if each.resource == resource(service)]


def assert_as_before(world: World) -> DrillRow:
    """Traffic is as it was found, by at most one request each way; the drill is recorded once."""
    for service in BOTH:
        state = world.traffic.look(resource(service))
        assert (state.traffic, state.serving) == (LATEST, LATEST)
        assert sent(world, service) in ([], [all_to(f"{service}-good"), LATEST])
    assert (world.stack.drill, world.stack.incidents, world.chat.posted()) == (None, (), ())
    (row,) = world.store.drills()
    return row


def test_the_instants_below_are_all_there_are(drilling: World) -> None:
    """A worker that survives one instant more brings the drill to its end."""
    fate = Fate(10 * INSTANTS)
    drilling.act = worker(drilling, fate)
    drilling.deliver()
    assert fate.lived == INSTANTS
    assert assert_as_before(drilling).passed


@pytest.mark.parametrize("instant", range(INSTANTS))
def test_killed_at_any_instant_the_tick_brings_the_drill_to_its_end(
    drilling: World, instant: int
) -> None:
    """Whoever takes it over goes on where it was stopped, and sends nothing twice."""
    killed(drilling, instant)
    until_quiet(drilling)
    assert assert_as_before(drilling).passed


@pytest.mark.parametrize("instant", range(INSTANTS))
def test_found_too_late_to_go_on_traffic_is_put_back_all_the_same(
    drilling: World, instant: int
) -> None:
    """After the plan's end nothing more is moved; what was moved comes back however late."""
    killed(drilling, instant)
    drilling.clock.advance(40 * MINUTE)
    until_quiet(drilling)
    assert_as_before(drilling)


@pytest.mark.parametrize("instant", range(INSTANTS))
def test_killed_again_and_again_it_still_comes_to_its_end(drilling: World, instant: int) -> None:
    """Each who takes it over gets a little further, or finds it where it was."""
    for _ in range(3):
        drilling.act = worker(drilling, Fate(instant))
        try:
            drilling.deliver()
        except SystemExit:
            drilling.clock.advance(timedelta(seconds=61))
            drilling.tick()
    drilling.act = drilling.acting(drilling.traffic, drilling.chat)
    until_quiet(drilling)
    assert assert_as_before(drilling).passed
