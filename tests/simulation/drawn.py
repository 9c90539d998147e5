"""What every drawn happening needs."""

from __future__ import annotations

from collections.abc import Callable

from shared.domain.ids import derive
from tests.simulation.world import World


class Drawn:
    """Draws who, what and where, and has it done."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._chance = world.chance
        self._drawn = 0

    def _id(self, kind: str) -> str:
        """An id that nothing else has."""
        self._drawn += 1
        return derive(kind, str(self._drawn))

    def _do(self, name: str, work: Callable[[], object]) -> None:
        """Have somebody outside try this until it succeeds."""
        self._world.note(f"{name} sets out")
        self._world.bus.send(name, work)

    def _stack(self) -> str:
        return self._chance.one_of(tuple(self._world.policy.stacks))

    def _resource(self) -> str:
        services = self._world.policy.stack(self._stack()).services
        return self._chance.one_of(services).resource
