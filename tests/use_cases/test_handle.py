"""`handle(event)`: an event takes effect once, however often and from wherever it comes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from shared.app.handle import Handle
from shared.domain.action import Action, ActionKind, Topic
from shared.domain.alert import Alert, AlertRow, AlertStatus
from shared.domain.decision import Reason
from shared.domain.errors import Conflict, Transient
from shared.domain.severity import Severity
from shared.domain.stack import Stack
from shared.ports import Commit, Committed, Heads, Recalled, Token
from tests.builders import alert
from tests.use_cases.world import World, at_once

FIFTY = 50


class Meddled(Heads):
    """The store, where something happens between the load and the commit of one decision."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._meddling: list[Alert] = []
        self.commits = 0
        self.lost_answer = False

    def meddle(self, *alerts: Alert) -> None:
        """Let these alerts take effect just before the next commits, one each."""
        self._meddling += alerts

    def commit(self, commit: Commit, token: Token) -> Committed:
        self.commits += 1
        if self._meddling:
            self._world.reports(self._meddling.pop(0))
        done = self._world.store.commit(commit, token)
        if self.lost_answer:
            self.lost_answer = False
            raise Transient("the answer was lost")
        return done

    def load(self, stack_id: str) -> tuple[Stack, Token]:
        return self._world.store.load(stack_id)

    def seen(self, event_id: str) -> tuple[Action, ...] | None:
        return self._world.store.seen(event_id)

    def alert(self, row_id: str) -> AlertRow | None:
        return self._world.store.alert(row_id)

    def recall(self, event_id: str, row_id: str, series: str, limit: int) -> Recalled:
        return self._world.store.recall(event_id, row_id, series, limit)

    def series(self, series: str, limit: int = 20) -> tuple[AlertRow, ...]:
        return self._world.store.series(series, limit)

    def firing(self, incident_id: str) -> int:
        return self._world.store.firing(incident_id)

    def alerts(self, incident_id: str) -> int:
        return self._world.store.alerts(incident_id)

    def firing_rows(self, incident_id: str, limit: int) -> tuple[AlertRow, ...]:
        return self._world.store.firing_rows(incident_id, limit)


class AlwaysConflict(Meddled):
    """A store on which somebody else always writes first."""

    def commit(self, commit: Commit, token: Token) -> Committed:
        raise Conflict("somebody wrote first")


def meddling(world: World) -> tuple[Meddled, Handle]:
    """A `Handle` whose store is meddled with."""
    meddled = Meddled(world)
    return meddled, replace(world.handle, heads=meddled, retrying=at_once)


def test_the_same_alert_fifty_times_at_once_is_one_incident_and_one_page(world: World) -> None:
    """Of fifty deliveries one takes effect; the others find it done."""
    together = Barrier(FIFTY, timeout=30)

    def deliver(_: int) -> Reason | None:
        together.wait()
        return world.reports(alert())[0].reason

    with ThreadPoolExecutor(FIFTY) as pool:
        reasons = list(pool.map(deliver, range(FIFTY)))
    assert sorted(reasons, key=str) == sorted([None] * (FIFTY - 1) + [Reason.OPENED], key=str)
    world.deliver()
    assert len(world.chat.posted()) == 1
    assert len(world.incident.pages) == 1
    view = world.store.incident(world.incident.id)
    assert view is not None
    assert view.alerts == 1


def test_fifty_different_alerts_at_once_are_one_incident_and_one_page(world: World) -> None:
    """Whichever comes first opens; the storm behind it joins without touching the head."""
    together = Barrier(FIFTY, timeout=30)

    def deliver(number: int) -> Reason | None:
        together.wait()
        return world.reports(alert(f"Errors{number}"))[0].reason

    with ThreadPoolExecutor(FIFTY) as pool:
        reasons = list(pool.map(deliver, range(FIFTY)))
    assert reasons.count(Reason.OPENED) == 1
    assert reasons.count(Reason.JOINED) == FIFTY - 1
    world.deliver()
    assert len(world.chat.posted()) == 1
    assert world.store.firing(world.incident.id) == FIFTY


def test_what_raced_is_decided_again_on_fresh_state(world: World) -> None:
    """Two alerts open the same lane at once: the second decision joins the first's incident."""
    meddled, handle = meddling(world)
    meddled.meddle(alert("First"))
    handled = handle(alert("Second"))
    assert meddled.commits == 2
    assert handled.reason is Reason.JOINED
    assert len(world.store.load("shop")[0].incidents) == 1


def test_a_commit_that_always_loses_is_left_for_another_delivery(world: World) -> None:
    """A conflict that does not end is an error that comes again, not a lost event."""
    _, handle = meddling(world)
    hopeless = replace(handle, retrying=lambda call: call(), heads=AlwaysConflict(world))
    with pytest.raises(Transient):
        hopeless(alert())
    assert world.reports(alert())[0].reason is Reason.OPENED


def test_a_commit_whose_answer_was_lost_is_recognised(world: World) -> None:
    """The event comes again, finds itself done, and has its actions published."""
    meddled, handle = meddling(world)
    meddled.lost_answer = True
    with pytest.raises(Transient):
        handle(alert())
    assert world.topics.ids() == []
    assert handle(alert()).reason is None
    assert len(world.topics.ids()) == 2
    assert len(world.incident.pages) == 1


def test_actions_are_published_by_their_topic(world: World) -> None:
    """A page never waits behind a rollback."""
    world.reports(alert())
    event = alert().event_id
    assert world.topics.ids(Topic.CHANGES) == [f"{event}-1"]
    assert world.topics.ids(Topic.PAGES) == [f"{event}-2"]


def test_a_redelivered_event_publishes_what_is_not_done_yet(world: World) -> None:
    """Death between the commit and the publishing loses nothing."""
    world.topics.away = True
    with pytest.raises(Transient):
        world.reports(alert())
    world.topics.away = False
    assert world.reports(alert())[0].reason is None
    assert len(world.topics.ids()) == 2


def test_a_redelivered_event_publishes_nothing_that_is_done(world: World) -> None:
    """Settled actions stay settled."""
    world.reports(alert())
    world.deliver()
    world.reports(alert())
    assert world.topics.ids() == []


def test_in_a_storm_the_head_is_not_written(world: World) -> None:
    """An alert that joins leaves the head's token as it was, and is counted all the same."""
    world.reports(alert())
    before = world.store.load("shop")
    world.reports(*[alert(f"Errors{number}") for number in range(10)])
    assert world.store.load("shop") == before
    assert world.store.firing(world.incident.id) == 11


def test_an_end_that_overtakes_its_beginning_wakes_nobody(world: World) -> None:
    """Resolved comes first and firing after it: recorded, with no incident and no page."""
    ended, fired = world.reports(alert(status=AlertStatus.RESOLVED), alert())
    assert (ended.reason, fired.reason) == (Reason.ENDED_UNSEEN, Reason.ENDED_ALREADY)
    assert world.store.load("shop")[0].incidents == ()
    assert world.topics.ids() == []
    row = world.store.alert(alert().row_id)
    assert isinstance(row, AlertRow)
    assert row.reason == Reason.ENDED_UNSEEN.value


def test_the_same_alert_at_another_severity_is_a_repeat(world: World) -> None:
    """Source, fingerprint and start make an alert; what else it says is not news."""
    world.reports(alert())
    assert world.reports(alert(severity=Severity.SEV1))[0].reason is None
    assert world.incident.severity is Severity.SEV2


def test_stacks_do_not_touch_each_other(world: World) -> None:
    """An alert of no known stack has a head of its own."""
    lost = replace(alert("Lost", lane="nobody"), labels={})
    (handled,) = world.reports(lost)
    assert handled.stack == "unassigned"
    assert world.store.load("shop") == (Stack(id="shop"), "")


def test_an_event_says_what_it_led_to(world: World) -> None:
    """Who handed the event over learns its id, its stack and the named reason."""
    (handled,) = world.reports(alert())
    assert (handled.event, handled.stack) == (alert().event_id, "shop")
    assert handled.reason is Reason.OPENED


def test_the_kinds_of_an_opened_incident_are_stored_with_it(world: World) -> None:
    """Both actions of an opening are in the outbox from the same commit on."""
    world.reports(alert())
    stored = world.store.seen(alert().event_id)
    assert stored is not None
    assert [action.kind for action in stored] == [ActionKind.PLAN, ActionKind.PAGE]
