"""The rollback drill from its order to its report: what Cloud Run is asked, and what is left."""

from __future__ import annotations

import pytest

from shared.domain.action import Topic
from shared.domain.decision import DrillRow, Reason
from shared.domain.evidence import drill_markdown
from shared.domain.incident_state import State
from shared.domain.paging import Choice, PageStep
from shared.domain.rollback import Split, TrafficTarget
from shared.domain.rollback_phase import Phase
from tests.builders import (
    ANA,
    BACKEND,
    BEN,
    EVE,
    FRONTEND,
    LATEST,
    MINUTE,
    SECOND,
    alert,
    all_to,
    resource,
)
from tests.fakes.traffic import TrafficFault
from tests.use_cases.world import World

BOTH = (BACKEND, FRONTEND)
SPLIT = (
    TrafficTarget(percent=90),
    TrafficTarget(percent=10, revision=f"{BACKEND}-good"),
    TrafficTarget(percent=0, revision=f"{BACKEND}-bad", tag="canary"),
)
THEIRS = (TrafficTarget(percent=50), TrafficTarget(percent=50, revision=f"{FRONTEND}-good"))


@pytest.fixture
def calm(world: World) -> World:
    """A shop in which every revision works."""
    world.healthy = lambda _: True
    return world


def drilled(world: World) -> DrillRow:
    """Has a drill move traffic, to its very end, and gives what was recorded."""
    assert world.drill(apply=True).reason is Reason.DRILL_PLANNED
    world.deliver()
    return recorded(world)


def recorded(world: World) -> DrillRow:
    """The only drill that was recorded; none is under way any more."""
    assert world.stack.drill is None
    (row,) = world.store.drills()
    return row


def moving(world: World) -> None:
    """Has a drill move traffic, and stops before it is put back."""
    world.drill(apply=True)
    world.deliver_once(Topic.CHANGES)
    world.deliver_once(Topic.CHANGES)
    assert len(world.sent()) == 2


def traffic(world: World, service: str) -> Split:
    """What the service is asked to serve now."""
    return world.traffic.look(resource(service)).traffic


def changes(world: World, service: str) -> list[Split]:
    """What Switchman made of the service's traffic, in order."""
    sent = (each for each in world.sent() if each.resource == resource(service) and each.changed)
    return [each.traffic for each in sent]


def newest_page(world: World) -> str:
    """Everything the newest page says."""
    card = world.chat.posted()[-1].card
    return "\n".join((card.headline, *card.paragraphs))


def test_without_apply_nothing_is_sent_but_dry_runs(calm: World) -> None:
    """Cloud Run says that the plan would be valid, and that is all it is asked."""
    calm.drill(apply=False)
    calm.deliver()
    row = recorded(calm)
    assert (row.passed, row.applied, row.rto_seconds) == (True, False, None)
    assert row.text.startswith("dry run: would move shop-backend from bad to good")
    assert [each.dry_run for each in calm.traffic.mutations()] == [True, True]
    assert calm.chat.posted() == ()


def test_applied_every_service_moves_and_comes_back(calm: World) -> None:
    """Two requests for each service, PASS, and neither an incident nor a page."""
    row = drilled(calm)
    assert row.passed
    for service in BOTH:
        assert changes(calm, service) == [all_to(f"{service}-good"), LATEST]
    assert (calm.stack.incidents, calm.chat.posted()) == ((), ())


@pytest.mark.parametrize("found", [LATEST, SPLIT], ids=["LATEST", "split and tag"])
def test_traffic_is_put_back_exactly_as_it_was_found(calm: World, found: Split) -> None:
    """LATEST stays LATEST, shares stay shares, and tags stay where they were."""
    calm.traffic.change_by_hand(resource(BACKEND), found)
    assert drilled(calm).passed
    assert sorted(map(repr, traffic(calm, BACKEND))) == sorted(map(repr, found))
    assert calm.traffic.look(resource(BACKEND)).serving == traffic(calm, BACKEND)


def test_recovery_restore_and_the_whole_are_measured(calm: World) -> None:
    """RTO counts from the first traffic request until health; so does the way back."""
    calm.traffic.order(resource(BACKEND), TrafficFault.SLOW_OPERATION, 20 * SECOND)
    calm.traffic.order(resource(BACKEND), TrafficFault.SLOW_OPERATION, 18 * SECOND)
    row = drilled(calm)
    assert row.passed
    assert row.rto_seconds == pytest.approx(20, abs=0.5)
    assert row.restore_seconds == pytest.approx(18, abs=0.5)
    assert row.total_seconds == pytest.approx(38, abs=1)
    assert "| RTO within 300 s | PASS |" in drill_markdown(row)


def test_the_time_until_a_worker_took_it_up_does_not_count(calm: World) -> None:
    """A late message is not a slow rollback."""
    calm.drill(apply=True)
    calm.deliver_once(Topic.CHANGES)
    calm.clock.advance(4 * MINUTE)
    calm.deliver()
    assert recorded(calm).passed


def test_a_drill_taken_up_much_later_moves_nothing(calm: World) -> None:
    """Ten minutes on, an incident may have opened: what was planned then is not done now."""
    calm.drill(apply=True)
    calm.deliver_once(Topic.CHANGES)
    calm.clock.advance(10 * MINUTE)
    calm.deliver()
    assert (recorded(calm).passed, calm.sent()) == (False, [])


def test_when_one_service_refuses_the_other_is_put_back(calm: World) -> None:
    """FAIL is recorded; everything is as before, so nobody is woken."""
    calm.traffic.order(resource(FRONTEND), TrafficFault.REFUSE)
    row = drilled(calm)
    assert (row.passed, row.text) == (False, "not every service could be rolled back")
    assert [traffic(calm, service) for service in BOTH] == [LATEST, LATEST]
    assert changes(calm, BACKEND) == [all_to(f"{BACKEND}-good"), LATEST]
    assert changes(calm, FRONTEND) == []
    assert any("Cloud Run refuses" in finding for finding in row.findings)
    assert (calm.stack.incidents, calm.chat.posted()) == ((), ())


def test_when_every_service_refuses_the_drill_is_over(calm: World) -> None:
    """Nothing was moved, and nothing is put back."""
    for service in BOTH:
        calm.traffic.order(resource(service), TrafficFault.REFUSE)
    row = drilled(calm)
    assert (row.passed, calm.stack.incidents) == (False, ())
    assert not any(changes(calm, service) for service in BOTH)


def test_a_service_that_never_serves_is_put_back(calm: World) -> None:
    """Cloud Run took the change and did not carry it out."""
    calm.traffic.order(resource(FRONTEND), TrafficFault.OPERATION_ERROR)
    assert drilled(calm).passed is False
    assert [traffic(calm, service) for service in BOTH] == [LATEST, LATEST]
    assert calm.stack.incidents == ()


def test_without_health_after_the_rollback_traffic_is_put_back(world: World) -> None:
    """The known-good revision is not good: that is what a drill is there to find out."""
    world.healthy = lambda url: _revision(world, url).endswith("-bad")
    row = drilled(world)
    assert row.passed is False
    assert row.text.startswith("not healthy after the rollback: /version answered 500")
    assert [traffic(world, service) for service in BOTH] == [LATEST, LATEST]
    assert row.restore_seconds is not None


def test_without_health_after_the_restore_the_drill_has_failed(world: World) -> None:
    """Traffic is as before and the services do not answer as before."""
    row = drilled(world)
    assert row.passed is False
    assert row.text.startswith("not healthy after it was put back: /version answered 500")
    assert [traffic(world, service) for service in BOTH] == [LATEST, LATEST]
    assert (row.restore_seconds, row.total_seconds) == (None, None)


def _revision(world: World, url: str) -> str:
    """The revision that answers at this address."""
    service = BACKEND if BACKEND in url else FRONTEND
    return world.traffic.look(resource(service)).main_revision


def test_without_a_plan_the_drill_has_failed(calm: World) -> None:
    """There is nothing to go back to, and the reason is recorded."""
    calm.traffic.add(resource(FRONTEND), f"{FRONTEND}-only")
    row = drilled(calm)
    assert (row.passed, row.applied) == (False, True)
    assert "there is no revision older than shop-frontend-only" in row.text
    assert calm.sent() == []


def test_what_somebody_changed_meanwhile_is_left_alone(calm: World) -> None:
    """Between the rollback and the restore: an incident says so, and names both services."""
    moving(calm)
    calm.traffic.change_by_hand(resource(FRONTEND), THEIRS, who="ana@shop")
    calm.deliver()
    assert len(calm.sent()) == 2
    assert traffic(calm, FRONTEND) == THEIRS
    assert recorded(calm).text == "not every service could be put back"
    assert (calm.incident.state, calm.incident.settles) == (State.OPEN, False)
    assert "A rollback drill may have left traffic changed" in newest_page(calm)
    story = "\n".join(calm.timeline())
    assert "ana@shop changed it meanwhile" in story
    assert all(service in story for service in BOTH)


def test_what_somebody_changed_before_the_rollback_is_left_alone(calm: World) -> None:
    """Between the plan and the rollback: nothing is moved at all."""
    calm.drill(apply=True)
    calm.deliver_once(Topic.CHANGES)
    calm.traffic.change_by_hand(resource(FRONTEND), THEIRS, who="ana@shop")
    calm.deliver()
    assert (calm.sent(), calm.stack.incidents) == ([], ())
    row = recorded(calm)
    assert row.passed is False
    assert "ana@shop changed it meanwhile" in "\n".join(row.findings)


def test_a_lost_answer_of_a_change_that_never_shows_wakes_somebody(calm: World) -> None:
    """In doubt traffic does not move: hands off, and a page."""
    calm.traffic.order(resource(BACKEND), TrafficFault.TIMEOUT)
    row = drilled(calm)
    assert row.passed is False
    assert calm.incident.pages[0].step is PageStep.OPENED
    assert "the answer was lost" in "\n".join(calm.timeline())


@pytest.mark.parametrize("fault", [TrafficFault.TIMEOUT_AFTER_SUCCESS, TrafficFault.LATE_LANDING])
def test_a_lost_answer_of_a_change_that_happened_is_looked_up(
    calm: World, fault: TrafficFault
) -> None:
    """Nothing is sent twice, on the way there and on the way back."""
    for service in BOTH:
        calm.traffic.order(resource(service), fault, 5 * SECOND)
        calm.traffic.order(resource(service), fault, 5 * SECOND)
    assert drilled(calm).passed
    assert len(calm.sent()) == 4
    assert [traffic(calm, service) for service in BOTH] == [LATEST, LATEST]


def test_a_drill_is_refused_during_an_incident(proposed: World) -> None:
    """The reason is recorded, and nothing is planned."""
    assert proposed.drill(apply=True).reason is Reason.DRILL_REFUSED
    (row,) = proposed.store.drills()
    assert (row.verdict, row.text) == ("REFUSED", f"incident {proposed.incident.id} is open")
    report = drill_markdown(row)
    assert "FAIL" not in report
    assert proposed.topics.ids(Topic.CHANGES) == []


def test_a_drill_is_refused_during_a_rollback(proposed: World) -> None:
    """Traffic that moves is not drilled, and the rollback goes on."""
    proposed.presses(BEN, Choice.APPROVE)
    assert proposed.drill(apply=True).reason is Reason.DRILL_REFUSED
    (row,) = proposed.store.drills()
    assert row.text == f"incident {proposed.incident.id} is mitigating"
    proposed.deliver()
    assert proposed.incident.state is State.MITIGATED
    assert len(proposed.sent()) == 2


def test_a_drill_is_refused_during_another(calm: World) -> None:
    """The first goes on to its end."""
    moving(calm)
    assert calm.drill("tuesday", apply=True).reason is Reason.DRILL_REFUSED
    calm.deliver()
    refused, passed = sorted(calm.store.drills(), key=lambda row: row.passed)
    assert refused.text == f"drill {passed.id} is under way"
    assert len(calm.sent()) == 4


def test_an_order_that_comes_twice_is_one_drill(calm: World) -> None:
    """The scheduler delivers at least once."""
    for _ in range(3):
        calm.drill(apply=True)
        calm.deliver()
    assert recorded(calm).id == "drill-monday"
    assert len(calm.sent()) == 4


def test_a_person_has_a_drill_move_traffic(calm: World) -> None:
    """Asked for from Slack, it is the same drill, under that person's name."""
    calm.asks(EVE, Choice.DRILL, "rollback --apply")
    calm.deliver()
    row = recorded(calm)
    assert (row.passed, row.applied, row.asked_by) == (True, True, "Eve")
    assert calm.chat.told() == ()


@pytest.mark.parametrize(
    ("who", "text", "why"),
    [
        (ANA, "rollback --apply", "only Infra may have a drill move traffic"),
        (BEN, "juggling", "there is no drill called 'juggling'"),
        ("U0STRANGER", "rollback", "the policy knows no person"),
    ],
)
def test_a_person_whose_drill_is_refused_is_told(
    calm: World, who: str, text: str, why: str
) -> None:
    """In private, and nothing is planned."""
    calm.asks(who, Choice.DRILL, text)
    calm.deliver()
    (told,) = calm.chat.told()
    assert told.user == who
    assert why in told.text
    assert calm.traffic.mutations() == ()


def test_an_incident_during_a_drill_gets_its_plan_once_traffic_is_back(world: World) -> None:
    """The plan starts from the shop's own traffic, and may be approved."""
    moving(world)
    world.reports(alert())
    world.deliver(Topic.PAGES)
    rollback = world.incident.rollback
    assert rollback is not None
    assert (rollback.waiting, rollback.plan) == (True, None)
    assert "A rollback plan is being prepared." in newest_page(world)
    world.deliver()
    rollback = world.incident.rollback
    assert rollback is not None
    assert (rollback.phase, rollback.waiting) == (Phase.PROPOSED, False)
    assert rollback.plan is not None
    assert [planned.before for planned in rollback.plan.services] == [LATEST, LATEST]
    world.presses(BEN, Choice.APPROVE)
    world.deliver()
    assert world.incident.state is State.MITIGATED


def test_an_incident_before_traffic_moved_stops_the_drill(world: World) -> None:
    """Nothing is moved for practice once something is on fire."""
    world.drill(apply=True)
    world.reports(alert())
    world.deliver()
    row = recorded(world)
    assert row.text.startswith("stopped before traffic was moved: incident")
    assert world.sent() == []
    assert world.incident.rollback is not None
    assert world.incident.rollback.phase is Phase.PROPOSED


def test_a_rollback_asked_for_during_a_drill_is_refused(calm: World) -> None:
    """The person may ask again in a minute, and the drill is not disturbed."""
    moving(calm)
    calm.asks(BEN, Choice.ROLLBACK, "checkout is slow")
    calm.deliver()
    (told,) = calm.chat.told()
    assert "is under way" in told.text
    assert recorded(calm).passed
    assert calm.stack.incidents == ()


def test_a_rollback_asked_for_is_approved_by_another_and_carried_out(world: World) -> None:
    """From the wish to recovery without any alert, with one page to the other approver."""
    world.asks(BEN, Choice.ROLLBACK, "checkout is slow")
    world.deliver()
    (posted,) = world.chat.posted("#infra")
    assert (posted.card.mention, posted.card.headline[:11]) == (EVE, "To approve:")
    world.presses(BEN, Choice.APPROVE)
    world.deliver()
    assert world.sent() == []
    assert [told.user for told in world.chat.told()] == [BEN]
    world.presses(EVE, Choice.APPROVE)
    world.deliver()
    assert [traffic(world, service) for service in BOTH] == [
        all_to(f"{service}-good") for service in BOTH
    ]
    assert world.incident.state is State.MITIGATED
    world.presses(BEN, Choice.RESOLVE)
    world.tick()
    assert world.incident.resolved_at == world.clock.now()


def test_a_modal_is_filled_and_nothing_is_changed(world: World) -> None:
    """A placeholder at once, the plan when it is ready."""
    view = world.chat.ask(world.chat.trigger(), "shop")
    before = world.stack
    world.asks(BEN, Choice.PREVIEW, view=view)
    world.deliver()
    (modal,) = world.chat.modals()
    assert modal.sheet is not None
    assert [move.split(":")[0] for move in modal.sheet.moves] == [
        "shop-backend from bad to good",
        "shop-frontend from bad to good",
    ]
    assert (world.stack, world.sent(), world.chat.posted()) == (before, [], ())
