"""A person ends an incident whose sender is gone for good."""

from __future__ import annotations

from datetime import timedelta

from shared.domain.alert import AlertStatus
from shared.domain.decision import Reason
from shared.domain.event import MOST_ENDED
from shared.domain.incident_state import State
from shared.domain.paging import Choice
from shared.domain.rollback import Verdict
from tests.builders import ANA, BEN, MINUTE
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


def test_a_press_ends_at_most_four_hundred_alerts(world: World) -> None:
    """One commit holds no more: the person is told how many there are and what to do."""
    still_fires(world)
    heard(world, *(Sender(world, f"Errors{number}").fires() for number in range(MOST_ENDED)))
    for _ in range(2):
        assert f"{MOST_ENDED + 1} of its alerts still fire, and a person can end at most" in (
            says_it_is_over(world)
        )
    assert world.store.firing(world.incident.id) == MOST_ENDED + 1
    heard(world, Sender(world, "Errors0").ends())
    says_it_is_over(world)
    assert says_it_is_over(world) == ""
    assert world.store.firing(world.incident.id) == 0


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
