"""What every Traffic does: the fake of the use-case tests, and the real one over gRPC."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.cloud_run import CloudRunTraffic
from shared.domain.errors import Conflict, Refused, SwitchmanError, Transient, UnknownOutcome
from shared.domain.rollback import TrafficTarget, same_split
from tests.contract.simulated_cloud_run import BACKEND, PARENT
from tests.contract.traffic_worlds import (
    LATEST,
    PATIENCE,
    SimulatedWorld,
    World,
    all_to,
    fake_world,
    simulated_world,
    until,
)
from tests.fakes.traffic import TrafficFault

SOON = timedelta(seconds=0.4)


@pytest.fixture(params=["fake", "cloud_run"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A backend whose LATEST serves the new revision, with an old one to go back to."""
    if request.param == "fake":
        yield fake_world()
        return
    with simulated_world(tmp_path) as real:
        yield real


@pytest.fixture
def real(tmp_path: Path) -> Iterator[SimulatedWorld]:
    """The real adapter alone."""
    with simulated_world(tmp_path) as world:
        yield world


def test_a_service_is_shown_as_it_is(world: World) -> None:
    """LATEST has no revision, neither asked for nor observed; it means the latest ready one."""
    state = world.traffic.look(BACKEND)
    assert state.resource == BACKEND
    assert (state.traffic, state.serving) == (LATEST, LATEST)
    assert (state.latest_ready, state.main_revision) == (world.new, world.new)
    assert state.ready
    assert not state.reconciling
    assert state.etag
    assert state.uri.startswith("http")


def test_revisions_come_newest_first(world: World) -> None:
    """The first one is the one deployed last, each with its short name and readiness."""
    found = world.traffic.revisions(BACKEND)
    assert [revision.name for revision in found] == [world.new, world.old]
    assert all(revision.ready for revision in found)
    assert found[0].created_at > found[1].created_at
    assert found[0].created_at.utcoffset() == timedelta()


def test_traffic_moves_and_moves_back(world: World) -> None:
    """A change raises the generation by one and is served at the end; LATEST can come back."""
    before = world.traffic.look(BACKEND)
    world.traffic.send(BACKEND, all_to(world.old), before.etag)
    moved = world.traffic.settled(BACKEND, all_to(world.old), PATIENCE)
    assert moved.generation == before.generation + 1
    assert moved.traffic == moved.serving == all_to(world.old)
    assert moved.ready
    assert not moved.reconciling
    world.traffic.send(BACKEND, LATEST, moved.etag)
    assert world.traffic.settled(BACKEND, LATEST, PATIENCE).serving == LATEST


def test_shares_and_tags_survive(world: World) -> None:
    """A split with a tag and a line without traffic is served as it was asked for."""
    split = (
        TrafficTarget(percent=90, revision=world.old),
        TrafficTarget(percent=10),
        TrafficTarget(percent=0, revision=world.new, tag="canary"),
    )
    world.traffic.send(BACKEND, split, world.traffic.look(BACKEND).etag)
    state = world.traffic.settled(BACKEND, split, PATIENCE)
    assert same_split(state.serving, split)
    assert same_split(state.traffic, split)


def test_asking_for_what_is_asked_already_changes_nothing(world: World) -> None:
    """The generation stays, so that a plan made before still holds."""
    before = world.traffic.look(BACKEND)
    world.traffic.send(BACKEND, LATEST, before.etag)
    assert world.traffic.settled(BACKEND, LATEST, PATIENCE).generation == before.generation


def test_an_old_etag_changes_nothing(world: World) -> None:
    """When somebody else wrote first, the change is a conflict and theirs stands."""
    before = world.traffic.look(BACKEND)
    world.change_by_hand(world.new)
    with pytest.raises(Conflict):
        world.traffic.send(BACKEND, all_to(world.old), before.etag)
    after = world.traffic.look(BACKEND)
    assert after.traffic == all_to(world.new)
    assert after.generation == before.generation + 1
    assert after.last_modifier == "someone@else"


def test_of_two_changes_at_once_one_wins(world: World) -> None:
    """Two workers with the same etag: one moves traffic, the other meets a conflict."""
    etag = world.traffic.look(BACKEND).etag
    ended: list[str] = []
    barrier = threading.Barrier(2)

    def send(revision: str) -> None:
        barrier.wait()
        try:
            world.traffic.send(BACKEND, all_to(revision), etag)
            ended.append("moved")
        except Conflict:
            ended.append("conflict")

    threads = [threading.Thread(target=send, args=(name,)) for name in (world.old, world.new)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) == ["conflict", "moved"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (TrafficFault.REFUSE, Refused),
        (TrafficFault.CONFLICT, Conflict),
        (TrafficFault.DENIED, Refused),
        (TrafficFault.ACT_AS_DENIED, Refused),
        (TrafficFault.QUOTA, Transient),
    ],
)
def test_a_no_changes_nothing(
    world: World, fault: TrafficFault, error: type[SwitchmanError]
) -> None:
    """After a refusal or a conflict the service is exactly as before, and can be changed again."""
    before = world.traffic.look(BACKEND)
    world.order(fault, SOON)
    with pytest.raises(error) as raised:
        world.traffic.send(BACKEND, all_to(world.old), before.etag)
    assert type(raised.value) is error
    assert world.traffic.look(BACKEND) == before
    world.traffic.send(BACKEND, all_to(world.old), before.etag)
    assert world.traffic.settled(BACKEND, all_to(world.old), PATIENCE).serving == all_to(world.old)


def test_what_was_never_sent_is_transient(world: World) -> None:
    """Without a connection nothing was sent: no doubt, and no change."""
    before = world.traffic.look(BACKEND)
    with pytest.raises(Transient) as raised:
        world.away().send(BACKEND, all_to(world.old), before.etag)
    assert not isinstance(raised.value, Conflict)
    assert world.changes() == 0
    assert world.traffic.look(BACKEND) == before


def test_a_lost_request_is_an_unknown_outcome(world: World) -> None:
    """Nothing happened and nobody said so: only looking can tell, and it can be sent again."""
    before = world.traffic.look(BACKEND)
    world.order(TrafficFault.TIMEOUT, SOON)
    with pytest.raises(UnknownOutcome):
        world.traffic.send(BACKEND, all_to(world.old), before.etag)
    assert world.traffic.look(BACKEND) == before
    world.traffic.send(BACKEND, all_to(world.old), before.etag)
    assert world.traffic.settled(BACKEND, all_to(world.old), PATIENCE).serving == all_to(world.old)


def test_a_lost_answer_is_an_unknown_outcome(world: World) -> None:
    """The change was made once and nobody said so: a look shows it, one generation later."""
    before = world.traffic.look(BACKEND)
    world.order(TrafficFault.TIMEOUT_AFTER_SUCCESS, SOON)
    with pytest.raises(UnknownOutcome):
        world.traffic.send(BACKEND, all_to(world.old), before.etag)
    state = world.traffic.settled(BACKEND, all_to(world.old), PATIENCE)
    assert state.generation == before.generation + 1
    assert state.serving == all_to(world.old)
    assert world.changes() == 1


def test_a_change_may_land_late(world: World) -> None:
    """After a time-out the service may look untouched for a while, and then be changed."""
    before = world.traffic.look(BACKEND)
    world.order(TrafficFault.LATE_LANDING, SOON)
    with pytest.raises(UnknownOutcome):
        world.traffic.send(BACKEND, all_to(world.old), before.etag)
    assert world.traffic.look(BACKEND).generation == before.generation
    landed = until(world, lambda state: state.generation > before.generation)
    assert landed.traffic == all_to(world.old)


def test_a_change_that_lands_late_meets_its_etag(world: World) -> None:
    """Sent again in the meantime, it happens once: the late one no longer has the right etag."""
    before = world.traffic.look(BACKEND)
    world.order(TrafficFault.LATE_LANDING, SOON)
    with pytest.raises(UnknownOutcome):
        world.traffic.send(BACKEND, all_to(world.old), before.etag)
    world.traffic.send(BACKEND, all_to(world.old), before.etag)
    world.clock.sleep(SOON)
    state = world.traffic.settled(BACKEND, all_to(world.old), PATIENCE)
    assert state.generation == before.generation + 1


def test_an_operation_that_fails_is_told_apart(world: World) -> None:
    """Taken and not carried out: asked for, not served, and said so rather than waited for."""
    world.order(TrafficFault.OPERATION_ERROR, SOON)
    world.traffic.send(BACKEND, all_to(world.old), world.traffic.look(BACKEND).etag)
    with pytest.raises(Refused):
        world.traffic.settled(BACKEND, all_to(world.old), PATIENCE)
    state = world.traffic.look(BACKEND)
    assert (state.traffic, state.serving) == (all_to(world.old), LATEST)
    assert not state.ready


def test_an_earlier_failure_says_nothing_about_a_later_change(world: World) -> None:
    """The same traffic sent again, its answer lost: it is not the failed operation that counts."""
    world.order(TrafficFault.OPERATION_ERROR, SOON)
    world.traffic.send(BACKEND, all_to(world.old), world.traffic.look(BACKEND).etag)
    with pytest.raises(Refused):
        world.traffic.settled(BACKEND, all_to(world.old), PATIENCE)
    world.change_by_hand(world.new)
    world.order(TrafficFault.TIMEOUT_AFTER_SUCCESS, SOON)
    with pytest.raises(UnknownOutcome):
        world.traffic.send(BACKEND, all_to(world.old), world.traffic.look(BACKEND).etag)
    state = world.traffic.settled(BACKEND, all_to(world.old), PATIENCE)
    assert state.serving == all_to(world.old)


def test_waiting_ends_when_time_is_up(world: World) -> None:
    """A slow change is shown as it stands at the deadline, and settles when it is through."""
    world.order(TrafficFault.SLOW_OPERATION, SOON * 2)
    world.traffic.send(BACKEND, all_to(world.old), world.traffic.look(BACKEND).etag)
    started = world.clock.now()
    unfinished = world.traffic.settled(BACKEND, all_to(world.old), SOON)
    assert world.clock.now() - started < SOON * 2
    assert unfinished.reconciling
    assert unfinished.serving == LATEST
    assert world.traffic.settled(BACKEND, all_to(world.old), PATIENCE).serving == all_to(world.old)


def test_a_dry_run_changes_nothing(world: World) -> None:
    """It passes what would be accepted, refuses what would be refused, and leaves no trace."""
    before = world.traffic.look(BACKEND)
    world.traffic.send(BACKEND, all_to(world.old), before.etag, dry_run=True)
    with pytest.raises(Refused):
        world.traffic.send(BACKEND, all_to("backend-00099-xxx"), before.etag, dry_run=True)
    with pytest.raises(Conflict):
        world.traffic.send(BACKEND, all_to(world.old), '"another"', dry_run=True)
    assert world.traffic.look(BACKEND) == before
    assert world.changes() == 0


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (TrafficFault.DENIED, Refused),
        (TrafficFault.ACT_AS_DENIED, Refused),
        (TrafficFault.QUOTA, Transient),
    ],
)
def test_a_dry_run_asks_for_permission_too(
    world: World, fault: TrafficFault, error: type[SwitchmanError]
) -> None:
    """What Cloud Run would say to the change itself it says to the dry run, in the same words."""
    world.order(fault, SOON)
    with pytest.raises(error) as tried:
        world.traffic.send(BACKEND, all_to(world.old), "", dry_run=True)
    world.order(fault, SOON)
    with pytest.raises(error) as done:
        world.traffic.send(BACKEND, all_to(world.old), "")
    said = [str(raised.value).partition(": ")[2] for raised in (tried, done)]
    assert said[0] == said[1]


def test_a_dry_run_leaves_what_waits_for_the_change(world: World) -> None:
    """A refusal that comes up only as the change is made does not show in the dry run before."""
    world.order(TrafficFault.REFUSE, SOON)
    world.traffic.send(BACKEND, all_to(world.old), "", dry_run=True)
    with pytest.raises(Refused):
        world.traffic.send(BACKEND, all_to(world.old), "")


def test_a_service_that_does_not_exist_is_refused(world: World) -> None:
    """Looking, listing or changing: it will never work, and says why."""
    nowhere = f"{PARENT}/services/nowhere"
    with pytest.raises(Refused, match="nowhere"):
        world.traffic.look(nowhere)
    with pytest.raises(Refused, match="nowhere"):
        world.traffic.revisions(nowhere)
    with pytest.raises(Refused, match="nowhere"):
        world.traffic.send(nowhere, LATEST, "")


def test_another_worker_waits_without_the_operation(real: SimulatedWorld) -> None:
    """Who did not send the change, after a death say, learns from the service that it is through."""
    real.traffic.send(BACKEND, all_to(real.old), real.traffic.look(BACKEND).etag)
    other = CloudRunTraffic(real.clock, endpoint=real.simulated.simulation.grpc_address)
    try:
        assert other.settled(BACKEND, all_to(real.old), PATIENCE).serving == all_to(real.old)
    finally:
        other.close()


def test_a_failed_latest_revision_does_not_hold_up_a_rollback(real: SimulatedWorld) -> None:
    """Pinned to a good revision a service counts as ready, though its latest one never will."""
    real.simulated.deploy("unready")
    assert not real.traffic.look(BACKEND).ready
    real.traffic.send(BACKEND, all_to(real.old), real.traffic.look(BACKEND).etag)
    state = real.traffic.settled(BACKEND, all_to(real.old), PATIENCE)
    assert state.ready
    assert state.latest_ready == real.new
    newest = real.traffic.revisions(BACKEND)[0]
    assert not newest.ready


def test_only_traffic_is_in_the_mask(real: SimulatedWorld) -> None:
    """Nothing else of the service can be changed by accident."""
    real.traffic.send(BACKEND, all_to(real.old), real.traffic.look(BACKEND).etag)
    sent = [entry for entry in real.simulated.log() if entry["method"] == "UpdateService"]
    assert [entry["update_mask"] for entry in sent] == [["traffic"]]


def test_what_cannot_be_seen_is_transient(real: SimulatedWorld) -> None:
    """Looking at, listing and waiting for a service that cannot be reached may succeed later."""
    nowhere = real.away()
    with pytest.raises(Transient):
        nowhere.look(BACKEND)
    with pytest.raises(Transient):
        nowhere.revisions(BACKEND)
    with pytest.raises(Transient):
        nowhere.settled(BACKEND, LATEST, timedelta())
