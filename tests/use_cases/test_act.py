"""Actions on their way to being done: claimed, tried again, given up, and pages above all."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from shared.app.act import LEASE, MAX_ATTEMPTS, PATIENCE_WITH_PAGES
from shared.domain.action import Outcome, Topic
from shared.domain.alert import AlertStatus
from shared.domain.card import card_for
from shared.domain.errors import Refused, StaleHolder, Transient
from shared.domain.paging import Card, Choice, MessageRef, PageStep
from shared.domain.severity import Severity
from shared.ports import Clock, Lease, NotClaimed
from tests.builders import BEN, EVE, MINUTE, SECOND, alert
from tests.fakes.chat import ChatFault, FakeChat
from tests.use_cases.world import World


class DeadInfra(FakeChat):
    """Slack without the channel of the team infra."""

    def post(self, channel: str, card: Card, key: str) -> MessageRef:
        if channel == "#infra":
            raise Refused("channel_not_found")
        return super().post(channel, card, key)


class DiesAfterPosting(FakeChat):
    """Slack as a worker sees it that dies before it can say that the message stands."""

    def __init__(self, world: World) -> None:
        super().__init__(world.clock)
        self._real = world.chat

    def post(self, channel: str, card: Card, key: str) -> MessageRef:
        self._real.post(channel, card, key)
        raise SystemExit("killed")


class Overtaken(FakeChat):
    """Slack so slow that another worker claims the action meanwhile."""

    def __init__(self, world: World, action: str) -> None:
        super().__init__(world.clock)
        self._world, self._action = world, action

    def post(self, channel: str, card: Card, key: str) -> MessageRef:
        self._world.clock.advance(LEASE)
        self._world.store.claim(self._action, LEASE)
        return super().post(channel, card, key)


class NobodyMayLook(FakeChat):
    """Slack that takes no first attempt to post, and lets nobody look for what was posted."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.order(ChatFault.AWAY)

    def find(self, channel: str, key: str) -> MessageRef | None:
        raise Transient("ratelimited: conversations.history")


class AwayUntil(FakeChat):
    """Slack that nobody reaches before an instant."""

    def __init__(self, world: World, back_at: datetime) -> None:
        super().__init__(world.clock)
        self._now, self._back_at = world.clock.now, back_at

    def post(self, channel: str, card: Card, key: str) -> MessageRef:
        if self._now() < self._back_at:
            raise Transient("Slack is away")
        return super().post(channel, card, key)


def dies(_: Lease) -> Outcome:
    """Kills the worker, whatever the action is."""
    raise SystemExit("killed")


def test_a_page_is_posted_once_and_noted(world: World) -> None:
    """The message carries its key, and the incident knows where it stands."""
    world.reports(alert())
    world.deliver(Topic.PAGES)
    (posted,) = world.chat.posted("#infra")
    (page,) = world.incident.pages
    assert (page.message, page.sent_at) == (posted.ref, world.clock.now())
    assert posted.key == page.key


def test_a_page_whose_answer_was_lost_is_looked_up_and_not_posted_twice(world: World) -> None:
    """The message is found by its key, and redrawn because nobody knows what it shows."""
    world.chat.order(ChatFault.LOST_ANSWER)
    world.reports(alert())
    world.deliver(Topic.PAGES)
    (posted,) = world.chat.posted()
    assert world.incident.pages[0].message == posted.ref
    assert posted.updates == 1


def test_a_page_whose_worker_died_after_posting_is_not_posted_twice(world: World) -> None:
    """Whoever takes the action over looks first whether the message stands."""
    world.reports(alert())
    page = world.next_on(Topic.PAGES)
    with pytest.raises(SystemExit):
        world.acting(world.traffic, DiesAfterPosting(world))(page)
    world.clock.advance(LEASE)
    world.act(page)
    assert len(world.chat.posted()) == 1
    assert world.incident.pages[0].sent_at is not None


def test_a_page_is_sent_again_after_slack_was_away(world: World) -> None:
    """Nothing was posted, so it is tried again and given back in between."""
    world.chat.order(ChatFault.AWAY)
    world.reports(alert())
    page = world.next_on(Topic.PAGES)
    with pytest.raises(Transient):
        world.act(page)
    world.act(page)
    assert len(world.chat.posted()) == 1


def test_a_page_goes_out_although_nobody_can_look_whether_it_stands(world: World) -> None:
    """Slack limits looking for hours: in doubt the page is sent, after a few tries, and once."""
    world.act = world.acting(world.traffic, chat := NobodyMayLook(world.clock))
    world.reports(alert())
    world.deliver(Topic.PAGES)
    assert len(chat.posted()) == 1


def test_a_page_goes_out_although_its_incident_was_closed_meanwhile(world: World) -> None:
    """Slack was away for longer than the incident was kept open: it is told all the same."""
    world.reports(alert())
    page = world.next_on(Topic.PAGES)
    world.reports(alert(status=AlertStatus.RESOLVED))
    while world.stack.incidents:
        world.clock.advance(10 * MINUTE)
        world.tick()
    world.act(page)
    (posted,) = world.chat.posted()
    assert posted.card.status == "Resolved"
    incident = posted.key.partition("/")[0]
    assert "after the incident was closed" in world.store.timeline(incident)[-1].text


def test_a_refused_page_wakes_another_team(world: World) -> None:
    """No channel, no page: the next team hears about it, and why."""
    world.act = world.acting(world.traffic, chat := DeadInfra(world.clock))
    world.reports(alert())
    world.deliver(Topic.PAGES)
    (posted,) = chat.posted()
    assert posted.ref.channel == "C-runtime"
    assert "channel_not_found" in posted.card.paragraphs[0]
    assert [page.step for page in world.incident.pages] == [
        PageStep.OPENED,
        PageStep.ACTION_FAILED,
    ]


def test_after_the_last_attempt_a_page_is_given_up_and_another_team_woken(world: World) -> None:
    """A page is never tried for ever in silence."""
    world.chat.order(*[ChatFault.AWAY] * 2 * MAX_ATTEMPTS)
    world.reports(alert())
    page = world.next_on(Topic.PAGES)
    for _ in range(MAX_ATTEMPTS - 1):
        with pytest.raises(Transient):
            world.act(page)
    world.clock.advance(PATIENCE_WITH_PAGES)
    world.act(page)
    assert world.incident.pages[-1].step is PageStep.ACTION_FAILED
    assert f"tried {MAX_ATTEMPTS} times" in world.incident.pages[-1].details[0]
    assert world.act(page) is NotClaimed.SETTLED


def test_an_action_that_kills_every_worker_is_given_up_too(world: World) -> None:
    """What ends in a crash each time counts its attempts like any other failure."""
    world.reports(alert())
    page = world.next_on(Topic.PAGES)
    deadly = replace(world.act, performers=dict.fromkeys(world.act.performers, dies))
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(SystemExit):
            deadly(page)
        world.clock.advance(LEASE)
    world.clock.advance(PATIENCE_WITH_PAGES)
    deadly(page)
    assert world.incident.pages[-1].step is PageStep.ACTION_FAILED


def test_a_page_survives_a_short_absence_of_slack(world: World) -> None:
    """Slack is away for a minute and then works: somebody has a message in the end."""
    back_at = world.clock.now() + MINUTE
    chat = AwayUntil(world, back_at)
    world.act = world.acting(world.traffic, chat)
    world.reports(alert())
    while world.clock.now() < back_at + 5 * MINUTE:
        world.deliver_once(Topic.PAGES)
        world.clock.advance(SECOND)
        world.tick()
    assert chat.posted()


def test_the_page_shows_the_incident_as_it_is_in_the_end(world: World) -> None:
    """Whatever order things are drawn in, the message ends up with the newest card."""
    world.reports(alert())
    first = world.next_on(Topic.PAGES)
    world.presses(BEN, Choice.ACKNOWLEDGE)
    world.act(first)
    world.deliver()
    (posted,) = world.chat.posted()
    assert posted.card == card_for(world.policy, world.incident, world.incident.pages[0])
    assert posted.card.status == "Acknowledged by Ben"


def test_redrawing_is_tried_again_when_its_answer_was_lost(proposed: World) -> None:
    """A card that was drawn twice is still the newest card."""
    proposed.presses(BEN, Choice.ACKNOWLEDGE)
    proposed.chat.order(ChatFault.LOST_ANSWER)
    proposed.deliver()
    (posted,) = proposed.chat.posted()
    assert posted.card.status == "Acknowledged by Ben"
    assert proposed.topics.ids(Topic.PAGES) == []


def test_a_refusal_reaches_only_the_person_who_pressed(proposed: World) -> None:
    """The second to acknowledge is told in private who was first."""
    proposed.presses(BEN, Choice.ACKNOWLEDGE)
    proposed.presses(EVE, Choice.ACKNOWLEDGE)
    proposed.deliver()
    (told,) = proposed.chat.told()
    assert told.user == EVE
    assert "acknowledged by Ben" in told.text
    assert len(proposed.chat.posted()) == 1


def test_a_raised_severity_is_a_message_of_its_own(world: World) -> None:
    """A worse alert posts again, with a key that is never taken for the first page's."""
    world.reports(alert(severity=Severity.SEV3))
    world.deliver(Topic.PAGES)
    world.reports(alert("AllDown", severity=Severity.SEV1))
    world.deliver(Topic.PAGES)
    first, second = world.chat.posted()
    assert first.key != second.key
    assert second.card.headline.startswith("Worse")


def test_an_action_is_done_once(world: World) -> None:
    """A message that comes again finds its action settled."""
    world.reports(alert())
    page = world.next_on(Topic.PAGES)
    world.act(page)
    assert world.act(page) is NotClaimed.SETTLED
    assert len(world.chat.posted()) == 1


def test_an_action_nobody_decided_is_not_done(world: World) -> None:
    """Whoever can publish cannot have anything done: only stored actions count."""
    assert world.act("made-up") is NotClaimed.UNKNOWN


def test_what_another_worker_holds_comes_again_later(world: World) -> None:
    """The message is not lost, because the other worker may die."""
    world.reports(alert())
    page = world.next_on(Topic.PAGES)
    world.store.claim(page, LEASE)
    with pytest.raises(Transient):
        world.act(page)
    assert world.chat.posted() == ()


def test_a_worker_that_lost_its_lease_changes_nothing(world: World) -> None:
    """A result counts only while the lease is held; the other worker's counts instead."""
    world.reports(alert())
    page = world.next_on(Topic.PAGES)
    slow = world.acting(world.traffic, Overtaken(world, page))
    assert isinstance(slow(page), StaleHolder)
    assert world.incident.pages[0].sent_at is None
