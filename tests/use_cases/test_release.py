"""A release from the question to its end: what Cloud Run is asked, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from shared.domain.alert import AlertStatus
from shared.domain.incident_state import State
from shared.domain.paging import Choice, PageStep
from shared.domain.rollback import Revision, TrafficTarget, Verdict
from shared.domain.rollback_phase import Phase
from shared.domain.severity import Severity
from tests.builders import (
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
from tests.fakes.traffic import TrafficFault, ready_revision
from tests.use_cases.world import World

BOTH = (BACKEND, FRONTEND)
TAG = TrafficTarget(percent=0, revision=f"{BACKEND}-good", tag="switchman-good")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Both services were rolled back, and that is over; the newest revision is the bad one."""
    world = World(tmp_path / "switchman.db")
    with closing(world.store):
        tagged = (TrafficTarget(percent=100), TAG)
        world.traffic.add(resource(BACKEND), f"{BACKEND}-bad", f"{BACKEND}-good", traffic=tagged)
        world.healthy = lambda _: True
        world.reports(alert())
        world.deliver()
        world.presses(BEN, Choice.APPROVE)
        world.deliver()
        world.reports(alert(status=AlertStatus.RESOLVED))
        world.deliver()
        for _ in range(5):
            world.clock.advance(MINUTE)
            world.tick()
            world.deliver()
        assert world.incident.state is State.RESOLVED
        yield world


def fix_is_out(world: World, *services: str) -> None:
    """A new revision of these services is deployed; traffic stays pinned."""
    for service in services or BOTH:
        newest = ready_revision(f"{service}-fixed", world.clock.now())
        world.traffic.deploy(resource(service), newest)


def asks(world: World, options: str = "--apply") -> None:
    """Ben asks for a release, and what follows is done, until it waits for an approval."""
    world.asks(BEN, Choice.RELEASE, f"{options} the fix is out")
    world.deliver()


def approves(world: World) -> None:
    """Eve approves the release that is proposed, and what follows is done."""
    (mine,) = (each for each in world.stack.incidents if each.rollback and each.rollback.release)
    world.presses(EVE, Choice.APPROVE, of=mine)
    world.deliver()


def phase(world: World) -> Phase | None:
    """How far the release has got; None where none was proposed."""
    found = [each.rollback for each in world.stack.incidents if each.rollback]
    return next((each.phase for each in found if each.release), None)


def traffic(world: World, service: str) -> object:
    """What is asked for of the service now."""
    return world.traffic.look(resource(service)).traffic


def revision(world: World, name: str) -> Revision:
    """The revision of this name."""
    service = name.rpartition("-")[0]
    known = world.traffic.revisions(resource(service))
    return next(each for each in known if each.name == name)


def said(world: World) -> str:
    """Everything that was said in channels, and to single people."""
    posted = [line for each in world.chat.posted() for line in each.card.paragraphs]
    return "\n".join([*posted, *(told.text for told in world.chat.told())])


def test_both_services_go_back_to_latest_and_keep_their_tags(world: World) -> None:
    """Asked for by one, approved by another, healthy; nothing is pinned any more."""
    fix_is_out(world)
    asks(world)
    assert phase(world) is Phase.PROPOSED
    assert world.chat.posted()[-1].card.release
    approves(world)
    assert traffic(world, BACKEND) == (TrafficTarget(percent=100), TAG)
    assert traffic(world, FRONTEND) == LATEST
    assert phase(world) is Phase.APPLIED
    assert world.stack.pinned == ()
    (mine,) = (each for each in world.stack.incidents if each.rollback and each.rollback.release)
    assert mine.rollback is not None
    assert mine.rollback.verdict is Verdict.RECOVERED


def test_asking_and_looking_move_nothing(world: World) -> None:
    """Cloud Run validates the change, and is sent none before somebody has approved it."""
    fix_is_out(world)
    before = len(world.sent())
    world.asks(BEN, Choice.RELEASE)
    world.deliver()
    assert "after: 100 % LATEST" in said(world)
    asks(world)
    assert len(world.sent()) == before


def test_without_a_fix_it_is_refused(world: World) -> None:
    """LATEST is still what was rolled back from, and the channel reads so."""
    asks(world)
    assert phase(world) is None
    assert f"LATEST is {BACKEND}-bad, whose image was rolled back from" in said(world)


def test_the_same_image_in_a_new_revision_is_refused(world: World) -> None:
    """It is known by its digest, not by its name."""
    fix_is_out(world)
    fixed = revision(world, f"{FRONTEND}-fixed")
    same = replace(fixed, digest=revision(world, f"{FRONTEND}-bad").digest)
    world.traffic.show(resource(FRONTEND), same)
    asks(world)
    assert phase(world) is None
    assert f"LATEST is {FRONTEND}-fixed, whose image was rolled back from" in said(world)


def test_a_person_may_mean_an_image_that_was_rolled_back_from(world: World) -> None:
    """It was moved along with a service that was broken, say; then it is wanted again."""
    fix_is_out(world, BACKEND)
    digest = revision(world, f"{FRONTEND}-bad").digest
    assert digest in world.stack.rolled_back
    asks(world, "--apply --again")
    approves(world)
    assert phase(world) is Phase.APPLIED
    assert digest not in world.stack.rolled_back
    assert revision(world, f"{BACKEND}-bad").digest in world.stack.rolled_back


def test_what_a_person_set_is_not_taken_back(world: World) -> None:
    """Traffic that is not as the rollback left it was somebody's decision."""
    fix_is_out(world)
    world.traffic.change_by_hand(resource(BACKEND), all_to(f"{BACKEND}-bad"), "ana@shop")
    asks(world)
    assert phase(world) is None
    assert f"{BACKEND} is not as a rollback of Switchman's left it" in said(world)


def test_what_is_on_latest_already_is_left_out(world: World) -> None:
    """Only the other service moves."""
    fix_is_out(world)
    world.traffic.change_by_hand(resource(BACKEND), LATEST, "ana@shop")
    before = len(world.sent())
    asks(world)
    approves(world)
    assert [each.resource for each in world.sent()[before:]] == [resource(FRONTEND)]


def test_a_deployment_after_the_plan_was_made_invalidates_it(world: World) -> None:
    """What was approved is not what LATEST would mean: nothing moves, and somebody is paged."""
    fix_is_out(world)
    asks(world)
    newer = ready_revision(f"{BACKEND}-newer", world.clock.now())
    world.traffic.deploy(resource(BACKEND), newer)
    before = len(world.sent())
    approves(world)
    assert len(world.sent()) == before
    assert phase(world) is Phase.HELD
    steps = [page.step for each in world.stack.incidents for page in each.pages]
    assert PageStep.RELEASE_HELD in steps


def test_a_revision_that_becomes_ready_late_invalidates_it_as_well(world: World) -> None:
    """LATEST means another revision by then, although nobody changed the service's generation."""
    fix_is_out(world)
    late = Revision(name=f"{BACKEND}-late", created_at=world.clock.now(), ready=False)
    world.traffic.deploy(resource(BACKEND), late)
    asks(world)
    world.traffic.show(resource(BACKEND), replace(late, ready=True))
    before = len(world.sent())
    approves(world)
    assert len(world.sent()) == before
    assert phase(world) is Phase.HELD


def test_a_release_that_is_not_healthy_is_put_back(world: World) -> None:
    """Traffic is pinned as it was, and somebody is paged about it."""
    fix_is_out(world)
    asks(world)
    world.healthy = lambda _: (
        not any(
            world.traffic.look(resource(each)).main_revision.endswith("-fixed") for each in BOTH
        )
    )
    approves(world)
    assert traffic(world, FRONTEND) == all_to(f"{FRONTEND}-good")
    assert phase(world) is Phase.UNDONE
    steps = [page.step for each in world.stack.incidents for page in each.pages]
    assert steps[-1] is PageStep.RELEASE_UNDONE
    assert {each.service for each in world.stack.pinned} == {*BOTH}


def test_one_service_that_refuses_puts_the_other_back(world: World) -> None:
    """Never mixed, as with a rollback."""
    fix_is_out(world)
    asks(world)
    world.traffic.order(resource(FRONTEND), TrafficFault.REFUSE, SECOND)
    approves(world)
    assert traffic(world, BACKEND) == (*all_to(f"{BACKEND}-good"), TAG)
    assert traffic(world, FRONTEND) == all_to(f"{FRONTEND}-good")
    assert phase(world) is Phase.UNDONE


def test_a_smoke_test_that_fails_leaves_no_plan(world: World) -> None:
    """Where a tag leads to the newest revision it is asked before anybody is."""
    fix_is_out(world)
    state = world.traffic.look(resource(BACKEND))
    canary = TrafficTarget(percent=0, revision=f"{BACKEND}-fixed", tag="canary")
    world.traffic.change_by_hand(resource(BACKEND), (*state.traffic, canary), "ana@shop")
    world.healthy = lambda url: "canary---" not in url
    asks(world)
    assert phase(world) is None
    assert f"the smoke test of {BACKEND}-fixed failed" in said(world)


def test_a_second_alert_that_fires_on_takes_it_back(world: World) -> None:
    """Whatever began while traffic was released counts, not only the first of it."""
    fix_is_out(world)
    asks(world)
    (mine,) = (each for each in world.stack.incidents if each.rollback and each.rollback.release)
    world.presses(EVE, Choice.APPROVE, of=mine)
    began = world.clock.now()
    for name in ("First", "Second"):
        world.reports(alert(name, severity=Severity.SEV3, starts_at=began))
    world.clock.advance(SECOND)
    world.reports(alert("First", starts_at=began, status=AlertStatus.RESOLVED))
    world.deliver()
    assert traffic(world, FRONTEND) == all_to(f"{FRONTEND}-good")
    assert phase(world) is Phase.UNDONE
