"""What comes in: alerts from senders, and what people press."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from shared.app.accept import COMMAND, PublishAlerts
from shared.domain.action import Topic
from shared.domain.alert import AlertStatus
from shared.domain.decision import Reason
from shared.domain.errors import BadMessage, Transient
from shared.domain.event import Instruction
from shared.domain.incident_state import State
from shared.domain.paging import Choice
from tests.builders import BEN, MINUTE, NOON, SECOND, WES, alert
from tests.use_cases.world import World


def press(world: World, choice: Choice = Choice.ACKNOWLEDGE) -> Instruction:
    """A verified press that nobody has stored yet."""
    return Instruction(
        id="press-1",
        choice=choice,
        incident=world.incident.id,
        plan="",
        person=BEN,
        channel="C-infra",
        at=NOON,
    )


def test_a_webhook_becomes_one_message_for_each_alert(world: World) -> None:
    """Each alert travels alone, named after its event, with the sender's configured name."""
    publish = PublishAlerts(world.topics, world.clock)
    assert publish([("event-1", b"one"), ("event-2", b"two")], "prometheus") == 2
    messages = world.topics.take(Topic.EVENTS)
    assert [each.data for each in messages] == [b"one", b"two"]
    assert [each.id.partition("@")[0] for each in messages] == ["event-1", "event-2"]
    assert {each.attributes["source"] for each in messages} == {"prometheus"}
    assert all(each.attributes["kind"] != COMMAND for each in messages)


def test_the_same_alert_told_again_is_another_message(world: World) -> None:
    """Fires, ends, fires again, before anything was delivered: the last word is still the last."""
    publish = PublishAlerts(world.topics, world.clock)
    for event in ("fires", "ends", "fires"):
        world.clock.advance(SECOND)
        publish([(event, b"")], "prometheus")
    messages = world.topics.take(Topic.EVENTS)
    assert [each.id.partition("@")[0] for each in messages] == ["fires", "ends", "fires"]
    assert len({each.id for each in messages}) == 3


def test_a_webhook_that_cannot_be_published_is_not_accepted(world: World) -> None:
    """The sender hears of it, and sends it again."""
    world.topics.away = True
    with pytest.raises(Transient):
        PublishAlerts(world.topics, world.clock)([("event-1", b"one")], "prometheus")


def test_each_alert_of_a_message_takes_effect(world: World) -> None:
    """Two lanes, two incidents, and the third alert joins the first's."""
    reasons = [
        handled.reason for handled in world.reports(alert("A"), alert("B", lane="auth"), alert("C"))
    ]
    assert reasons == [Reason.OPENED, Reason.OPENED, Reason.JOINED]


def test_a_press_is_stored_before_its_id_is_published(proposed: World) -> None:
    """The topic carries only the id: nobody who can publish can forge a press."""
    instruction = press(proposed)
    proposed.store_instruction(instruction)
    assert proposed.store.instruction("press-1") == instruction
    (message,) = proposed.topics.take(Topic.EVENTS)
    assert json.loads(message.data) == {"instruction": "press-1"}
    assert message.attributes["kind"] == COMMAND


def test_a_press_that_cannot_be_published_is_sent_again_by_slack(proposed: World) -> None:
    """It is stored, and the same press sent again publishes it after all."""
    proposed.topics.away = True
    with pytest.raises(Transient):
        proposed.store_instruction(press(proposed))
    proposed.topics.away = False
    proposed.store_instruction(press(proposed))
    assert proposed.topics.ids(Topic.EVENTS) == ["press-1"]


def test_a_replayed_press_changes_nothing(proposed: World) -> None:
    """The same signed request twice is one acknowledgement."""
    for _ in range(2):
        proposed.store_instruction(press(proposed))
    assert len(proposed.topics.take(Topic.EVENTS)) == 2
    assert proposed.follow("press-1").reason is Reason.CARRIED_OUT
    before = proposed.timeline()
    assert proposed.follow("press-1").reason is None
    assert proposed.timeline() == before
    assert proposed.incident.state is State.ACKNOWLEDGED


def test_an_instruction_nobody_stored_is_refused(world: World) -> None:
    """An id that somebody made up leads to nothing."""
    with pytest.raises(BadMessage, match="never stored"):
        world.follow("forged")


def test_a_press_by_someone_not_allowed_moves_nothing(proposed: World) -> None:
    """The refusal is on the timeline and in a private answer; traffic stays."""
    proposed.presses(WES, Choice.APPROVE)
    proposed.deliver()
    assert proposed.sent() == []
    assert proposed.incident.state is State.OPEN
    assert any(line.startswith("refused: Wes wanted to approve") for line in proposed.timeline())
    assert [told.user for told in proposed.chat.told()] == [WES]


def test_a_series_that_fires_again_with_its_old_start_is_not_lost(world: World) -> None:
    """Alertmanager calls a series resolved that it lost sight of, and then sends it as before."""
    world.reports(alert())
    world.deliver()
    world.reports(alert(status=AlertStatus.RESOLVED))
    for _ in range(60):
        world.clock.advance(MINUTE)
        world.tick()
    world.reports(alert())
    world.reports(alert())
    world.deliver()
    assert world.incident.state is State.OPEN
    assert len(world.chat.posted()) == 2
    assert world.store.firing(world.incident.id) == 1
    world.reports(alert(status=AlertStatus.RESOLVED))
    assert world.store.firing(world.incident.id) == 0


def test_a_firing_message_that_its_own_end_overtook_opens_nothing(world: World) -> None:
    """Out of order within minutes: it is over, which is written down, and nobody is woken."""
    world.reports(alert(status=AlertStatus.RESOLVED))
    world.clock.advance(MINUTE)
    world.reports(alert())
    world.deliver()
    assert world.chat.posted() == ()


def test_an_old_end_told_again_does_not_end_what_fires_anew(world: World) -> None:
    """Duplicates days apart: the end of the first time is not the end of the second."""
    ended = replace(alert(status=AlertStatus.RESOLVED), ends_at=world.clock.now() + MINUTE)
    world.reports(alert())
    world.reports(ended)
    for _ in range(60):
        world.clock.advance(MINUTE)
        world.tick()
    world.reports(alert())
    for _ in range(3):
        world.reports(ended)
    assert world.store.firing(world.incident.id) == 1
    world.reports(replace(ended, ends_at=world.clock.now()))
    assert world.store.firing(world.incident.id) == 0
