"""What the tick does at its end: it forgets, and looks for alerts that nobody would see."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from shared.domain.action import Topic
from shared.domain.alert import AlertRow, AlertStatus
from shared.domain.errors import Transient
from shared.domain.incident_state import State
from shared.domain.paging import PageStep
from shared.ports import Commit, Housekeeping
from tests.builders import alert, policy
from tests.use_cases.test_tick import AwayFor, settle
from tests.use_cases.world import World


class Untidy(Housekeeping):
    """A store in which nothing can be deleted."""

    def prune(self, now: datetime) -> int:
        raise Transient("the disk is full")


def state(world: World) -> State:
    """Where the only incident stands."""
    return world.incident.state


def overlooked(world: World, name: str) -> AlertRow:
    """Write a firing row past `decide`, onto the only incident."""
    row = AlertRow(
        id=name,
        stack="shop",
        lane=world.incident.lane,
        incident=world.incident.id,
        status=AlertStatus.FIRING,
        title="Stray",
        starts_at=world.clock.now(),
        received_at=world.clock.now(),
    )
    write(world, name, row)
    return row


def write(world: World, event: str, row: AlertRow) -> None:
    """Commit this row and nothing else."""
    _, token = world.store.load("shop")
    now = world.clock.now()
    world.store.commit(
        Commit(event=event, kind="test", at=now, stack_id="shop", stack=None, rows=(row,)), token
    )


def test_what_may_be_forgotten_is_forgotten_by_the_tick(proposed: World) -> None:
    """After a week the tick deletes events and what was done; the incident is still there."""
    incident = proposed.incident
    proposed.clock.advance(timedelta(days=8))
    first = proposed.tick()
    assert first.pruned > 0
    assert proposed.tick().pruned == 0
    assert proposed.incident.id == incident.id
    assert proposed.timeline()


def test_an_alert_reported_for_weeks_is_one_incident(proposed: World) -> None:
    """Its first event is forgotten; the next report finds its row, and pages nobody again."""
    proposed.reports(alert())
    proposed.clock.advance(timedelta(days=8))
    proposed.tick()
    proposed.deliver()
    pages = len(proposed.incident.pages)
    proposed.reports(alert())
    proposed.deliver()
    assert len(proposed.incident.pages) == pages


def test_pruning_that_fails_holds_nothing_up(world: World) -> None:
    """Timers take effect and what was lost is published; the failure is told."""
    world.reports(alert())
    world.topics.take(Topic.PAGES)
    world.clock.advance(policy().timing.settle)
    done = replace(world.tick, housekeeping=Untidy())()
    assert (done.timers, done.pruned) == (1, 0)
    assert done.published_again > 0
    assert done.failed == ("pruning: the disk is full",)


def test_an_alert_that_fires_on_a_resolved_incident_reopens_it(proposed: World) -> None:
    """Nothing we know of leads there; if it happens, somebody is paged within a minute."""
    proposed.reports(alert(status=AlertStatus.RESOLVED))
    settle(proposed, times=2)
    assert state(proposed) is State.RESOLVED
    overlooked(proposed, "stray")
    for _ in range(2):
        assert proposed.tick().failed == ()
    proposed.deliver()
    assert state(proposed) is State.OPEN
    reopened = [page.step for page in proposed.incident.pages].count(PageStep.REOPENED)
    assert reopened == 1


def test_each_time_that_it_was_overlooked_is_looked_at(proposed: World) -> None:
    """The same incident, resolved and overlooked a second time, is reopened a second time."""
    proposed.reports(alert(status=AlertStatus.RESOLVED))
    for number in range(2):
        settle(proposed, times=2)
        assert state(proposed) is State.RESOLVED
        stray = overlooked(proposed, f"stray-{number}")
        proposed.tick()
        assert state(proposed) is State.OPEN
        over = replace(stray, status=AlertStatus.RESOLVED, ends_at=proposed.clock.now())
        write(proposed, f"over-{number}", over)


def test_a_sweep_that_fails_holds_nothing_up(proposed: World) -> None:
    """What cannot be counted now is reported, and the tick goes on to its end."""
    proposed.reports(alert(status=AlertStatus.RESOLVED))
    settle(proposed, times=2)
    away = AwayFor(proposed, proposed.incident.id)
    proposed.clock.advance(timedelta(days=8))
    due = proposed.store.due(proposed.clock.now())
    done = replace(proposed.tick, handle=replace(proposed.handle, heads=away))()
    assert done.failed == (
        *(f"{timer.id}: the store is away" for timer in due),
        "looking for firing alerts: the store is away",
    )
    assert done.pruned > 0
