"""The world every use case test plays in."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.builders import alert
from tests.use_cases.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A quiet shop whose newest revisions are bad."""
    world = World(tmp_path / "switchman.db")
    with closing(world.store):
        yield world


@pytest.fixture
def proposed(world: World) -> World:
    """An alert fired, the owner was paged, and a rollback is proposed."""
    world.reports(alert())
    world.deliver()
    return world
