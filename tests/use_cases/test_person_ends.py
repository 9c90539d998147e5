"""A person ends an incident whose sender is gone for good."""

from __future__ import annotations

from datetime import timedelta

from shared.domain.alert import AlertStatus
from shared.domain.decision import Reason
from shared.domain.event import MOST_ENDED
from shared.domain.incident_state import State
from shared.domain.paging import Choice
from shared.domain.rollback import Verdict
from tests.builders import ANA, BEN, MINUTE, NOON, SECOND
from tests.use_cases.senders import Sender, heard, pages, pass_time
from tests.use_cases.world import World


def still_fires(world: World) -> Sender:
    """An acknowledged incident whose sender will never be heard of again."""
    sender = Sender(world)
    heard(world, sender.fires())
    world.presses(BEN, Choice.ACKNOWLEDGE)
    pass_time(world, 60 * MINUTE, 10 * MINUTE)
    return sender


def says_it_is_over(world: World, who: str = BEN, after: timedelta = MINUTE) -> str:
    """A person presses "It is over"; what they were told, if anything."""
    world.clock.advance(after)
    before = len(world.chat.told())
    world.presses(who, Choice.RESOLVE)
    world.deliver()
    return "".join(told.text for told in world.chat.told()[before:])


def test_a_person_who_says_it_twice_ends_what_fires(world: World) -> None:
    """The first time they are told what fires; the second time it counts as ended."""
    sender = still_fires(world)
    assert Choice.RESOLVE in world.chat.posted()[-1].card.choices
    assert "1 of its alerts still fire (ErrorsHigh)" in says_it_is_over(world)
    assert world.store.firing(world.incident.id) == 1
    assert says_it_is_over(world) == ""
    pass_time(world, MINUTE)
    assert world.incident.state is State.RESOLVED
    (row,) = world.store.series(sender.fires().series)
    assert (row.status, row.reason) == (AlertStatus.RESOLVED, "ended by Ben")
    assert "ending: Ben ended what still fired: ErrorsHigh (1)" in world.timeline()


def test_what_a_person_ended_and_is_reported_later_is_paged(world: World) -> None:
    """The sender was not gone after all: the incident opens again, and somebody is woken."""
    sender = still_fires(world)
    older = sender.fires()
    says_it_is_over(world)
    says_it_is_over(world)
    pass_time(world, 15 * MINUTE)
    before = pages(world)
    assert heard(world, older) == [Reason.ENDED_ALREADY]
    assert heard(world, sender.fires()) == [Reason.REOPENED]
    assert (world.incident.state, pages(world)) == (State.OPEN, before + 1)


def test_nobody_ends_what_fires_without_having_been_told(world: World) -> None:
    """A second person, and one who comes back after ten minutes, are told first as well."""
    still_fires(world)
    assert "still fire" in says_it_is_over(world, BEN)
    assert "still fire" in says_it_is_over(world, ANA)
    assert "still fire" in says_it_is_over(world, ANA, after=11 * MINUTE)
    assert "still fire" in says_it_is_over(world, BEN)
    assert world.incident.state is State.ACKNOWLEDGED
    assert world.store.firing(world.incident.id) == 1


def test_each_press_ends_four_hundred_alerts_and_the_last_one_the_incident(world: World) -> None:
    """One commit holds no more: the person is told how many are left, and says it again."""
    still_fires(world)
    many = 2 * MOST_ENDED
    heard(world, *(Sender(world, f"Errors{number}").fires() for number in range(many)))
    assert f"{many + 1} of its alerts still fire" in says_it_is_over(world)
    for left in (MOST_ENDED + 1, 1):
        assert f"{MOST_ENDED} of its alerts count as ended now, and {left} still" in (
            says_it_is_over(world)
        )
        assert world.store.firing(world.incident.id) == left
        assert world.incident.state is State.ACKNOWLEDGED
    assert says_it_is_over(world) == ""
    pass_time(world, MINUTE)
    assert world.incident.state is State.RESOLVED


def test_a_double_click_does_not_count_as_saying_it_again(world: World) -> None:
    """Whoever presses twice at once has not read what still fires."""
    still_fires(world)
    for _ in range(2):
        assert "still fire" in says_it_is_over(world, after=timedelta())
    assert world.store.firing(world.incident.id) == 1


def test_what_was_said_before_an_incident_ended_does_not_count_after_it(world: World) -> None:
    """It fires again within ten minutes: its next end by a person needs two presses again."""
    sender = still_fires(world)
    says_it_is_over(world)
    says_it_is_over(world)
    world.clock.advance(MINUTE)
    heard(world, sender.fires())
    assert "still fire" in says_it_is_over(world)
    assert world.store.firing(world.incident.id) == 1


def test_a_person_who_ends_the_trigger_leaves_the_verdict_unknown(proposed: World) -> None:
    """Traffic and health are well, and nobody knows whether the alert would have ended."""
    proposed.presses(BEN, Choice.APPROVE)
    proposed.deliver()
    says_it_is_over(proposed)
    says_it_is_over(proposed)
    pass_time(proposed, MINUTE)
    assert proposed.incident.state is State.RESOLVED
    assert proposed.incident.rollback is not None
    assert proposed.incident.rollback.verdict is Verdict.UNKNOWN


def test_one_end_ends_more_than_a_commit_can(world: World) -> None:
    """A series that began anew again and again without an end ends whole, with one message."""
    sender = Sender(world)
    starts = [NOON - number * SECOND for number in range(MOST_ENDED + 50)]
    world.reports(*(sender.fires(start) for start in starts))
    world.clock.advance(MINUTE)
    heard(world, sender.ends())
    assert world.store.firing(world.incident.id) == 0
