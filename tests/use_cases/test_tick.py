"""Each minute: timers that are due take effect once, and what was lost is published again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from shared.app.act import LEASE
from shared.app.tick import LOST_AFTER, Ticked
from shared.domain.action import Action, Topic
from shared.domain.alert import AlertRow, AlertStatus
from shared.domain.errors import Transient
from shared.domain.incident_state import State
from shared.domain.paging import Choice, PageStep
from shared.domain.rollback import Verdict
from shared.domain.rollback_phase import Phase
from shared.domain.stack import Stack
from shared.ports import Commit, Committed, Heads, Recalled, Token
from tests.builders import BEN, MINUTE, SECOND, alert, policy
from tests.use_cases.world import World


class AwayFor(Heads):
    """The store, which is away whenever it is asked about one incident's alerts."""

    def __init__(self, world: World, incident: str) -> None:
        self._store, self._incident = world.store, incident

    def load(self, stack_id: str) -> tuple[Stack, Token]:
        return self._store.load(stack_id)

    def commit(self, commit: Commit, token: Token) -> Committed:
        return self._store.commit(commit, token)

    def seen(self, event_id: str) -> tuple[Action, ...] | None:
        return self._store.seen(event_id)

    def alert(self, row_id: str) -> AlertRow | None:
        return self._store.alert(row_id)

    def recall(self, event_id: str, row_id: str, series: str, limit: int) -> Recalled:
        return self._store.recall(event_id, row_id, series, limit)

    def series(self, series: str, limit: int = 20) -> tuple[AlertRow, ...]:
        return self._store.series(series, limit)

    def alerts(self, incident_id: str) -> int:
        return self._store.alerts(incident_id)

    def firing_rows(self, incident_id: str, limit: int) -> tuple[AlertRow, ...]:
        return self._store.firing_rows(incident_id, limit)

    def firing(self, incident_id: str) -> int:
        if incident_id == self._incident:
            raise Transient("the store is away")
        return self._store.firing(incident_id)


def settle(world: World, times: int = 1) -> None:
    """Let the settle time pass so often, with a tick after each."""
    for _ in range(times):
        world.clock.advance(policy().timing.settle)
        world.tick()


def test_a_quiet_minute_does_nothing(world: World) -> None:
    """No timer is due, and nothing is lost."""
    assert world.tick() == Ticked(timers=0, published_again=0, pruned=0, failed=())


def test_an_incident_resolves_by_ticks_alone(proposed: World) -> None:
    """Alert ended, two quiet looks, resolved; after the reopen window it leaves the head."""
    proposed.reports(alert(status=AlertStatus.RESOLVED))
    settle(proposed)
    assert proposed.incident.state is State.RESOLVING
    settle(proposed)
    resolved = proposed.incident
    assert resolved.state.value == "resolved"
    proposed.clock.advance(policy().timing.reopen_window)
    proposed.tick()
    assert proposed.store.load("shop")[0].incidents == ()
    view = proposed.store.incident(resolved.id)
    assert view is not None
    assert view.incident.state is State.RESOLVED


def test_an_incident_that_fires_is_not_resolved_by_ticks(proposed: World) -> None:
    """However long it takes, firing rows keep it open."""
    settle(proposed, times=30)
    assert proposed.incident.state is State.OPEN


def test_a_timer_is_not_early(proposed: World) -> None:
    """Just before its time a timer has no effect."""
    proposed.reports(alert(status=AlertStatus.RESOLVED))
    proposed.clock.advance(policy().timing.settle - timedelta(microseconds=1))
    assert proposed.tick().timers == 0
    assert proposed.incident.state is State.OPEN


def test_two_ticks_at_once_fire_a_timer_once(proposed: World) -> None:
    """Both read the same timers; one finds that the other was first."""
    proposed.reports(alert(status=AlertStatus.RESOLVED))
    proposed.clock.advance(policy().timing.settle)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: proposed.tick(), range(8)))
    assert proposed.incident.state is State.RESOLVING
    (confirm,) = [
        each
        for each in proposed.store.due(proposed.clock.now() + MINUTE * 5)
        if each.kind in ("settle", "confirm")
    ]
    assert confirm.due == proposed.clock.now() + policy().timing.settle


def test_an_alert_between_the_two_looks_keeps_the_incident(proposed: World) -> None:
    """The second look finds it open again, and the first look is taken anew."""
    proposed.reports(alert(status=AlertStatus.RESOLVED))
    settle(proposed)
    proposed.clock.advance(MINUTE)
    proposed.reports(alert("Again"))
    settle(proposed, times=3)
    assert proposed.incident.state is State.OPEN


def test_a_plan_nobody_decides_on_expires(proposed: World) -> None:
    """After its time a new plan takes its place, and the old button decides about nothing."""
    assert proposed.incident.rollback is not None
    old = proposed.incident.rollback.plan
    proposed.clock.advance(31 * MINUTE)
    proposed.tick()
    proposed.deliver()
    rollback = proposed.incident.rollback
    assert rollback.phase is Phase.PROPOSED
    assert rollback.plan is not None
    assert old is not None
    assert rollback.plan.hash != old.hash
    assert rollback.plan.expires_at > proposed.clock.now()


def test_nobody_has_it_so_somebody_is_paged_again(proposed: World) -> None:
    """A page that nobody acknowledges is not the last one; an acknowledged one is."""
    proposed.clock.advance(16 * MINUTE)
    proposed.tick()
    proposed.deliver()
    assert [page.step for page in proposed.incident.pages] == [PageStep.OPENED, PageStep.REMINDER]
    proposed.presses(BEN, Choice.ACKNOWLEDGE)
    proposed.clock.advance(16 * MINUTE)
    proposed.tick()
    proposed.deliver()
    assert len(proposed.incident.pages) == 2


def test_a_rollback_whose_alert_stays_is_judged_by_the_tick(proposed: World) -> None:
    """Healthy for the verify window and still firing: not recovered, and somebody is paged."""
    proposed.presses(BEN, Choice.APPROVE)
    proposed.deliver()
    proposed.clock.advance(11 * MINUTE)
    proposed.tick()
    proposed.deliver()
    rollback = proposed.incident.rollback
    assert rollback is not None
    assert rollback.verdict is Verdict.NOT_RECOVERED
    assert "not recovered" in proposed.chat.posted()[-1].card.headline


def test_what_was_not_published_is_published_by_the_tick(world: World) -> None:
    """A message that never reached its topic is only late."""
    world.reports(alert())
    lost = world.topics.take(Topic.PAGES) + world.topics.take(Topic.CHANGES)
    world.clock.advance(LOST_AFTER)
    assert world.tick().published_again == len(lost)
    looked = {world.stack.observing}
    assert set(world.topics.ids()) - looked == {message.id for message in lost}


def test_what_was_published_a_moment_ago_is_left_to_its_message(world: World) -> None:
    """An action is not taken for lost while its message may be on the way."""
    world.reports(alert())
    world.clock.advance(LOST_AFTER - SECOND)
    assert world.tick().published_again == 0


def test_an_action_that_somebody_is_at_is_not_published_again(world: World) -> None:
    """A held action is left to its worker, and published again when the lease has run out."""
    world.reports(alert(lane="auth"))
    page = world.next_on(Topic.PAGES)
    world.clock.advance(LOST_AFTER)
    world.store.claim(page, LEASE)
    assert world.tick().published_again == 0
    world.deliver(Topic.CHANGES)
    world.clock.advance(LEASE)
    assert world.tick().published_again == 1
    assert world.topics.ids(Topic.PAGES) == [page]


def test_a_timer_in_trouble_does_not_hold_up_the_others(world: World) -> None:
    """It is reported, stays due, and takes effect at the next tick."""
    world.reports(alert(), alert("TokensFail", lane="auth"))
    world.clock.advance(policy().timing.settle)
    first, second = world.store.due(world.clock.now())
    broken = replace(world.tick, handle=replace(world.handle, heads=AwayFor(world, first.incident)))
    done = broken()
    assert done.timers == 1
    assert len(done.failed) == 1
    assert first.id in done.failed[0]
    assert world.store.due(world.clock.now()) == (first,)
    assert world.tick().timers == 1
    assert second.incident != first.incident


def test_an_alert_that_fires_on_a_resolved_incident_is_found(world: World) -> None:
    """However it came to be there, the tick reopens the incident and its owner is paged."""
    fired = alert()
    world.reports(fired, replace(fired, status=AlertStatus.RESOLVED))
    world.deliver()
    settle(world, 2)
    assert world.incident.state is State.RESOLVED
    _, token = world.store.load("shop")
    row = AlertRow(
        id="overlooked",
        stack="shop",
        lane="infra",
        incident=world.incident.id,
        status=AlertStatus.FIRING,
        title="Overlooked",
        starts_at=world.clock.now(),
        received_at=world.clock.now(),
    )
    overlooked = Commit(
        event="e", kind="alert", at=world.clock.now(), stack_id="shop", stack=None, rows=(row,)
    )
    world.store.commit(overlooked, token)
    assert world.tick().failed == ()
    found = world.incident
    assert (found.state, found.pages[-1].step) == (State.OPEN, PageStep.REOPENED)
