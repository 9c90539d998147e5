"""Order does not matter: what follows when messages come late, twice, early or out of order.

The rule above all others: never stay silent about a real incident. Each test states the defined
answer of one case; docs/when-switchman-fails.md has them in a table.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from threading import Barrier

import pytest

from shared.domain.alert import Alert, AlertRow, AlertStatus
from shared.domain.decision import Reason
from shared.domain.errors import Transient
from shared.domain.incident_state import State
from shared.domain.paging import Choice
from shared.ports import Commit
from tests.builders import BEN, MINUTE, NOON, SECOND, alert
from tests.use_cases.senders import Sender, firing, heard, pages, pass_time
from tests.use_cases.world import World

HOUR = 60 * MINUTE
DAY = 24 * HOUR
ROUNDS = 20
"""How often two deliveries race in the tests with threads."""


@pytest.fixture
def sender(world: World) -> Sender:
    """The sender of the alert `ErrorsHigh`."""
    return Sender(world)


# resolve before fire


def test_resolve_before_fire_wakes_nobody(world: World, sender: Sender) -> None:
    """The end is written down, and the "firing" it overtook, however late, changes nothing."""
    fired = sender.fires()
    world.clock.advance(MINUTE)
    assert heard(world, sender.ends()) == [Reason.ENDED_UNSEEN]
    pass_time(world, 2 * HOUR)
    assert heard(world, fired) == [Reason.ENDED_ALREADY]
    assert (pages(world), world.stack.incidents) == (0, ())


def test_what_fires_after_an_unseen_end_opens_an_incident(world: World, sender: Sender) -> None:
    """A "firing" published after the end, with the same start, is a new time: somebody is paged."""
    world.clock.advance(MINUTE)
    heard(world, sender.ends())
    world.clock.advance(SECOND)
    assert heard(world, sender.fires()) == [Reason.OPENED]
    assert pages(world) == 1


# duplicates days apart


@pytest.mark.parametrize("later", [8 * DAY, 31 * DAY], ids=["8 days", "31 days"])
def test_a_duplicate_days_later_of_what_still_fires_changes_nothing(
    world: World, sender: Sender, later: timedelta
) -> None:
    """A row that fires is never forgotten, so the repeat finds it, and nobody is woken anew."""
    first = sender.fires()
    heard(world, first)
    world.presses(BEN, Choice.ACKNOWLEDGE)
    _days_pass(world, later)
    before = pages(world)
    assert heard(world, first, sender.fires()) == [Reason.REPEATED, Reason.REPEATED]
    assert pages(world) == before
    assert firing(world, first.series) == [NOON]


def test_a_duplicate_eight_days_later_of_what_has_ended_changes_nothing(
    world: World, sender: Sender
) -> None:
    """The event is forgotten after a week, and the alert's row still tells that it is over."""
    fired, ended = _over_and_closed(world, sender)
    _days_pass(world, 8 * DAY)
    before = pages(world)
    assert heard(world, fired, ended) == [Reason.ENDED_ALREADY, Reason.ENDED_ALREADY]
    assert (pages(world), firing(world, fired.series)) == (before, [])


def test_a_duplicate_a_month_later_of_what_has_ended_pages_again(
    world: World, sender: Sender
) -> None:
    """Nothing is known of it any more, so in doubt somebody is woken; its end closes it again."""
    fired, ended = _over_and_closed(world, sender)
    _days_pass(world, 31 * DAY)
    before = pages(world)
    assert heard(world, fired) == [Reason.OPENED]
    assert pages(world) == before + 1
    assert heard(world, ended) == [Reason.ENDED]
    assert firing(world, fired.series) == []


def _over_and_closed(world: World, sender: Sender) -> tuple[Alert, Alert]:
    """The alert fired and ended, and its incident has left the head."""
    fired = sender.fires()
    heard(world, fired)
    world.clock.advance(MINUTE)
    ended = sender.ends()
    heard(world, ended)
    pass_time(world, 3 * HOUR)
    assert world.stack.incidents == ()
    return fired, ended


def _days_pass(world: World, duration: timedelta) -> None:
    """Days pass, with housekeeping and without the reminders of each quarter of an hour."""
    world.clock.advance(duration)
    for _ in range(10):
        world.store.prune(world.clock.now())
    world.tick()
    world.deliver()


# late acknowledgement


def test_a_late_acknowledgement_is_answered_and_changes_nothing(
    world: World, sender: Sender
) -> None:
    """Pressed after resolution: told that it is resolved, written down, no page, no new state."""
    heard(world, sender.fires())
    world.clock.advance(MINUTE)
    heard(world, sender.ends())
    pass_time(world, 30 * MINUTE)
    assert world.incident.state is State.RESOLVED
    before = world.incident
    world.presses(BEN, Choice.ACKNOWLEDGE)
    world.deliver()
    assert (world.incident, pages(world)) == (before, 1)
    assert "resolved" in world.chat.told()[-1].text
    assert world.timeline()[-1].startswith("refused: Ben wanted to acknowledge")


def test_an_acknowledgement_of_a_closed_incident_is_answered(world: World, sender: Sender) -> None:
    """Pressed once it has left the head: told that it is closed, and nothing else."""
    heard(world, sender.fires())
    opened = world.incident
    world.clock.advance(MINUTE)
    heard(world, sender.ends())
    pass_time(world, 3 * HOUR)
    before = world.store.timeline(opened.id)
    world.presses(BEN, Choice.ACKNOWLEDGE, of=opened)
    world.deliver()
    assert world.chat.told()[-1].text == "That incident is closed."
    assert (world.store.timeline(opened.id), pages(world)) == (before, 1)


# a clock that jumps back


def test_a_clock_that_jumps_back_loses_nothing_and_wakes_nobody_twice(
    world: World, sender: Sender
) -> None:
    """Our clock is set back an hour amid an incident: it ends as it would have, only later."""
    heard(world, sender.fires(said=NOON))
    world.clock.advance(5 * MINUTE)
    world.presses(BEN, Choice.ACKNOWLEDGE)
    world.deliver()
    world.clock.advance(-HOUR)
    repeat, end = sender.fires(said=NOON + 6 * MINUTE), sender.ends(said=NOON + 7 * MINUTE)
    assert heard(world, repeat, end, repeat, end) == [Reason.REPEATED, Reason.ENDED, None, None]
    assert pages(world) == 1
    pass_time(world, HOUR + 10 * MINUTE)
    assert (world.incident.state, pages(world)) == (State.RESOLVED, 1)


def test_what_fires_again_after_the_clock_jumped_back_is_paged(
    world: World, sender: Sender
) -> None:
    """Which of two messages was said last is told by the bus's clock, never by ours."""
    heard(world, sender.fires(said=NOON))
    world.clock.advance(MINUTE)
    heard(world, sender.ends(said=NOON + MINUTE))
    pass_time(world, 10 * MINUTE)
    assert world.incident.state is State.RESOLVED
    world.clock.advance(-HOUR)
    assert heard(world, sender.fires(said=NOON + 15 * MINUTE)) == [Reason.REOPENED]
    assert (world.incident.state, pages(world)) == (State.OPEN, 2)


def test_another_alert_after_the_clock_jumped_back_is_paged_at_once(world: World) -> None:
    """A new incident needs no timer."""
    heard(world, Sender(world).fires(said=NOON))
    world.clock.advance(-HOUR)
    other = replace(alert("TokensFail", lane="auth"), published_at=NOON + SECOND)
    assert heard(world, other) == [Reason.OPENED]
    assert pages(world) == 2


def test_a_page_that_was_not_sent_goes_out_after_the_clock_jumped_back(
    world: World, sender: Sender
) -> None:
    """An action that was decided "in the future" is published again by the next tick."""
    world.topics.away = True
    with pytest.raises(Transient):
        world.reports(sender.fires(said=NOON))
    world.topics.away = False
    world.clock.advance(-HOUR)
    world.tick()
    world.deliver()
    assert pages(world) == 1


def test_timers_are_late_by_at_most_the_jump(world: World, sender: Sender) -> None:
    """The reminder of 12:15 comes when the clock says 12:15 for the first time."""
    heard(world, sender.fires(said=NOON))
    world.clock.advance(14 * MINUTE)
    world.clock.advance(-HOUR)
    pass_time(world, HOUR)
    assert pages(world) == 1
    pass_time(world, MINUTE)
    assert pages(world) == 2


def test_a_timeline_never_goes_back(world: World, sender: Sender) -> None:
    """What happens after the jump is told after what happened before, at the last known time."""
    heard(world, sender.fires(said=NOON))
    world.clock.advance(5 * MINUTE)
    world.presses(BEN, Choice.ACKNOWLEDGE)
    world.clock.advance(-HOUR)
    heard(world, sender.ends(said=NOON + 6 * MINUTE))
    world.presses(BEN, Choice.RESOLVE)
    story = [row.text for row in world.store.timeline(world.incident.id)]
    acknowledged, over = "Ben acknowledged", "Ben says that it is over"
    assert story.index(acknowledged) < story.index(over)
    assert story[-1] == over


# flapping


@pytest.mark.parametrize("same_start", [True, False], ids=["same start", "new starts"])
def test_a_series_that_flaps_is_one_incident_and_one_page(
    world: World, sender: Sender, same_start: bool
) -> None:
    """Twenty times in ten minutes: one page, one reminder if nobody acknowledges; then it ends."""
    for _ in range(20):
        start = NOON if same_start else world.clock.now()
        assert heard(world, sender.fires(start))[0] is not None
        assert firing(world, sender.fires().series) != []
        pass_time(world, 15 * SECOND, 15 * SECOND)
        heard(world, sender.ends(start))
        assert firing(world, sender.fires().series) == []
        pass_time(world, 15 * SECOND, 15 * SECOND)
    assert (world.clock.now(), pages(world)) == (NOON + 10 * MINUTE, 1)
    pass_time(world, 10 * MINUTE)
    assert (world.incident.state, pages(world)) == (State.RESOLVED, 1)


def test_a_series_that_flaps_on_is_reminded_of(world: World, sender: Sender) -> None:
    """Flapping is never a way to fall silent: nobody acknowledges, so the reminders come."""
    for _ in range(60):
        heard(world, sender.fires(world.clock.now()))
        pass_time(world, 30 * SECOND, 30 * SECOND)
        heard(world, sender.ends(world.clock.now() - 30 * SECOND))
        pass_time(world, 30 * SECOND, 30 * SECOND)
    assert world.incident.state in (State.OPEN, State.RESOLVING)
    assert pages(world) == 3  # when it began, after 15 minutes, and after 30 more


# two senders for one alert


def test_an_alertmanager_pair_with_one_start_is_one_alert(world: World) -> None:
    """Both members tell the same under one source: one row, and the first end closes it."""
    one, other = Sender(world), Sender(world)
    heard(world, one.fires())
    world.clock.advance(SECOND)
    assert heard(world, other.fires()) == [Reason.REPEATED]
    world.clock.advance(MINUTE)
    assert heard(world, one.ends()) == [Reason.ENDED]
    world.clock.advance(SECOND)
    assert heard(world, other.ends()) == [Reason.ENDED_ALREADY]
    assert (pages(world), firing(world, one.fires().series)) == (1, [])


def test_an_alertmanager_pair_with_two_starts_ends_with_the_first_end(world: World) -> None:
    """Each member has a start of its own; an end closes every start up to it."""
    one, other = Sender(world), Sender(world)
    heard(world, one.fires(NOON))
    world.clock.advance(3 * SECOND)
    heard(world, other.fires(NOON + 2 * SECOND))
    assert len(firing(world, one.fires().series)) == 2
    world.clock.advance(MINUTE)
    assert heard(world, one.ends(NOON)) == [Reason.ENDED]
    assert firing(world, one.fires().series) == []
    world.clock.advance(SECOND)
    assert heard(world, other.ends(NOON + 2 * SECOND)) == [Reason.ENDED_ALREADY]
    pass_time(world, 10 * MINUTE)
    assert (world.incident.state, pages(world)) == (State.RESOLVED, 1)


def test_a_member_of_a_pair_that_still_sees_it_fire_is_believed(world: World) -> None:
    """One ends it, the other says afterwards that it fires: it fires, and the incident stays."""
    one, other = Sender(world), Sender(world)
    heard(world, one.fires())
    world.clock.advance(MINUTE)
    heard(world, one.ends())
    world.clock.advance(SECOND)
    assert heard(world, other.fires()) == [Reason.JOINED]
    pass_time(world, 10 * MINUTE)
    assert world.incident.state is State.OPEN
    heard(world, other.ends())
    assert firing(world, one.fires().series) == []


def test_the_same_alert_from_two_sources_ends_when_both_have_ended(world: World) -> None:
    """Two configured sources are two rows of one incident, and one page; both must end."""
    one, other = Sender(world, source="prometheus"), Sender(world, source="grafana")
    assert heard(world, one.fires(), other.fires()) == [Reason.OPENED, Reason.JOINED]
    world.clock.advance(MINUTE)
    heard(world, one.ends())
    pass_time(world, 10 * MINUTE)
    assert (world.incident.state, pages(world)) == (State.OPEN, 1)
    heard(world, other.ends())
    pass_time(world, 6 * MINUTE)
    assert world.incident.state is State.RESOLVED


# ends that never came, and times that begin with an old start


def test_an_end_ends_what_fired_before_it_under_another_start(world: World, sender: Sender) -> None:
    """The end of the first start was never said: the next end closes it, and the incident."""
    heard(world, sender.fires(NOON))
    world.clock.advance(5 * MINUTE)
    heard(world, sender.fires(NOON + 5 * MINUTE))
    world.clock.advance(5 * MINUTE)
    heard(world, sender.ends(NOON + 5 * MINUTE))
    assert firing(world, sender.fires().series) == []
    pass_time(world, 10 * MINUTE)
    assert world.incident.state is State.RESOLVED


def test_an_end_under_a_start_never_seen_ends_what_fires(world: World, sender: Sender) -> None:
    """A pair that merged its starts tells the end under the other one."""
    heard(world, sender.fires(NOON))
    world.clock.advance(5 * MINUTE)
    assert heard(world, sender.ends(NOON + 3 * MINUTE)) == [Reason.ENDED]
    assert firing(world, sender.fires().series) == []


def test_an_old_end_does_not_end_what_started_after_it(world: World, sender: Sender) -> None:
    """A late end closes its own start only; what fires since goes on."""
    heard(world, sender.fires(NOON))
    world.clock.advance(5 * MINUTE)
    late = sender.ends(NOON)
    world.clock.advance(5 * MINUTE)
    heard(world, sender.fires(NOON + 9 * MINUTE))
    assert heard(world, late) == [Reason.ENDED]
    assert firing(world, late.series) == [NOON + 9 * MINUTE]


def test_what_fires_again_within_minutes_of_its_end_is_a_new_time(
    world: World, sender: Sender
) -> None:
    """Alertmanager lost sight of Prometheus for three minutes: the incident is open again."""
    heard(world, sender.fires())
    world.presses(BEN, Choice.ACKNOWLEDGE)
    world.deliver()
    world.clock.advance(MINUTE)
    heard(world, sender.ends())
    pass_time(world, 6 * MINUTE)
    assert world.incident.state is State.RESOLVED
    world.clock.advance(-3 * MINUTE)  # our clock says: three minutes after the end
    again = sender.fires(said=NOON + 8 * MINUTE)
    assert heard(world, again) == [Reason.REOPENED]
    assert firing(world, again.series) != []
    pass_time(world, 30 * MINUTE)
    assert pages(world) > 1


def test_a_late_end_does_not_end_what_was_confirmed_since(world: World, sender: Sender) -> None:
    """Fires, ends, fires again with the same start, and the end comes last: it fires."""
    fired = sender.fires()
    world.clock.advance(MINUTE)
    ended = sender.ends()
    world.clock.advance(MINUTE)
    again = sender.fires()
    reasons = heard(world, fired, again, ended)
    assert reasons == [Reason.OPENED, Reason.REPEATED, Reason.OVERTAKEN]
    assert firing(world, fired.series) == [NOON]


def test_in_every_order_the_last_word_counts(tmp_path: Path) -> None:
    """Fires, ends, fires again, with the same start: in each of the six orders it fires."""
    for number, order in enumerate(permutations(range(3))):
        world = World(tmp_path / f"{number}.db")
        with closing(world.store):
            sender = Sender(world)
            said = [sender.fires()]
            world.clock.advance(MINUTE)
            said.append(sender.ends())
            world.clock.advance(MINUTE)
            said.append(sender.fires())
            heard(world, *(said[index] for index in order))
            assert firing(world, said[0].series) != [], order
            assert pages(world) == 1, order


def test_a_row_of_an_older_program_is_found_by_its_id(world: World, sender: Sender) -> None:
    """It has no series: a repeat of its alert is no new alert, and the end closes it."""
    fired = sender.fires()
    heard(world, Sender(world, "Other").fires())
    row = AlertRow(
        id=fired.row_id,
        stack="shop",
        lane="infra",
        incident=world.incident.id,
        status=AlertStatus.FIRING,
        title=fired.title,
        starts_at=NOON,
        received_at=NOON,
    )
    _, token = world.store.load("shop")
    old = Commit(event="old", kind="alert", at=NOON, stack_id="shop", stack=None, rows=(row,))
    world.store.commit(old, token)
    world.clock.advance(MINUTE)
    repeated, ended = sender.fires(), sender.ends()
    assert heard(world, repeated, ended, ended) == [Reason.REPEATED, Reason.ENDED, None]
    assert world.store.firing(world.incident.id) == 1


# two deliveries at once


def at_once(world: World, *messages: Alert) -> None:
    """All messages are delivered at the same time, each by a worker of its own."""
    together = Barrier(len(messages), timeout=30)

    def deliver(message: Alert) -> None:
        together.wait()
        world.reports(message)

    with ThreadPoolExecutor(len(messages)) as workers:
        list(workers.map(deliver, messages))


def test_an_end_and_an_earlier_start_that_race_leave_nothing_firing(world: World) -> None:
    """Whichever is first: the end closes the late start, or the late start was overtaken."""
    for number in range(ROUNDS):
        sender = Sender(world, f"Errors{number}")
        late = sender.fires(NOON)
        world.clock.advance(SECOND)
        heard(world, sender.fires(NOON + SECOND))
        world.clock.advance(2 * SECOND)
        at_once(world, sender.ends(NOON + SECOND, ends_at=world.clock.now()), late)
        assert firing(world, late.series) == [], number
        world.clock.advance(-3 * SECOND)


def test_an_end_and_a_later_repeat_that_race_leave_it_firing(world: World) -> None:
    """Whichever is first, the sender's last word is that it fires."""
    for number in range(ROUNDS):
        sender = Sender(world, f"Errors{number}")
        heard(world, sender.fires())
        world.clock.advance(SECOND)
        ended = sender.ends()
        world.clock.advance(SECOND)
        at_once(world, ended, sender.fires())
        assert firing(world, ended.series) != [], number
        world.clock.advance(-2 * SECOND)


def test_a_whole_life_at_once_ends_with_its_last_word(world: World) -> None:
    """A backlog delivered by six workers at the same time."""
    for number in range(ROUNDS):
        sender = Sender(world, f"Errors{number}")
        messages = []
        for time in range(3):
            messages.append(sender.fires(NOON + time % 2 * SECOND))
            world.clock.advance(SECOND)
            messages.append(sender.ends(NOON + time % 2 * SECOND, ends_at=world.clock.now()))
            world.clock.advance(SECOND)
        at_once(world, *messages)
        assert firing(world, messages[0].series) == [], number
        world.clock.advance(-6 * SECOND)
