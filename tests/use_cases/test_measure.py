"""Asking the metrics whether a rollback helped, over the real store and a virtual clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from shared.domain.action import Topic
from shared.domain.metrics import Bound, Budget, MetricQuery
from shared.domain.paging import Choice, PageStep
from shared.domain.phases import phases
from shared.domain.policy import Policy
from shared.domain.rollback import Verdict
from tests.builders import BEN, MINUTE, SECOND, alert, policy
from tests.fakes.metrics import MetricsFault
from tests.use_cases.world import World

ERRORS = MetricQuery(source="prometheus", expression="errors", budget=Budget(Bound.BELOW, 5))


def measured() -> Policy:
    """The shop's policy, where few errors show that it has recovered."""
    rules = policy()
    shop = rules.stack("shop")
    rollback = replace(shop.rollback, metrics=(ERRORS,))
    return replace(rules, stacks={"shop": replace(shop, rollback=rollback)})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A rollback was approved and carried out; health is back, and the alert fires on."""
    world = World(tmp_path / "store.db", measured())
    world.reports(alert())
    world.deliver()
    world.presses(BEN, Choice.APPROVE)
    world.deliver()
    yield world
    world.store.close()


def minutes(world: World, many: int, value: float | None = None) -> None:
    """So many minutes with a tick each, and perhaps a sample just before it."""
    for _ in range(many):
        world.clock.advance(MINUTE - SECOND)
        if value is not None:
            world.metrics.sample("errors", value, world.clock.now())
        world.clock.advance(SECOND)
        world.tick()
        world.deliver()


def verdict(world: World) -> Verdict | None:
    """What is known by now."""
    assert world.incident.rollback is not None
    return world.incident.rollback.verdict


def test_the_next_sample_that_is_good_proves_it(world: World) -> None:
    """From the timer over the worker to the verdict, although the alert still fires."""
    minutes(world, 2, value=9.0)
    assert verdict(world) is None
    minutes(world, 1, value=1.0)
    assert verdict(world) is Verdict.RECOVERED


@pytest.mark.parametrize("fault", MetricsFault)
def test_a_source_that_fails_is_asked_again(world: World, fault: MetricsFault) -> None:
    """A minute without an answer is no verdict, and no attempt of its own either."""
    world.metrics.become(fault)
    minutes(world, 3, value=1.0)
    assert verdict(world) is None
    world.metrics.become(None)
    minutes(world, 1, value=1.0)
    assert verdict(world) is Verdict.RECOVERED


def test_a_source_that_stays_away_leaves_the_verdict_unknown(world: World) -> None:
    """Traffic stays, somebody is paged, and nothing more is asked."""
    world.metrics.become(MetricsFault.AWAY)
    sent = world.sent()
    minutes(world, 11)
    assert verdict(world) is Verdict.UNKNOWN
    assert world.incident.pages[-1].step is PageStep.UNPROVEN
    assert world.sent() == sent
    minutes(world, 3)
    assert verdict(world) is Verdict.UNKNOWN


def test_a_question_that_was_lost_is_asked_all_the_same(world: World) -> None:
    """What dies with its worker is published again, and asks about the same instant."""
    world.clock.advance(MINUTE)
    world.metrics.sample("errors", 1.0, world.clock.now())
    world.tick()
    world.topics.take(Topic.CHANGES)
    minutes(world, 3)
    assert verdict(world) is Verdict.RECOVERED


def test_the_instants_of_a_real_change_split_the_rto(world: World) -> None:
    """Accepted, served and healthy are written down by whoever moves the traffic."""
    rollback = world.incident.rollback
    assert rollback is not None
    instants = (
        rollback.proposed_at,
        rollback.approved_at,
        rollback.started_at,
        rollback.accepted_at,
        rollback.served_at,
        rollback.healthy_at,
    )
    known = [at for at in instants if at is not None]
    assert len(known) == len(instants)
    assert known == sorted(known)
    found = dict(phases(world.incident))
    parts = (found["apply"], found["serve"], found["recover"])
    assert sum(part or 0.0 for part in parts) == rollback.rto_seconds
