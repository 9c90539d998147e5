"""What people told Switchman to do is on record, once, whatever happens to the message."""

from __future__ import annotations

from datetime import timedelta

from shared.domain.decision import Reason
from shared.domain.paging import Choice
from tests.builders import BEN, WES
from tests.use_cases.world import World


def test_each_instruction_is_on_record(proposed: World) -> None:
    """What was carried out and what was refused, the newest first."""
    proposed.presses(BEN, Choice.ACKNOWLEDGE)
    proposed.clock.advance(timedelta(seconds=1))
    proposed.presses(WES, Choice.APPROVE)
    refused, done = proposed.store.audit()
    assert (done.person, done.choice, done.answer) == (BEN, "acknowledge", Reason.CARRIED_OUT)
    assert (refused.person, refused.answer) == (WES, Reason.REFUSED)
    assert "refused" in refused.text


def test_an_instruction_delivered_again_is_on_record_once(proposed: World) -> None:
    """The second delivery finds that it took effect."""
    told = proposed.presses(BEN, Choice.ACKNOWLEDGE)
    assert proposed.follow(told.id).reason is None
    assert len(proposed.store.audit()) == 1


def test_an_instruction_delivered_again_after_weeks_changes_nothing(proposed: World) -> None:
    """Other events are forgotten by then; one that is on record is known as long as that is."""
    told = proposed.asks(BEN, Choice.DECLARE, "search is empty")
    before = proposed.store.audit()
    proposed.clock.advance(timedelta(days=20))
    assert proposed.tick().pruned > 0
    stack = proposed.stack
    assert proposed.follow(told.id).reason is None
    assert proposed.stack == stack
    assert proposed.store.audit() == before
