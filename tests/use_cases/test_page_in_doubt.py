"""A page that Slack does not take is told through the last resort, and tried again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.app.last_resort import LastWord
from shared.app.page_in_doubt import PageInDoubt
from shared.app.people import People
from shared.domain.action import ActionKind, Topic
from shared.domain.decision import IncidentRow
from shared.domain.errors import StoreAway
from shared.domain.stack import Stack
from shared.ports import Commit
from tests.builders import MINUTE, alert
from tests.fakes.chat import ChatFault, FakeChat
from tests.fakes.last_resort import FakeLastResort
from tests.use_cases.world import World


class Unreadable:
    """Heads of a store that is away."""

    def load(self, stack_id: str) -> tuple[Stack, str]:
        """Raise what such a store raises."""
        raise StoreAway(f"{stack_id} cannot be read now")


@pytest.fixture
def resort(world: World) -> FakeLastResort:
    """Where the world's pages go that Slack does not take."""
    resort = FakeLastResort()
    resorting(world, world.chat, resort)
    return resort


def resorting(world: World, chat: FakeChat, resort: FakeLastResort) -> None:
    """Have another process page people from now on: this one, with nothing in its memory."""
    page = PageInDoubt(
        send=People(policy=world.policy, heads=world.store, reports=world.store, chat=chat).page,
        policy=world.policy,
        heads=world.store,
        reports=world.store,
        last_word=LastWord(resort, world.clock),
    )
    world.act = replace(world.act, performers={**world.act.performers, ActionKind.PAGE: page})


def try_without_slack(world: World, times: int) -> None:
    """Slack takes nothing, however often the page is delivered."""
    for _ in range(times):
        world.chat.order(ChatFault.AWAY, ChatFault.AWAY)
        world.deliver_once(Topic.PAGES)


def test_a_page_that_failed_three_times_is_told_once(world: World, resort: FakeLastResort) -> None:
    """What the page says is told where Slack is not needed, and in Slack as soon as it is back."""
    world.reports(alert())
    try_without_slack(world, 2)
    assert resort.texts() == []
    try_without_slack(world, 5)
    (text,) = resort.texts()
    for part in (world.incident.title, world.incident.id, "attempt 3", "log of the function act"):
        assert part in text
    world.clock.advance(MINUTE)
    world.chat.order()
    world.deliver()
    assert len(world.chat.posted()) == 1
    assert len(resort.texts()) == 1


def test_another_process_tells_it_rather_than_nobody(world: World, resort: FakeLastResort) -> None:
    """Whether one that died had told it is not known; the next one that fails tells it."""
    world.reports(alert())
    try_without_slack(world, 2)
    resort.away = True
    try_without_slack(world, 1)
    resort.away = False
    resorting(world, world.chat, resort)
    try_without_slack(world, 2)
    assert len(resort.texts()) == 1


def test_a_page_that_slack_refuses_is_told_at_once(world: World, resort: FakeLastResort) -> None:
    """It will not be tried again, and whatever refuses it may refuse every other page too."""
    world.chat = FakeChat(world.clock, frozenset())
    resorting(world, world.chat, resort)
    world.reports(alert())
    world.deliver()
    assert len(resort.texts()) == len(world.policy.teams)
    assert world.incident.title in resort.texts()[0]
    assert world.chat.posted() == ()


def test_a_page_whose_incident_was_filed_is_told_in_full(
    world: World, resort: FakeLastResort
) -> None:
    """It is in the head no more: what the page says is told all the same."""
    world.reports(alert())
    (page,) = world.topics.take(Topic.PAGES)
    incident = world.incident
    head, token = world.store.load("shop")
    gone = Commit(
        event="filed",
        kind="test",
        at=world.clock.now(),
        stack_id="shop",
        stack=head.without(incident.id),
        rows=(IncidentRow(incident=incident),),
    )
    world.store.commit(gone, token)
    world.topics.publish(Topic.PAGES.value, [page])
    try_without_slack(world, 3)
    (text,) = resort.texts()
    assert incident.title in text
    assert "To #infra" in text


def test_without_the_store_what_the_order_says_is_told(
    world: World, resort: FakeLastResort
) -> None:
    """The store went away between the claim and the page: the incident's id is known all the same."""
    world.reports(alert())
    page = world.act.performers[ActionKind.PAGE]
    assert isinstance(page, PageInDoubt)
    broken = replace(page, heads=Unreadable())  # type: ignore[arg-type]  # only `load` is used
    world.act = replace(world.act, performers={**world.act.performers, ActionKind.PAGE: broken})
    try_without_slack(world, 3)
    (text,) = resort.texts()
    assert world.incident.id in text
    assert "StoreAway" in text
