"""Each minute the services are looked at: what proves itself, what is tagged, who took over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from shared.domain.action import ActionKind, Topic
from shared.domain.decision import Reason
from shared.domain.errors import Refused
from shared.domain.event import LookDue
from shared.domain.ledger import Latch, LedgerRules, ServiceRecord
from shared.domain.paging import Choice
from shared.domain.policy import Policy
from shared.domain.rollback import Revision, ServiceState, Split, TrafficTarget
from shared.domain.severity import Severity
from shared.domain.tags import GOOD
from shared.ports import Traffic
from tests.builders import (
    BACKEND,
    BEN,
    EVE,
    FRONTEND,
    LATEST,
    MINUTE,
    NOON,
    SECOND,
    WES,
    alert,
    all_to,
    policy,
    resource,
)
from tests.fakes.chat import ChatFault
from tests.fakes.metrics import MetricsFault
from tests.fakes.traffic import TrafficFault
from tests.use_cases.world import World

BOTH = (BACKEND, FRONTEND)
SOAK = 10 * MINUTE
PERSON = "someone@else"
TAGGED: Split = (*LATEST, TrafficTarget(percent=0, revision=f"{BACKEND}-bad", tag=GOOD))


def impatient(deployers: tuple[str, ...] = ()) -> Policy:
    """The shop's policy, with a soak of ten minutes."""
    rules = policy()
    shop = rules.stacks["shop"]
    ledger = LedgerRules(soak=SOAK, deployers=deployers)
    shop = replace(shop, rollback=replace(shop.rollback, ledger=ledger))
    return replace(rules, stacks={shop.id: shop})


@pytest.fixture
def shop(tmp_path: Path) -> World:
    """A shop at peace, whose revisions `-bad` serve and work."""
    world = World(tmp_path / "store.db", impatient())
    world.healthy = lambda _: True
    return world


class Between(Traffic):
    """Cloud Run, with something in between: services not to be seen, or news before a change."""

    def __init__(self, world: World) -> None:
        self._real = world.traffic
        self.hidden: dict[str, str] = {}
        self.news: list[Callable[[], object]] = []
        world.act = world.acting(self, world.chat)

    def look(self, resource: str) -> ServiceState:
        if resource in self.hidden:
            raise Refused(self.hidden[resource])
        return self._real.look(resource)

    def revisions(self, resource: str) -> tuple[Revision, ...]:
        return self._real.revisions(resource)

    def send(self, resource: str, traffic: Split, etag: str, *, dry_run: bool = False) -> None:
        while self.news:
            self.news.pop()()
        self._real.send(resource, traffic, etag, dry_run=dry_run)

    def settled(self, resource: str, traffic: Split, deadline: timedelta) -> ServiceState:
        return self._real.settled(resource, traffic, deadline)


def ticks(world: World, minutes: int = 1, *, requests: bool = True) -> None:
    """So many minutes, each with a tick, with what it leads to, and with requests or without."""
    for _ in range(minutes):
        world.clock.advance(MINUTE)
        if requests:
            for service in BOTH:
                for name in (f"{service}-bad", f"{service}-good"):
                    world.metrics.serve(resource(service), name, 3, world.clock.now())
        world.tick()
        world.deliver()


def record(world: World, service: str = BACKEND) -> ServiceRecord:
    """What is remembered of the service."""
    found = world.stack.record(service)
    assert found is not None
    return found


def notices(world: World) -> list[str]:
    """What was said that wakes nobody, in order."""
    return [posted.card.headline for posted in world.chat.posted() if not posted.card.severity]


def by_hand(world: World, service: str = BACKEND) -> None:
    """A person moves the service to its older revision."""
    world.traffic.change_by_hand(resource(service), all_to(f"{service}-good"))


def test_the_first_look_only_remembers(shop: World) -> None:
    """However traffic stands when Switchman begins: nobody has taken over."""
    ticks(shop)
    assert [(r.service, r.traffic, r.latch) for r in shop.stack.services] == [
        (service, LATEST, None) for service in BOTH
    ]


def test_two_ticks_in_one_minute_look_once(shop: World) -> None:
    """Stack and minute make the event's id."""
    shop.tick()
    shop.clock.advance(59 * SECOND)
    shop.tick()
    assert len(set(shop.topics.ids())) == 1


def test_looks_do_not_queue_up(shop: World) -> None:
    """While a look has not ended none is added; the one there is is not lost either."""
    shop.tick()
    for _ in range(5):
        shop.clock.advance(MINUTE)
        event = LookDue(stack="shop", at=shop.clock.now())
        assert shop.handle(event).reason is Reason.STILL_LOOKING
    shop.deliver()
    assert shop.stack.observing == ""
    ticks(shop)
    assert record(shop).seen_at == shop.clock.now()


def test_a_look_is_three_writes_of_the_store(shop: World) -> None:
    """The head is written twice a minute, and the action claimed between them."""
    ticks(shop)
    (before,) = (view.writes for view in shop.store.heads() if view.stack.id == "shop")
    ticks(shop)
    (after,) = (view.writes for view in shop.store.heads() if view.stack.id == "shop")
    assert before is not None
    assert after is not None
    assert after - before == 2


def test_a_service_that_cannot_be_seen_says_why(shop: World) -> None:
    """The other is looked at all the same, and nothing is latched."""
    ticks(shop)
    between = Between(shop)
    between.hidden = {resource(BACKEND): "no permission: run.services.get"}
    ticks(shop)
    assert "run.services.get" in record(shop).trouble
    assert record(shop, FRONTEND).seen_at > record(shop).seen_at
    between.hidden = {}
    ticks(shop)
    assert (record(shop).trouble, record(shop).latch) == ("", None)


def test_a_revision_proves_itself_with_real_requests(shop: World) -> None:
    """After the soak, with its image's digest and the requests it answered."""
    ticks(shop, 10)
    assert record(shop).good == ()
    ticks(shop)
    (good,) = record(shop).good
    assert (good.revision, good.requests) == (f"{BACKEND}-bad", 30)
    assert good.digest.startswith("sha256:")


@pytest.mark.parametrize("trouble", [None, *MetricsFault])
def test_without_a_known_request_nothing_proves_itself(
    shop: World, trouble: MetricsFault | None
) -> None:
    """No traffic, or nobody who could count it: neither is good health."""
    shop.metrics.become(trouble)
    ticks(shop, 30, requests=trouble is not None)
    assert record(shop).good == ()
    assert bool(record(shop).trouble) is (trouble is not None)
    assert shop.sent() == []


def test_no_soak_while_something_critical_is_open(shop: World) -> None:
    """A sev2 incident in any lane ends the soak; it begins anew when that is over."""
    ticks(shop, 5)
    assert record(shop).soaks
    shop.reports(alert(lane="auth", severity=Severity.SEV2))
    ticks(shop)
    assert record(shop).soaks == ()


def test_a_minor_incident_does_not_end_the_soak(shop: World) -> None:
    """A sev3 incident is no critical alert; yet nothing is tagged while it is open."""
    shop.reports(alert(lane="auth", severity=Severity.SEV3))
    ticks(shop, 15)
    assert record(shop).good
    assert shop.sent() == []


def test_what_proved_itself_is_tagged_and_no_share_changes(shop: World) -> None:
    """Once: the tag stands on the revision with 0 percent, and it latches nothing."""
    ticks(shop, 25)
    for service in BOTH:
        state = shop.traffic.look(resource(service))
        assert state.traffic == (
            *LATEST,
            TrafficTarget(percent=0, revision=f"{service}-bad", tag=GOOD),
        )
        assert state.generation == 2
        assert record(shop, service).tagged == f"{service}-bad"
        assert record(shop, service).latch is None
    assert shop.stack.tagging == ""


def test_the_tag_moves_with_the_next_proof(shop: World) -> None:
    """There is one tag, on what proved itself last; other people's tags stay."""
    ticks(shop, 15)
    canary = TrafficTarget(percent=0, revision=f"{BACKEND}-good", tag="canary")
    state = shop.traffic.look(resource(BACKEND))
    shop.traffic.change_by_hand(resource(BACKEND), (*state.traffic, canary))
    shop.traffic.deploy(resource(BACKEND), f"{BACKEND}-new")
    for _ in range(15):
        shop.metrics.serve(resource(BACKEND), f"{BACKEND}-new", 3, shop.clock.now())
        ticks(shop)
    tag = TrafficTarget(percent=0, revision=f"{BACKEND}-new", tag=GOOD)
    assert shop.traffic.look(resource(BACKEND)).traffic == (*LATEST, canary, tag)


def test_a_tag_that_a_person_removes_stays_away(shop: World) -> None:
    """A person's change of tags latches nothing, and is not undone."""
    ticks(shop, 15)
    shop.traffic.change_by_hand(resource(BACKEND), LATEST)
    ticks(shop, 15)
    assert shop.traffic.look(resource(BACKEND)).traffic == LATEST
    assert record(shop).latch is None


def test_a_name_too_long_for_a_tag_is_never_tagged(tmp_path: Path) -> None:
    """Cloud Run takes 46 characters of tag and service: a longer pair is not even asked for."""
    rules = impatient()
    shop = rules.stacks["shop"]
    long = replace(shop.services[0], name="shop-backend-of-the-whole-company")
    stacks = {"shop": replace(shop, services=(long,))}
    world = World(tmp_path / "store.db", replace(rules, stacks=stacks))
    world.traffic.add(long.resource, "long-2", "long-1")
    for _ in range(20):
        world.metrics.serve(long.resource, "long-2", 1, world.clock.now())
        ticks(world)
    assert record(world, long.name).good
    assert world.sent() == []


def almost_tagging(world: World) -> str:
    """A minute in which a tag was ordered, and not sent yet; the order's id."""
    ticks(world, 10)
    world.clock.advance(MINUTE)
    for service in BOTH:
        world.metrics.serve(resource(service), f"{service}-bad", 3, world.clock.now())
    world.tick()
    world.deliver_once(Topic.CHANGES)
    assert world.stack.tagging
    return world.stack.tagging


def test_an_incident_that_opens_first_prevents_the_tag(shop: World) -> None:
    """Right before it is sent it is checked again; the incident's plan waited for that."""
    almost_tagging(shop)
    shop.reports(alert())
    assert shop.incident.rollback is not None
    assert shop.incident.rollback.waiting
    shop.deliver()
    assert shop.sent() == []
    assert shop.incident.rollback is not None
    assert shop.incident.rollback.plan is not None
    assert {service.generation for service in shop.incident.rollback.plan.services} == {1}


def test_a_tag_on_its_way_does_not_spoil_a_plan(shop: World) -> None:
    """An incident opens while the tag is being sent: its plan is made of what stands after it."""
    almost_tagging(shop)
    Between(shop).news = [lambda: shop.reports(alert())]
    shop.deliver()
    tagged = [each.resource for each in shop.sent()]
    assert tagged
    assert shop.incident.rollback is not None
    assert shop.incident.rollback.plan is not None
    for service in shop.incident.rollback.plan.services:
        assert service.generation == 1 + tagged.count(service.resource)
    shop.presses(BEN, Choice.APPROVE)
    shop.deliver()
    assert shop.traffic.look(resource(BACKEND)).main_revision == f"{BACKEND}-good"


def test_a_drill_waits_for_a_tag_on_its_way(shop: World) -> None:
    """It begins as soon as the tag is set, and is not spoilt by it."""
    almost_tagging(shop)
    Between(shop).news = [lambda: shop.drill(apply=True)]
    shop.deliver()
    (row,) = shop.store.drills()
    assert row.passed, row.text
    assert any(target.tag == GOOD for target in shop.sent()[0].traffic)


def test_a_tag_gives_way_to_a_drill(shop: World) -> None:
    """A drill that was ordered before the tag is sent comes first; the tag comes later."""
    almost_tagging(shop)
    shop.drill(apply=True)
    shop.deliver()
    assert shop.store.drills()[0].passed
    assert len(shop.sent()) == 4
    ticks(shop, 25)
    assert shop.traffic.look(resource(BACKEND)).traffic == TAGGED


def test_a_tag_that_is_not_carried_out_is_said(shop: World) -> None:
    """The service may not be Ready any more, through us: whoever owns rollbacks has to know."""
    almost_tagging(shop)
    shop.traffic.order(resource(BACKEND), TrafficFault.OPERATION_ERROR)
    shop.deliver()
    (posted,) = shop.chat.posted("#infra")
    assert f"--remove-tags {GOOD}" in "\n".join(posted.card.paragraphs)
    ticks(shop, 15)
    assert len(notices(shop)) == 1


@pytest.mark.parametrize(
    "fault",
    [
        TrafficFault.CONFLICT,
        TrafficFault.REFUSE,
        TrafficFault.AWAY,
        TrafficFault.TIMEOUT,
        TrafficFault.TIMEOUT_AFTER_SUCCESS,
        TrafficFault.LATE_LANDING,
    ],
)
def test_a_tag_in_trouble_is_given_up_quietly(shop: World, fault: TrafficFault) -> None:
    """Nobody hears of it; later it is there all the same, and the shares are as they were."""
    shop.traffic.order(resource(BACKEND), fault, 20 * SECOND)
    ticks(shop, 30)
    assert shop.traffic.look(resource(BACKEND)).traffic == TAGGED
    assert record(shop).tagged == f"{BACKEND}-bad"
    assert (shop.stack.incidents, shop.chat.posted()) == ((), ())


def test_a_change_by_hand_prevents_the_tag(shop: World) -> None:
    """Whoever changes it between the look and the tag has the last word."""
    almost_tagging(shop)
    by_hand(shop)
    shop.deliver()
    assert shop.traffic.look(resource(BACKEND)).traffic == all_to(f"{BACKEND}-good")


def test_a_person_who_takes_over_is_named_and_the_way_back_is_told(shop: World) -> None:
    """A message that wakes nobody, once, in the channel of the rollback lane's owner."""
    ticks(shop, 3)
    by_hand(shop)
    ticks(shop, 5)
    (posted,) = shop.chat.posted("#infra")
    said = "\n".join(posted.card.paragraphs)
    assert BACKEND in posted.card.headline
    assert f"{PERSON} changed the traffic" in said
    assert "it was 100 % LATEST, and is 100 % shop-backend-good" in said
    assert f"/switchman unlatch shop {BACKEND}" in said
    assert (posted.card.mention, posted.card.choices) == ("", ())
    assert record(shop).latch == Latch(
        at=NOON + 4 * MINUTE, by=PERSON, found=all_to(f"{BACKEND}-good")
    )
    assert record(shop, FRONTEND).latch is None


def test_whoever_works_on_an_incident_reads_it_there(shop: World) -> None:
    """The incident's story says that a person took over."""
    ticks(shop)
    shop.reports(alert(lane="auth"))
    by_hand(shop)
    ticks(shop)
    assert any(f"latched: {PERSON} changed the traffic" in line for line in shop.timeline())


def test_the_message_stands_once_though_its_answer_was_lost(shop: World) -> None:
    """It is looked up before it is posted again."""
    ticks(shop)
    by_hand(shop)
    shop.chat.order(ChatFault.LOST_ANSWER)
    ticks(shop)
    assert len(notices(shop)) == 1


def test_what_one_channel_does_not_take_is_said_in_another(tmp_path: Path) -> None:
    """A latch that nobody hears of would be a silent refusal to work."""
    world = World(tmp_path / "store.db", impatient())
    world.chat = type(world.chat)(world.clock, channels=frozenset({"web"}))
    world.act = world.acting(world.traffic, world.chat)
    ticks(world)
    by_hand(world)
    ticks(world)
    assert len(world.chat.posted("#web")) == 1


@pytest.mark.parametrize("minutes", [10])
def test_ten_ticks_after_a_manual_change_nothing_was_moved(shop: World, minutes: int) -> None:
    """No tag, no drill and nothing else of ours, though it all was about to happen."""
    ticks(shop, 9)
    by_hand(shop)
    for minute in range(minutes):
        ticks(shop)
        shop.drill(f"drill-{minute}", apply=True)
        shop.deliver()
    assert shop.sent() == []
    drills = shop.store.drills()
    assert len(drills) == minutes
    assert all(PERSON in row.text and not row.passed for row in drills)


def test_a_drill_right_after_a_change_by_hand_moves_nothing(shop: World) -> None:
    """Before the next look has seen the change, the drill's own plan shows it."""
    ticks(shop)
    by_hand(shop, FRONTEND)
    shop.traffic.change_by_hand(
        resource(FRONTEND), (TrafficTarget(percent=100, revision=f"{FRONTEND}-bad"),)
    )
    shop.drill(apply=True)
    shop.deliver()
    (row,) = shop.store.drills()
    assert "changed since it was last looked at" in row.text
    assert shop.sent() == []


def test_a_drill_that_only_plans_is_still_made(shop: World) -> None:
    """Nothing moves, so that nothing is in the way of it."""
    ticks(shop)
    by_hand(shop, FRONTEND)
    shop.traffic.change_by_hand(resource(FRONTEND), all_to(f"{FRONTEND}-bad"))
    ticks(shop)
    shop.drill(apply=False)
    shop.deliver()
    (row,) = shop.store.drills()
    assert row.passed


def test_a_person_may_still_approve_a_rollback(shop: World) -> None:
    """Automation is off; the proposal says so, and what a person approves is carried out."""
    ticks(shop)
    shop.traffic.change_by_hand(resource(BACKEND), all_to(f"{BACKEND}-bad"))
    ticks(shop)
    shop.reports(alert())
    shop.deliver()
    assert shop.incident.rollback is not None
    assert shop.incident.rollback.plan is not None
    why = {s.service: s.why for s in shop.incident.rollback.plan.services}
    assert f"{PERSON} changed the traffic of {BACKEND} by hand" in why[BACKEND]
    assert "only your approval moves it" in why[BACKEND]
    assert "by hand" not in why[FRONTEND]
    shop.presses(BEN, Choice.APPROVE)
    shop.deliver()
    assert {each.resource for each in shop.sent()} == {resource(service) for service in BOTH}


def test_a_latch_is_cleared_by_an_approver(shop: World) -> None:
    """It is said, it is in the audit, and Switchman acts by itself again."""
    ticks(shop)
    shop.traffic.change_by_hand(resource(BACKEND), all_to(f"{BACKEND}-bad"))
    ticks(shop)
    shop.asks(EVE, Choice.UNLATCH, text=BACKEND)
    shop.deliver()
    assert record(shop).latch is None
    assert notices(shop)[-1] == f"{BACKEND} is handed back"
    (row,) = shop.store.audit(1)
    assert (row.person, row.choice, row.asked, row.answer) == (
        EVE,
        Choice.UNLATCH,
        BACKEND,
        Reason.CARRIED_OUT.value,
    )
    shop.drill(apply=True)
    shop.deliver()
    assert shop.store.drills()[0].passed


@pytest.mark.parametrize(
    ("who", "service", "why"),
    [(WES, BACKEND, "only Infra"), (BEN, FRONTEND, "nobody has taken over")],
)
def test_a_latch_is_not_cleared_without_right_or_reason(
    shop: World, who: str, service: str, why: str
) -> None:
    """Whoever may not approve is refused by name, and so is what is not latched."""
    ticks(shop)
    by_hand(shop)
    ticks(shop)
    shop.asks(who, Choice.UNLATCH, text=service)
    shop.deliver()
    assert record(shop).latch is not None
    assert why in shop.chat.told()[-1].text


def test_a_deployer_changes_traffic_every_day(tmp_path: Path) -> None:
    """Whoever the policy names as a deployer latches nothing."""
    world = World(tmp_path / "store.db", impatient(deployers=(PERSON,)))
    ticks(world)
    by_hand(world)
    ticks(world)
    assert record(world).latch is None
    assert record(world).moved_at == world.clock.now()


def test_a_tick_that_was_away_for_hours_does_not_latch_on_us(tmp_path: Path) -> None:
    """A rollback and its incident came and went between two looks: it was ours all the same."""
    world = World(tmp_path / "store.db")
    ticks(world)
    world.reports(alert())
    world.deliver()
    world.presses(BEN, Choice.APPROVE)
    world.deliver()
    assert record(world).traffic == all_to(f"{BACKEND}-good")
    world.clock.advance(timedelta(hours=5))
    ticks(world)
    assert (record(world).latch, record(world, FRONTEND).latch) == (None, None)


def test_our_drill_is_nobody_elses_change(shop: World) -> None:
    """Traffic that a look sees in the middle of a drill, and after it, is ours."""
    ticks(shop)
    shop.drill(apply=True)
    while not shop.sent():
        shop.deliver_once(Topic.CHANGES)
    shop.handle(LookDue(stack="shop", at=shop.clock.now() + MINUTE))
    shop.deliver()
    ticks(shop, 10)
    assert [each.latch for each in shop.stack.services] == [None, None]


def test_no_action_of_a_look_is_for_people(shop: World) -> None:
    """Only the worker of `changes` may touch Cloud Run; only that of `pages` talks to people."""
    topics = {kind: kind.topic for kind in ActionKind}
    assert (topics[ActionKind.OBSERVE], topics[ActionKind.TAG]) == (Topic.CHANGES, Topic.CHANGES)
    assert topics[ActionKind.NOTIFY] is Topic.PAGES
