"""Leases, timers and instructions: what every store promises to those who do the work."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest

from shared.domain.action import Done
from shared.domain.errors import StaleHolder
from shared.domain.event import TimerKind
from shared.ports import Lease, NotClaimed, Settlement, Store
from tests.contract.store_contract import (
    STORES,
    action,
    at,
    instruction,
    open_store,
    put,
    shop,
    timer,
)
from tests.fakes.clock import ManualClock

LEASE = timedelta(seconds=30)
INSTRUCTION = instruction()


@pytest.fixture
def clock() -> ManualClock:
    """The store's clock."""
    return ManualClock(at(0))


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    """Each store in turn, with two actions to do."""
    with open_store(request, tmp_path, clock) as opened:
        put(opened, "e1", shop(), actions=(action("e1-0"), action("e1-1")))
        yield opened


def claimed(store: Store, name: str = "e1-0") -> Lease:
    """The lease of an action that is free."""
    lease = store.claim(name, LEASE)
    assert isinstance(lease, Lease)
    return lease


def settle(store: Store, held: Lease) -> None:
    """Records the held action as done."""
    settles = Settlement(action=held.action.id, fence=held.fence, outcome=Done())
    put(store, f"{held.action.id}-{held.attempt}", settles=settles)


def test_first_claim(store: Store) -> None:
    """The first claim gives the action, attempt 1 and the store's time."""
    held = claimed(store)
    assert (held.action, held.attempt, held.first_claimed_at) == (action("e1-0"), 1, at(0))


def test_held_action_is_not_claimed_again(store: Store, clock: ManualClock) -> None:
    """While a lease lasts nobody else gets the action."""
    claimed(store)
    clock.advance(LEASE - timedelta(milliseconds=1))
    assert store.claim("e1-0", LEASE) is NotClaimed.HELD


def test_what_is_left_of_a_claim(store: Store, clock: ManualClock) -> None:
    """A claim holds as long as it was asked for, and renewals lengthen it."""
    held = claimed(store)
    clock.advance(LEASE / 3)
    assert store.left(held) == LEASE * 2 / 3
    store.renew(held, LEASE)
    assert store.left(held) == LEASE
    clock.advance(LEASE)
    assert store.left(held) == timedelta()


def test_nothing_is_left_of_a_claim_that_has_passed_on(store: Store, clock: ManualClock) -> None:
    """Once another has claimed the action, or it was given back or done, the first claim is over."""
    first = claimed(store)
    clock.advance(LEASE)
    second = claimed(store)
    assert (store.left(first), store.left(second)) == (timedelta(), LEASE)
    store.release(second)
    assert store.left(second) == timedelta()
    third = claimed(store)
    settle(store, third)
    assert store.left(third) == timedelta()


def test_unknown_action_is_not_claimed(store: Store) -> None:
    """An id that no commit wrote has nothing behind it."""
    assert store.claim("nothing", LEASE) is NotClaimed.UNKNOWN


def test_settled_action_is_not_claimed(store: Store) -> None:
    """What is done is not done again."""
    settle(store, claimed(store))
    assert store.claim("e1-0", LEASE) is NotClaimed.SETTLED


def test_of_many_claimers_one_wins(store: Store) -> None:
    """Ten threads claim at once: one gets the action, nine are told that it is held."""
    together = Barrier(10)

    def claim(_: int) -> Lease | NotClaimed:
        together.wait(timeout=60)
        return store.claim("e1-0", LEASE)

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(claim, range(10)))
    assert sum(isinstance(answer, Lease) for answer in answers) == 1
    assert answers.count(NotClaimed.HELD) == 9


def test_expired_lease_is_taken_over(store: Store, clock: ManualClock) -> None:
    """After the lease the next claimer gets it, and is told since when it has been tried."""
    first = claimed(store)
    clock.advance(LEASE)
    second = claimed(store)
    assert (second.attempt, second.first_claimed_at) == (2, at(0))
    assert second.fence != first.fence


def test_lease_ends_when_the_clock_is_set_back(store: Store, clock: ManualClock) -> None:
    """A lease taken an hour in the future was taken by another reckoning: it counts as over."""
    old = claimed(store)
    clock.advance(timedelta(hours=-1))
    assert store.left(old) == timedelta()
    new = claimed(store)
    assert new.attempt == 2
    assert store.left(new) == LEASE
    with pytest.raises(StaleHolder):
        settle(store, old)
    settle(store, new)


def test_renewal_counts_by_the_clock_as_it_is(store: Store, clock: ManualClock) -> None:
    """A worker that is alive renews its lease after the clock was set back, and has it again."""
    held = claimed(store)
    clock.advance(timedelta(hours=-1))
    assert store.left(store.renew(held, LEASE)) == LEASE
    assert store.claim("e1-0", LEASE) is NotClaimed.HELD


def test_clock_that_lags_a_little_takes_nothing_over(store: Store, clock: ManualClock) -> None:
    """Two machines' clocks are never the same: some seconds apart do not end a lease."""
    held = claimed(store)
    clock.advance(timedelta(seconds=-5))
    assert store.claim("e1-0", LEASE) is NotClaimed.HELD
    settle(store, held)


def test_renewed_lease_lasts(store: Store, clock: ManualClock) -> None:
    """A renewal counts from when it was made, with a fence of its own."""
    first = claimed(store)
    clock.advance(LEASE / 2)
    second = store.renew(first, LEASE)
    clock.advance(LEASE * 0.75)
    assert store.claim("e1-0", LEASE) is NotClaimed.HELD
    assert second == replace(first, fence=second.fence)
    assert second.fence != first.fence


def test_old_fence_neither_renews_nor_releases(store: Store, clock: ManualClock) -> None:
    """A worker that lost its lease cannot renew it, nor give away the new holder's."""
    old = claimed(store)
    clock.advance(LEASE)
    new = claimed(store)
    with pytest.raises(StaleHolder):
        store.renew(old, LEASE)
    store.release(old)
    assert store.claim("e1-0", LEASE) is NotClaimed.HELD
    settle(store, new)


def test_fence_before_a_renewal_is_stale(store: Store) -> None:
    """A renewal makes the earlier fence worthless."""
    old = claimed(store)
    store.renew(old, LEASE)
    with pytest.raises(StaleHolder):
        settle(store, old)


def test_settled_action_is_not_renewed(store: Store) -> None:
    """There is nothing to hold once it is done."""
    held = claimed(store)
    settle(store, held)
    with pytest.raises(StaleHolder):
        store.renew(held, LEASE)


def test_released_action_may_be_claimed_at_once(store: Store) -> None:
    """Giving an action back opens it to the next delivery, and ends the right to settle it."""
    held = claimed(store)
    store.release(held)
    assert claimed(store).attempt == 2
    with pytest.raises(StaleHolder):
        settle(store, held)


def test_unsettled_are_those_nobody_deals_with(store: Store, clock: ManualClock) -> None:
    """Actions that are old enough, not done and not held; an expired lease holds nothing."""
    put(store, "e2", actions=(action("e2-0", minutes=5),))
    clock.advance(timedelta(minutes=5))
    minute = timedelta(minutes=1)
    assert store.unsettled(minute) == (action("e1-0"), action("e1-1"))
    held = claimed(store)
    assert store.unsettled(minute) == (action("e1-1"),)
    settle(store, claimed(store, "e1-1"))
    assert store.unsettled(minute) == ()
    clock.advance(LEASE)
    assert store.unsettled(minute) == (held.action,)


def test_unsettled_from_before_the_clock_was_set_back(store: Store, clock: ManualClock) -> None:
    """An action decided in the future counts as old, whether it was held by then or not."""
    claimed(store)
    clock.advance(timedelta(seconds=-30))
    assert store.unsettled(timedelta(seconds=30)) == ()
    clock.advance(timedelta(hours=-1))
    assert store.unsettled(timedelta(seconds=30)) == (action("e1-0"), action("e1-1"))
    assert store.unsettled(timedelta(seconds=30), limit=1) == (action("e1-0"),)


def test_unsettled_are_limited(store: Store) -> None:
    """The oldest come first, and no more than asked for."""
    put(store, "e2", actions=(action("e2-0", minutes=-9),))
    assert store.unsettled(timedelta(0), limit=1) == (action("e2-0", minutes=-9),)


def test_timers_come_due_in_order(store: Store) -> None:
    """Timers whose time has come, earliest first; a later one is not there yet."""
    early, late = timer(TimerKind.FORGET, 1), timer(TimerKind.SETTLE, 2)
    put(store, "e2", timers=(late, early, timer(TimerKind.VERIFY, 3)))
    assert store.due(at(0.9)) == ()
    assert store.due(at(2)) == (early, late)
    assert store.due(at(2), limit=1) == (early,)


def test_timer_replaces_its_like(store: Store) -> None:
    """There is one timer of each kind for an incident: setting it again moves it."""
    put(store, "e2", timers=(timer(minutes=1),))
    put(store, "e3", timers=(timer(minutes=5),))
    assert store.due(at(4)) == ()
    assert store.due(at(5)) == (timer(minutes=5),)


def test_timer_is_cleared(store: Store) -> None:
    """A cleared timer never comes; clearing one that is not there is no fault."""
    put(store, "e2", timers=(timer(), timer(of="other-0")))
    put(store, "e3", cleared=(timer(), timer(of="nobody")))
    assert store.due(at(1)) == (timer(of="other-0"),)


def test_timer_that_was_moved_is_not_cleared(store: Store) -> None:
    """Clearing means the timer that came due, not the one that has taken its place."""
    put(store, "e2", timers=(timer(minutes=1),))
    put(store, "e3", timers=(timer(minutes=5),))
    put(store, "e4", cleared=(timer(minutes=1),))
    assert store.due(at(5)) == (timer(minutes=5),)


def test_timer_cleared_and_set_at_once_is_set(store: Store) -> None:
    """A handler clears the timer that came due and sets it anew in one commit."""
    put(store, "e2", timers=(timer(),))
    put(store, "e3", cleared=(timer(),), timers=(timer(minutes=2),))
    assert store.due(at(9)) == (timer(minutes=2),)


def test_instruction_is_stored_once(store: Store) -> None:
    """A replayed request is recognised, and the first one stays."""
    assert store.instruction("f00d") is None
    assert store.add_instruction(INSTRUCTION) is True
    assert store.add_instruction(replace(INSTRUCTION, person="U2")) is False
    assert store.instruction("f00d") == INSTRUCTION
