"""What every Metrics does: the fake of the use-case tests, and both real ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.metrics.sources import Sources
from shared.domain.errors import Refused, Transient
from shared.domain.metrics import MetricQuery, Missing, Reading
from tests.contract.metrics_worlds import (
    HIGH,
    LOW,
    World,
    fake_world,
    google_world,
    prometheus_world,
)
from tests.contract.simulated_cloud_run import BACKEND, DASHBOARD

OLD, NEW = "backend-00010-kpf", "backend-00011-v4r"
MINUTE = timedelta(minutes=1)
WORLDS: dict[str, Callable[[Path], AbstractContextManager[World]]] = {
    "fake": lambda _: nullcontext(fake_world()),
    "prometheus": prometheus_world,
    "google": google_world,
}


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A source without any sample."""
    with WORLDS[request.param](tmp_path) as made:
        yield made


def ask(world: World, query: MetricQuery | None = None) -> Reading | Missing:
    """The lag at the present."""
    return world.metrics.value(query or world.query(), world.clock.now())


def requests(world: World, revision: str = OLD, minutes: int = 10) -> int | None:
    """How many requests the backend's revision answered."""
    return world.metrics.requests(BACKEND, revision, minutes * MINUTE, world.clock.now())


def test_a_value_comes_with_the_time_of_its_newest_sample(world: World) -> None:
    """Not with the time of the question: whoever asks must see that it is late."""
    world.lag(7, ago=3 * MINUTE)
    world.lag(4.5, ago=2 * MINUTE)
    assert ask(world) == Reading(4.5, world.clock.now() - 2 * MINUTE)


def test_a_series_that_was_never_seen_is_missing(world: World) -> None:
    """It is not zero."""
    assert isinstance(ask(world), Missing)


def test_a_series_that_ended_long_ago_is_missing(world: World) -> None:
    """Its last value says nothing about the present."""
    world.lag(1, ago=timedelta(hours=1))
    assert isinstance(ask(world), Missing)


def test_the_past_can_be_asked_about(world: World) -> None:
    """What was measured after the instant does not count."""
    world.lag(3)
    then = world.clock.now()
    world.clock.advance(MINUTE)
    world.lag(8)
    assert world.metrics.value(world.query(), then) == Reading(3, then)


def test_of_several_series_the_worst_is_told(world: World) -> None:
    """The highest where low is good, the lowest where high is good."""
    for shard, value in (("a", 11.0), ("b", 30.0), ("c", 12.0)):
        world.lag(value, shard)
    assert ask(world, world.query(LOW)) == Reading(30, world.clock.now())
    assert ask(world, world.query(HIGH)) == Reading(11, world.clock.now())


def test_good_series_are_as_fresh_as_the_oldest(world: World) -> None:
    """One projector that fell silent does not hide behind the others."""
    world.lag(1, "a")
    world.lag(2, "b", ago=3 * MINUTE)
    assert ask(world) == Reading(2, world.clock.now() - 3 * MINUTE)


def test_what_is_no_number_is_missing(world: World) -> None:
    """Also when another series has one, unless that one is bad."""
    world.lag(math.nan, "a")
    assert isinstance(ask(world), Missing)
    world.lag(1, "b")
    assert isinstance(ask(world), Missing)
    world.lag(50, "c")
    assert ask(world) == Reading(50, world.clock.now())


def test_an_infinite_value_is_bad_or_missing(world: World) -> None:
    """It is never a proof that all is well."""
    world.lag(math.inf)
    assert ask(world, world.query(LOW)) == Reading(math.inf, world.clock.now())
    assert isinstance(ask(world, world.query(HIGH)), Missing)


def test_requests_are_counted_by_revision(world: World) -> None:
    """However they ended: answered is answered."""
    world.answered(OLD, 5, ago=2 * MINUTE)
    world.answered(OLD, 3, ago=4 * MINUTE, status=500)
    world.answered(OLD, 1, ago=4 * MINUTE, status=404)
    world.answered(NEW, 40, ago=2 * MINUTE)
    assert requests(world) == 9
    assert requests(world, NEW) == 40


def test_only_the_window_counts(world: World) -> None:
    """Requests before it prove nothing about it."""
    world.answered(OLD, 5, ago=2 * MINUTE)
    world.answered(OLD, 100, ago=15 * MINUTE)
    assert requests(world) == 5
    assert requests(world, minutes=20) == 105


def test_a_revision_without_requests_has_none_to_show(world: World) -> None:
    """Unknown or zero, as the source has it; never a positive number."""
    assert requests(world) is None
    world.answered(OLD, 5, ago=30 * MINUTE)
    world.answered(NEW, 5, ago=2 * MINUTE)
    assert not requests(world)


def test_another_service_is_another_count(world: World) -> None:
    """Even with the revision's name."""
    world.answered(OLD, 5, ago=2 * MINUTE)
    assert not world.metrics.requests(DASHBOARD, OLD, 10 * MINUTE, world.clock.now())


def test_a_source_that_is_away_may_come_back(world: World) -> None:
    """Both questions say that they may be asked again."""
    world.lag(1)
    metrics = world.away()
    with pytest.raises(Transient):
        metrics.value(world.query(), world.clock.now())
    with pytest.raises(Transient):
        metrics.requests(BACKEND, OLD, MINUTE, world.clock.now())


def test_a_source_that_refuses_says_what_to_do(world: World) -> None:
    """Asking again cannot help; a person can."""
    world.lag(1)
    world.refuse()
    with pytest.raises(Refused, match=r"check|grant"):
        ask(world)
    with pytest.raises(Refused, match=r"check|grant"):
        requests(world)


def test_each_query_goes_to_the_source_it_names(tmp_path: Path) -> None:
    """Counts come from the one that counts; a source nobody configured is named, with the others."""
    one, other = fake_world(), fake_world()
    one.lag(1)
    other.answered(OLD, 5, ago=MINUTE)
    sources = Sources({"fake": one.metrics, "other": other.metrics}, counts="other")
    at = one.clock.now()
    assert sources.value(one.query(), at) == Reading(1, at)
    assert sources.requests(BACKEND, OLD, 10 * MINUTE, at) == 5
    nobody = MetricQuery(source="nobody", expression="x", budget=LOW)
    with pytest.raises(Refused, match=r"'nobody'; known: fake, other"):
        sources.value(nobody, at)
