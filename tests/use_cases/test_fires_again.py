"""What fires again: after its end was told, after a rollback, after a person ended it."""

from __future__ import annotations

import pytest

from shared.domain.alert import AlertStatus
from shared.domain.decision import Reason
from shared.domain.incident import Rollback
from shared.domain.incident_state import State
from shared.domain.paging import Choice, PageStep
from shared.domain.rollback import Verdict
from shared.ports import Commit, Committed, Token
from tests.builders import BEN, EVE, MINUTE, NOON, SECOND, alert
from tests.use_cases.senders import Sender, firing, heard, pages, pass_time
from tests.use_cases.world import World

HOUR = 60 * MINUTE


@pytest.fixture
def sender(world: World) -> Sender:
    """Its alert has fired, and a rollback is proposed."""
    sender = Sender(world)
    heard(world, sender.fires())
    return sender


def approved(world: World) -> None:
    """The rollback is approved and carried out, and health is back."""
    world.presses(BEN, Choice.APPROVE)
    world.deliver()
    assert world.incident.state is State.MITIGATED


def rollback(world: World) -> Rollback:
    """The incident's rollback."""
    assert world.incident.rollback is not None
    return world.incident.rollback


def ended_by_ben(world: World) -> None:
    """Ben says twice that it is over."""
    for _ in range(2):
        world.clock.advance(SECOND)
        world.presses(BEN, Choice.RESOLVE)
    world.deliver()


# a rollback's trigger


@pytest.mark.parametrize("same_start", [True, False], ids=["same start", "new start"])
def test_a_trigger_that_fires_again_before_the_rollback_has_not_ended(
    world: World, sender: Sender, same_start: bool
) -> None:
    """Its row has ended, its series fires: nothing is proved, and people hear that it still does."""
    world.clock.advance(4 * MINUTE)
    heard(world, sender.ends())
    world.clock.advance(30 * SECOND)
    heard(world, sender.fires(NOON if same_start else world.clock.now()))
    world.clock.advance(30 * SECOND)
    approved(world)
    assert rollback(world).verdict is None
    before = pages(world)
    pass_time(world, 11 * MINUTE)
    assert rollback(world).verdict is Verdict.NOT_RECOVERED
    assert pages(world) > before


def test_where_no_alert_set_it_off_nothing_of_its_incident_may_fire(world: World) -> None:
    """A person asked for the rollback, and then an alert of the same lane came."""
    world.asks(EVE, Choice.ROLLBACK, "the checkout is broken")
    world.deliver()
    world.reports(alert())
    world.deliver()
    approved(world)
    assert rollback(world).verdict is None
    world.clock.advance(MINUTE)
    world.reports(alert(status=AlertStatus.RESOLVED))
    pass_time(world, 11 * MINUTE)
    assert rollback(world).verdict is Verdict.RECOVERED


def test_a_trigger_that_fired_again_and_ended_again_proves_it(world: World, sender: Sender) -> None:
    """The end of all that fires of its series is the end of the trigger."""
    world.clock.advance(MINUTE)
    heard(world, sender.ends())
    world.clock.advance(MINUTE)
    heard(world, sender.fires())
    approved(world)
    world.clock.advance(MINUTE)
    assert heard(world, sender.ends()) == [Reason.RECOVERED]
    assert rollback(world).verdict is Verdict.RECOVERED


def test_the_end_of_one_start_proves_nothing_while_another_fires(
    world: World, sender: Sender
) -> None:
    """The trigger's own row ends, and a later start of its series does not."""
    ended = sender.ends(said=NOON + MINUTE)
    world.clock.advance(2 * MINUTE)
    heard(world, sender.fires(NOON + 90 * SECOND))
    approved(world)
    assert heard(world, ended) == [Reason.ENDED]
    assert rollback(world).verdict is None


def test_a_trigger_that_fires_again_while_the_verdict_is_written_makes_it_wait(
    world: World, sender: Sender
) -> None:
    """What was decided on a series that has changed since is decided again."""
    world.clock.advance(MINUTE)
    heard(world, sender.ends())
    world.clock.advance(MINUTE)
    written, again = world.store.commit, [sender.fires()]

    def raced(commit: Commit, token: Token) -> Committed:
        if commit.kind == "ActionFinished" and world.sent() and again:
            world.reports(again.pop())
        return written(commit, token)

    world.store.commit = raced  # type: ignore[method-assign]  # a store others write to as well
    approved(world)
    assert again == []
    assert rollback(world).verdict is None


def test_an_end_that_its_sender_takes_back_after_the_rollback_is_paged(
    world: World, sender: Sender
) -> None:
    """Alertmanager lost sight, with an end from before health was back: it never recovered."""
    world.clock.advance(4 * MINUTE)
    approved(world)
    mitigated_at = world.incident.mitigated_at
    assert mitigated_at is not None
    world.clock.advance(MINUTE)
    assert heard(world, sender.ends(ends_at=mitigated_at - SECOND)) == [Reason.RECOVERED]
    world.clock.advance(2 * MINUTE)
    before = pages(world)
    assert heard(world, sender.fires()) == [Reason.DID_NOT_HOLD]
    assert (world.incident.state, pages(world)) == (State.OPEN, before + 1)
    assert rollback(world).verdict is Verdict.NOT_RECOVERED
    pass_time(world, 16 * MINUTE)
    assert world.incident.pages[-1].step is PageStep.REMINDER


def test_an_end_that_is_taken_back_in_words_from_before_the_rollback_wakes_nobody(
    world: World, sender: Sender
) -> None:
    """It fired when that was said, which was before: that is what the rollback was for."""
    heard(world, sender.ends(said=NOON + SECOND, ends_at=NOON))
    late = sender.fires(said=NOON + 2 * SECOND)
    world.clock.advance(4 * MINUTE)
    approved(world)
    assert heard(world, late) == [Reason.JOINED]
    assert world.incident.state is State.MITIGATED


def test_a_verdict_that_fails_leaves_an_incident_that_is_reminded_of(
    world: World, sender: Sender
) -> None:
    """Nobody has it any more: the next page comes after a quarter of an hour."""
    world.clock.advance(14 * MINUTE)
    approved(world)
    pass_time(world, 11 * MINUTE)
    assert rollback(world).verdict is Verdict.NOT_RECOVERED
    assert world.incident.state is State.OPEN
    before = pages(world)
    pass_time(world, 15 * MINUTE)
    assert pages(world) == before + 1


def reminded_four_times(world: World) -> None:
    """Nobody acknowledged for hours: the last page, the fourth reminder, stands for a minute."""
    pass_time(world, 226 * MINUTE)
    assert world.incident.pages[-1].step is PageStep.REMINDER


def test_reminders_that_somebody_acknowledged_do_not_count(world: World, sender: Sender) -> None:
    """Ben has it after four reminders, his rollback does not help: they begin anew."""
    reminded_four_times(world)
    approved(world)
    pass_time(world, 11 * MINUTE)
    assert rollback(world).verdict is Verdict.NOT_RECOVERED
    before = pages(world)
    pass_time(world, 15 * MINUTE)
    assert pages(world) == before + 1


# an incident that is reopened


def test_what_was_acknowledged_and_is_reopened_is_paged_however_fresh_the_last_page(
    world: World, sender: Sender
) -> None:
    """Whoever acknowledged took it for done when it was resolved; reminders begin anew."""
    reminded_four_times(world)
    world.presses(BEN, Choice.ACKNOWLEDGE)
    world.deliver()
    heard(world, sender.ends())
    pass_time(world, 6 * MINUTE)
    before = pages(world)
    assert heard(world, sender.fires(world.clock.now())) == [Reason.REOPENED]
    assert pages(world) == before + 1
    pass_time(world, 15 * MINUTE)
    assert pages(world) == before + 2


def test_what_a_person_ended_and_is_reopened_is_paged_however_fresh_the_last_page(
    world: World, sender: Sender
) -> None:
    """Whoever ended it takes it for over."""
    reminded_four_times(world)
    ended_by_ben(world)
    pass_time(world, 2 * MINUTE)
    assert world.incident.state is State.RESOLVED
    before = pages(world)
    assert heard(world, sender.fires()) == [Reason.REOPENED]
    assert (pages(world), world.incident.ended_by) == (before + 1, "")


def test_reminders_from_before_a_reopening_do_not_count(world: World, sender: Sender) -> None:
    """A page that still calls is not repeated at once, and after a quarter of an hour it is."""
    reminded_four_times(world)
    heard(world, sender.ends())
    pass_time(world, 6 * MINUTE)
    assert world.incident.state is State.RESOLVED
    before = pages(world)
    assert heard(world, sender.fires(world.clock.now())) == [Reason.REOPENED]
    assert pages(world) == before
    pass_time(world, 15 * MINUTE)
    assert pages(world) == before + 1


def test_an_ending_that_did_not_hold_is_forgotten(world: World, sender: Sender) -> None:
    """Ben ended it, it fired during the check: later flapping is as quiet as ever."""
    ended_by_ben(world)
    world.clock.advance(SECOND)
    assert heard(world, sender.fires()) == [Reason.REOPENED]
    world.clock.advance(SECOND)
    heard(world, sender.ends())
    pass_time(world, 6 * MINUTE)
    assert (world.incident.state, world.incident.ended_by) == (State.RESOLVED, "")
    before = pages(world)
    heard(world, sender.fires(world.clock.now()))
    assert pages(world) == before


# what a person ended


def test_a_sender_whose_clock_is_behind_ends_what_a_person_had_ended(
    world: World, sender: Sender
) -> None:
    """A person ends the alert by our clock, the sender repeats it, and ends it by its own."""
    world.clock.advance(10 * MINUTE)
    ended_by_ben(world)
    world.clock.advance(5 * SECOND)
    heard(world, sender.fires())
    assert len(firing(world, sender.fires().series)) == 1
    world.clock.advance(10 * SECOND)
    behind = world.clock.now() - 20 * SECOND
    assert heard(world, sender.ends(ends_at=behind)) == [Reason.ENDED]
    assert firing(world, sender.fires().series) == []


def test_an_end_told_again_does_not_end_what_fires_since(world: World, sender: Sender) -> None:
    """The other member of a pair tells the old end after the first says that it fires again."""
    world.clock.advance(MINUTE)
    ended_at = world.clock.now()
    heard(world, sender.ends(ends_at=ended_at))
    world.clock.advance(MINUTE)
    heard(world, sender.fires())
    world.clock.advance(SECOND)
    assert heard(world, sender.ends(ends_at=ended_at)) == [Reason.ENDED_ALREADY]
    assert firing(world, sender.fires().series) != []


# series of hundreds of rows


def test_one_end_ends_every_row_of_a_series(world: World) -> None:
    """A sender that never says an end says one at last: five hundred starts end with it."""
    sender = Sender(world)
    for _ in range(500):
        world.reports(sender.fires(world.clock.now()))
        world.clock.advance(SECOND)
    world.deliver()
    assert heard(world, sender.ends(NOON)) == [Reason.ENDED]
    assert world.store.firing(world.incident.id) == 0
    rows = world.store.series(sender.fires().series, 501)
    assert {row.status for row in rows} == {AlertStatus.RESOLVED}
