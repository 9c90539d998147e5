"""A rollback from the approval to its end: what Cloud Run is asked, and what people are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.app.act import LEASE, Act
from shared.app.change import ChangeTraffic
from shared.domain.action import ActionKind, Topic
from shared.domain.alert import AlertStatus
from shared.domain.errors import Transient
from shared.domain.incident_state import State
from shared.domain.paging import Choice, PageStep
from shared.domain.rollback import ServiceState, Split, TrafficTarget, Verdict
from shared.domain.rollback_phase import Phase
from shared.ports import Lease, NotClaimed
from tests.builders import BACKEND, BEN, FRONTEND, LATEST, MINUTE, SECOND, alert, all_to, resource
from tests.fakes.traffic import FakeTraffic, TrafficFault
from tests.use_cases.world import World

BOTH = (BACKEND, FRONTEND)


def approve(world: World) -> None:
    """Ben approves what is proposed, and everything that follows is done."""
    world.presses(BEN, Choice.APPROVE)
    world.deliver()


def split(world: World, service: str) -> Split:
    """What the service serves now."""
    return world.traffic.look(resource(service)).serving


def theirs(service: str) -> Split:
    """What somebody else made of the service's traffic."""
    return (TrafficTarget(percent=50), TrafficTarget(percent=50, revision=f"{service}-good"))


def sent_to(world: World, service: str) -> int:
    """How many requests to change the service's traffic were sent."""
    return sum(mutation.resource == resource(service) for mutation in world.sent())


def ended(world: World) -> tuple[Phase, Verdict | None]:
    """How the rollback stands."""
    rollback = world.incident.rollback
    assert rollback is not None
    return rollback.phase, rollback.verdict


def newest_page(world: World) -> str:
    """Everything the newest page says."""
    card = world.chat.posted()[-1].card
    return "\n".join((card.headline, *card.paragraphs, card.status))


def test_both_services_move_and_health_is_proved(proposed: World) -> None:
    """All moved and healthy: mitigated, with one request for each service and one page in all."""
    approve(proposed)
    assert [split(proposed, service) for service in BOTH] == [
        all_to(f"{service}-good") for service in BOTH
    ]
    assert [sent_to(proposed, service) for service in BOTH] == [1, 1]
    assert proposed.incident.state is State.MITIGATED
    assert ended(proposed) == (Phase.APPLIED, None)
    assert len(proposed.chat.posted()) == 1


def test_it_is_recovered_when_the_alert_ends(proposed: World) -> None:
    """The whole job: the alert's end makes the verdict; the page shows it, and one button."""
    approve(proposed)
    proposed.reports(alert(status=AlertStatus.RESOLVED))
    proposed.deliver()
    assert ended(proposed) == (Phase.APPLIED, Verdict.RECOVERED)
    assert "Verdict: recovered" in newest_page(proposed)
    assert proposed.chat.posted()[-1].card.choices == (Choice.RESOLVE,)


def test_the_rto_runs_from_the_first_request_until_health(proposed: World) -> None:
    """Slow traffic and slow health count; the time until somebody approved does not."""
    proposed.clock.advance(10 * MINUTE)
    proposed.traffic.order(resource(BACKEND), TrafficFault.SLOW_OPERATION, 4 * SECOND)
    approve(proposed)
    rollback = proposed.incident.rollback
    assert rollback is not None
    assert rollback.rto_seconds == pytest.approx(4, abs=0.5)
    assert rollback.decided_to_recovered_seconds == pytest.approx(604, abs=0.5)


def test_traffic_does_not_move_without_an_approval(proposed: World) -> None:
    """A proposal only asks Cloud Run whether the change would be valid."""
    assert proposed.sent() == []
    assert [mutation.dry_run for mutation in proposed.traffic.mutations()] == [True, True]


@pytest.mark.parametrize(
    "found",
    [
        LATEST,
        (
            TrafficTarget(percent=90),
            TrafficTarget(percent=10, revision=f"{BACKEND}-good"),
            TrafficTarget(percent=0, revision=f"{BACKEND}-bad", tag="canary"),
        ),
    ],
    ids=["LATEST", "split and tag"],
)
def test_when_one_service_refuses_the_other_gets_back_exactly_what_it_had(
    world: World, found: Split
) -> None:
    """LATEST stays LATEST and tags stay where they were; a second page says so."""
    world.traffic.change_by_hand(resource(BACKEND), found)
    world.reports(alert())
    world.deliver()
    world.traffic.order(resource(FRONTEND), TrafficFault.REFUSE)
    approve(world)
    assert sorted(map(repr, split(world, BACKEND))) == sorted(map(repr, found))
    assert split(world, FRONTEND) == LATEST
    assert sent_to(world, BACKEND) == 2
    assert ended(world) == (Phase.UNDONE, Verdict.NOT_RECOVERED)
    assert [page.step for page in world.incident.pages] == [
        PageStep.OPENED,
        PageStep.ROLLBACK_UNDONE,
    ]
    page = newest_page(world)
    assert all(f"{service}: before" in page for service in BOTH)
    assert "Cloud Run refuses" in page


def test_a_service_that_never_serves_is_put_back_too(proposed: World) -> None:
    """Taken and not carried out: both services go back to what they had."""
    proposed.traffic.order(resource(FRONTEND), TrafficFault.OPERATION_ERROR)
    approve(proposed)
    assert [proposed.traffic.look(resource(service)).traffic for service in BOTH] == [
        LATEST,
        LATEST,
    ]
    assert ended(proposed) == (Phase.UNDONE, Verdict.NOT_RECOVERED)


def test_a_foreign_change_before_the_approval_is_not_overridden(proposed: World) -> None:
    """Somebody was there first: that service is not touched, and a page says who it was."""
    proposed.traffic.change_by_hand(resource(FRONTEND), theirs(FRONTEND), who="ana@shop")
    approve(proposed)
    assert (sent_to(proposed, FRONTEND), split(proposed, FRONTEND)) == (0, theirs(FRONTEND))
    assert ended(proposed) == (Phase.HELD, Verdict.UNKNOWN)
    assert proposed.incident.pages[-1].step is PageStep.ROLLBACK_HELD
    assert "ana@shop" in newest_page(proposed)


def test_a_foreign_change_of_one_service_moves_nothing(proposed: World) -> None:
    """A stack is rolled back together: with one service out of reach the other stays."""
    proposed.traffic.change_by_hand(resource(FRONTEND), theirs(FRONTEND))
    approve(proposed)
    assert proposed.sent() == []


@pytest.mark.parametrize("fault", [TrafficFault.TIMEOUT_AFTER_SUCCESS, TrafficFault.LATE_LANDING])
def test_a_lost_answer_of_a_change_that_happened_is_looked_up(
    proposed: World, fault: TrafficFault
) -> None:
    """The change shows, at once or later: it counts as moved and was sent once."""
    proposed.traffic.order(resource(BACKEND), fault, 20 * SECOND)
    approve(proposed)
    assert sent_to(proposed, BACKEND) == 1
    assert split(proposed, BACKEND) == all_to(f"{BACKEND}-good")
    assert proposed.incident.state is State.MITIGATED


def test_a_lost_answer_of_a_change_that_never_shows_is_not_sent_again(proposed: World) -> None:
    """In doubt traffic does not move: unknown, hands off, and a page."""
    proposed.traffic.order(resource(BACKEND), TrafficFault.TIMEOUT)
    approve(proposed)
    assert sent_to(proposed, BACKEND) == 1
    assert ended(proposed) == (Phase.HELD, Verdict.UNKNOWN)
    assert "the answer was lost" in newest_page(proposed)


@pytest.mark.parametrize("fault", [TrafficFault.AWAY, TrafficFault.CONFLICT])
def test_what_was_surely_not_done_is_sent_again(proposed: World, fault: TrafficFault) -> None:
    """An etag that raced, or a connection never made, is no reason to give up."""
    proposed.traffic.order(resource(BACKEND), fault)
    approve(proposed)
    assert proposed.incident.state is State.MITIGATED


def test_after_the_approval_ran_out_nothing_is_sent(proposed: World) -> None:
    """A change that was held up past its end is not started."""
    proposed.presses(BEN, Choice.APPROVE)
    proposed.clock.advance(31 * MINUTE)
    proposed.deliver()
    assert proposed.sent() == []
    assert ended(proposed) == (Phase.UNDONE, Verdict.NOT_RECOVERED)
    assert "the approval ran out" in newest_page(proposed)


@pytest.mark.parametrize("late", [timedelta(), 31 * MINUTE], ids=["in time", "too late to go on"])
def test_after_a_death_between_the_services_no_request_is_repeated(
    proposed: World, late: timedelta
) -> None:
    """Whoever takes the action over rolls forward, or back once the approval is over."""
    proposed.presses(BEN, Choice.APPROVE)
    action = proposed.next_on(Topic.CHANGES)
    with pytest.raises(SystemExit):
        dying(proposed)(action)
    assert len(proposed.sent()) == 1
    proposed.clock.advance(MINUTE + late)
    proposed.act(action)
    proposed.deliver()
    assert [sent_to(proposed, service) for service in BOTH] == ([1, 1] if not late else [2, 0])
    assert proposed.incident.state is (State.MITIGATED if not late else State.OPEN)
    assert proposed.act(action) is NotClaimed.SETTLED


def test_a_worker_that_died_holds_the_action_until_its_lease_ends(proposed: World) -> None:
    """Nobody takes over early, because the worker might only be slow."""
    proposed.presses(BEN, Choice.APPROVE)
    action = proposed.next_on(Topic.CHANGES)
    with pytest.raises(SystemExit):
        dying(proposed)(action)
    with pytest.raises(Transient, match="held by another worker"):
        proposed.act(action)


def test_a_change_by_hand_after_a_death_stops_everything(proposed: World) -> None:
    """One service is done and the other is foreign: touch nothing more, page with both states."""
    proposed.presses(BEN, Choice.APPROVE)
    action = proposed.next_on(Topic.CHANGES)
    with pytest.raises(SystemExit):
        dying(proposed)(action)
    proposed.clock.advance(MINUTE)
    proposed.traffic.change_by_hand(resource(FRONTEND), theirs(FRONTEND))
    proposed.act(action)
    proposed.deliver()
    assert len(proposed.sent()) == 1
    assert ended(proposed) == (Phase.HELD, Verdict.UNKNOWN)
    assert all(f"{service}: before" in newest_page(proposed) for service in BOTH)
    assert "not seen" not in newest_page(proposed)


def test_health_that_never_comes_back_is_paged(proposed: World) -> None:
    """The window for health ends, and people hear of it; traffic stays where it was moved to."""
    proposed.healthy = lambda _: False
    approve(proposed)
    assert ended(proposed) == (Phase.APPLIED, Verdict.NOT_RECOVERED)
    assert proposed.incident.pages[-1].step is PageStep.NOT_RECOVERED
    assert "/version answered 500" in newest_page(proposed)
    assert split(proposed, BACKEND) == all_to(f"{BACKEND}-good")


def test_health_must_hold(proposed: World) -> None:
    """A service that answers well only now and then is not healthy."""
    flapping = alternating()
    proposed.healthy = lambda _: flapping()
    approve(proposed)
    assert ended(proposed) == (Phase.APPLIED, Verdict.NOT_RECOVERED)


def test_a_restore_never_overrides_a_foreign_change(proposed: World) -> None:
    """Between the refusal and the restore somebody else acted: theirs stays, and a page says so."""
    proposed.traffic.order(resource(FRONTEND), TrafficFault.REFUSE)
    proposed.presses(BEN, Choice.APPROVE)
    proposed.act(proposed.next_on(Topic.CHANGES))
    proposed.traffic.change_by_hand(resource(BACKEND), theirs(BACKEND), who="ana@shop")
    proposed.clock.advance(40 * MINUTE)
    proposed.deliver()
    assert split(proposed, BACKEND) == theirs(BACKEND)
    assert ended(proposed) == (Phase.HELD, Verdict.UNKNOWN)
    assert "ana@shop" in newest_page(proposed)


def test_a_restore_is_allowed_however_late(proposed: World) -> None:
    """Only a start has an end of its approval; putting back what was found has none."""
    proposed.traffic.order(resource(FRONTEND), TrafficFault.REFUSE)
    proposed.presses(BEN, Choice.APPROVE)
    proposed.act(proposed.next_on(Topic.CHANGES))
    proposed.clock.advance(5 * 60 * MINUTE)
    proposed.deliver()
    assert split(proposed, BACKEND) == LATEST


def test_a_restore_that_died_is_finished_by_the_next_worker(proposed: World) -> None:
    """Put back once: the one who takes over sees that it is done."""
    proposed.traffic.order(resource(FRONTEND), TrafficFault.REFUSE)
    proposed.presses(BEN, Choice.APPROVE)
    proposed.act(proposed.next_on(Topic.CHANGES))
    restore = proposed.next_on(Topic.CHANGES)
    with pytest.raises(SystemExit):
        dying(proposed)(restore)
    proposed.clock.advance(MINUTE)
    proposed.act(restore)
    proposed.deliver()
    assert sent_to(proposed, BACKEND) == 2
    assert ended(proposed) == (Phase.UNDONE, Verdict.NOT_RECOVERED)


def test_whoever_slept_past_the_lease_sends_nothing(proposed: World) -> None:
    """Another may hold the action by now; when the sleeper wakes, it leaves traffic alone."""
    proposed.presses(BEN, Choice.APPROVE)
    change = proposed.next_on(Topic.CHANGES)
    with pytest.raises(Transient, match="lease"):
        proposed.acting(FallsAsleep(proposed), proposed.chat)(change)
    assert proposed.sent() == []
    proposed.act(change)
    assert [sent_to(proposed, service) for service in BOTH] == [1, 1]


def test_an_approval_that_runs_out_while_the_store_answers_moves_nothing(proposed: World) -> None:
    """Its end is asked for last, right before the change would be sent."""
    proposed.presses(BEN, Choice.APPROVE)
    act = proposed.acting(proposed.traffic, proposed.chat)
    change = act.performers[ActionKind.APPLY]
    assert isinstance(change, ChangeTraffic)
    slow = replace(change, outbox=SlowToSayWhatIsLeft(proposed))
    proposed.act = replace(act, performers={**act.performers, ActionKind.APPLY: slow})
    proposed.deliver()
    assert proposed.sent() == []
    assert "the approval ran out" in newest_page(proposed)


def test_a_clock_that_was_set_back_makes_no_approval_valid_again(proposed: World) -> None:
    """It had run out; nobody can tell how long it is valid any more, so nothing moves."""
    proposed.presses(BEN, Choice.APPROVE)
    proposed.clock.advance(40 * MINUTE)
    proposed.clock.advance(-60 * MINUTE)
    proposed.deliver()
    assert proposed.sent() == []
    assert ended(proposed) == (Phase.UNDONE, Verdict.NOT_RECOVERED)


def test_what_nobody_foresaw_does_not_hide_a_lost_answer(proposed: World) -> None:
    """One answer was lost and the other service raised something odd: unknown, and a page."""
    proposed.traffic.order(resource(BACKEND), TrafficFault.TIMEOUT)
    proposed.presses(BEN, Choice.APPROVE)
    odd = LosesSight(proposed, FRONTEND, KeyError("a secret"))
    proposed.acting(odd, proposed.chat)(proposed.next_on(Topic.CHANGES))
    proposed.deliver()
    assert sent_to(proposed, BACKEND) == 1
    assert ended(proposed) == (Phase.HELD, Verdict.UNKNOWN)
    assert "unforeseen KeyError" in newest_page(proposed)
    assert "a secret" not in newest_page(proposed)


def test_a_service_nobody_could_see_does_not_have_the_other_sent_again(proposed: World) -> None:
    """One answer was lost and the other service cannot be seen: unknown, hands off, and a page."""
    proposed.traffic.order(resource(BACKEND), TrafficFault.TIMEOUT)
    proposed.presses(BEN, Choice.APPROVE)
    proposed.acting(LosesSight(proposed, FRONTEND), proposed.chat)(proposed.next_on(Topic.CHANGES))
    proposed.deliver()
    assert sent_to(proposed, BACKEND) == 1
    assert ended(proposed) == (Phase.HELD, Verdict.UNKNOWN)


def alternating() -> Callable[[], bool]:
    """True twice, then false, over and over."""
    asked = iter(range(10**9))
    return lambda: next(asked) % 3 != 0


class DiesAfterSending(FakeTraffic):
    """Cloud Run as a worker sees it that dies when its change of the backend was just taken.

    What the worker has yet to send to the frontend is never sent.
    """

    def __init__(self, world: World) -> None:
        self._real = world.traffic

    def look(self, resource: str) -> ServiceState:
        return self._real.look(resource)

    def send(self, resource: str, traffic: Split, etag: str, *, dry_run: bool = False) -> None:
        if resource.endswith(BACKEND):
            self._real.send(resource, traffic, etag, dry_run=dry_run)
        raise SystemExit("killed")


def dying(world: World) -> Act:
    """A worker that is killed between the two services."""
    return world.acting(DiesAfterSending(world), world.chat)


class FallsAsleep(FakeTraffic):
    """Cloud Run as a worker sees it whose process stands still after its first looks."""

    def __init__(self, world: World) -> None:
        self._real, self._sleep = world.traffic, world.clock.advance

    def look(self, resource: str) -> ServiceState:
        state = self._real.look(resource)
        self._sleep(LEASE)
        return state

    def send(self, resource: str, traffic: Split, etag: str, *, dry_run: bool = False) -> None:
        self._real.send(resource, traffic, etag, dry_run=dry_run)


class LosesSight(FakeTraffic):
    """Cloud Run that shows a service once and never again."""

    def __init__(self, world: World, service: str, error: Exception | None = None) -> None:
        self._real, self._hidden, self._looks = world.traffic, resource(service), 0
        self._error = error or Transient("Cloud Run is away")

    def look(self, resource: str) -> ServiceState:
        if resource == self._hidden:
            self._looks += 1
            if self._looks > 1:
                raise self._error
        return self._real.look(resource)

    def send(self, resource: str, traffic: Split, etag: str, *, dry_run: bool = False) -> None:
        self._real.send(resource, traffic, etag, dry_run=dry_run)


class SlowToSayWhatIsLeft:
    """A store that takes longer to answer than an approval is valid, and never ends a lease."""

    def __init__(self, world: World) -> None:
        self._store, self._advance = world.store, world.clock.advance

    def left(self, held: Lease) -> timedelta:
        self._advance(31 * MINUTE)
        return 2 * 31 * MINUTE

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)
