"""What a service could be rolled back to, and what a restore writes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.ledger import Good, ServiceRecord
from shared.domain.rollback import (
    NoPlan,
    Position,
    Revision,
    ServicePlan,
    ServiceState,
    Split,
    TrafficTarget,
    describe_split,
    position,
    same_split,
)
from shared.domain.targets import MOST_LISTED, plan_service, restored_split, tag_of, weighed
from tests.builders import (
    BACKEND,
    LATEST,
    MINUTE,
    NOON,
    all_to,
    plan,
    policy,
    resource,
    service_plan,
)

SERVICE = policy().stack("shop").services[0]
CANARY = TrafficTarget(percent=0, revision="r3", tag="canary")


def revision(name: str, *, age: int, ready: bool = True) -> Revision:
    """A revision made so many minutes before noon."""
    return Revision(name=name, created_at=NOON - age * MINUTE, ready=ready)


HISTORY = (revision("r3", age=1), revision("r2", age=10), revision("r1", age=20))


def state(traffic: Split = LATEST, **changes: object) -> ServiceState:
    """The backend, which serves what it was asked to; its latest ready revision is r3."""
    facts: dict[str, object] = {
        "resource": resource(BACKEND),
        "generation": 7,
        "etag": '"7"',
        "traffic": traffic,
        "serving": traffic,
        "ready": True,
        "reconciling": False,
        "latest_ready": "r3",
        "uri": "https://backend.example.com",
    }
    return ServiceState(**{**facts, **changes})  # type: ignore[arg-type]  # a builder takes any


def outcome(
    seen: ServiceState, history: tuple[Revision, ...], record: ServiceRecord | None = None
) -> ServicePlan | NoPlan:
    """The plan to the best candidate, or why there is none."""
    found = weighed(SERVICE, seen, history, record)
    return found if isinstance(found, NoPlan) else plan_service(SERVICE, seen, history, found)


def planned(
    seen: ServiceState, history: tuple[Revision, ...], record: ServiceRecord | None = None
) -> ServicePlan:
    """The plan, where there is one."""
    plan = outcome(seen, history, record)
    assert isinstance(plan, ServicePlan)
    return plan


def test_the_target_is_the_newest_ready_revision_before_the_one_that_serves() -> None:
    """LATEST means r3, so everything goes back to r2."""
    found = planned(state(), HISTORY)
    assert (found.from_revision, found.to_revision) == ("r3", "r2")
    assert (found.before, found.after) == (LATEST, all_to("r2"))


def test_a_plan_is_bound_to_what_was_seen() -> None:
    """Generation, etag and the meaning of LATEST are part of the plan."""
    found = planned(state(), HISTORY)
    assert (found.generation, found.etag, found.latest_ready) == (7, '"7"', "r3")


def test_the_order_in_which_revisions_are_listed_does_not_matter() -> None:
    """Only their age counts."""
    assert planned(state(), HISTORY[::-1]).to_revision == "r2"


def test_a_revision_that_is_not_ready_is_no_target() -> None:
    """Nothing is rolled back to what could not serve."""
    history = (HISTORY[0], revision("r2", age=10, ready=False), HISTORY[2])
    assert planned(state(), history).to_revision == "r1"


def test_what_serves_counts_and_not_what_is_newest() -> None:
    """A service that is pinned to r2 already goes back from there."""
    assert planned(state(all_to("r2")), HISTORY).to_revision == "r1"


def test_a_split_is_judged_by_the_revision_with_most_of_it() -> None:
    """At 90 to 10 the incident is the 90's."""
    split = (TrafficTarget(percent=10, revision="r2"), TrafficTarget(percent=90))
    assert planned(state(split), HISTORY).from_revision == "r3"


def test_tags_stay_and_carry_no_traffic() -> None:
    """A tagged revision keeps its address while all traffic goes elsewhere."""
    tagged = TrafficTarget(percent=20, revision="r3", tag="canary")
    found = planned(state((TrafficTarget(percent=80), tagged)), HISTORY)
    assert found.after == all_to("r2", CANARY)


def test_a_plan_says_whether_its_target_is_known_to_be_good() -> None:
    """What proved itself is preferred to what is newer, and every candidate is listed."""
    proof = Good(revision="r1", digest="", proven_at=NOON, requests=12)
    record = ServiceRecord(service=BACKEND, traffic=LATEST, seen_at=NOON, good=(proof,))
    found = planned(state(), HISTORY, record)
    assert (found.to_revision, found.proven) == ("r1", True)
    assert found.why == "known-good: it answered 12 requests by 2026-03-01 12:00 UTC"
    assert [line.split(",")[0] for line in found.candidates] == ["r2: unproven", "r1: known-good"]
    assert planned(state(), HISTORY).proven is False


def test_a_plan_names_the_images_on_both_sides() -> None:
    """What went wrong is known by its digest, whatever revision it comes back in."""
    old = replace(HISTORY[1], digest="sha256:old", image="registry/api:7")
    new = replace(HISTORY[0], digest="sha256:new")
    found = planned(state(), (new, old))
    assert (found.from_digest, found.to_digest) == ("sha256:new", "sha256:old")
    assert found.to_image == "registry/api:7"


def test_a_long_history_is_listed_in_short_with_the_target_in_it() -> None:
    """The head has room for a few lines, not for a thousand revisions."""
    older = tuple(revision(f"r-{age}", age=age, ready=age == 60) for age in range(2, 61))
    lines = planned(state(), (HISTORY[0], *older)).candidates
    assert len(lines) == MOST_LISTED + 2
    assert lines[-2].startswith("r-60: unproven")
    assert lines[-1] == f"and {len(older) - MOST_LISTED - 1} more"


def test_a_tag_leads_to_the_revision_that_it_is_seen_on() -> None:
    """A tag of another revision, or one that is only asked for, reaches something else."""
    tagged = TrafficTarget(percent=0, revision="r2", tag="switchman-good")
    url = "https://switchman-good---backend.example.com"
    seen = state((*LATEST, tagged), tags={"switchman-good": url})
    assert tag_of(seen, "r2") == ("switchman-good", url)
    assert tag_of(seen, "r1") == ("", "")
    assert tag_of(replace(seen, serving=LATEST), "r2") == ("", "")


@pytest.mark.parametrize(
    ("seen", "history", "why"),
    [
        (state(), HISTORY[:1], "no revision older than r3"),
        (state(), (HISTORY[0], revision("r2", age=10, ready=False)), "r2: no, it is not Ready"),
        (state(reconciling=True), HISTORY, "still being carried out"),
        (state(all_to("r9")), HISTORY, "r9 is not to be found"),
        (state((), latest_ready=""), HISTORY, "(none) is not to be found"),
    ],
    ids=["nothing older", "nothing Ready", "reconciling", "unknown revision", "no revision"],
)
def test_where_nothing_can_be_planned_the_reason_is_named(
    seen: ServiceState, history: tuple[Revision, ...], why: str
) -> None:
    """No plan names the service and the reason, for the page."""
    found = outcome(seen, history)
    assert isinstance(found, NoPlan)
    assert BACKEND in found.reason
    assert why in found.reason


@pytest.mark.parametrize(
    ("seen", "where"),
    [
        (state(generation=1), Position.BEFORE),
        (state(all_to(f"{BACKEND}-good"), generation=2), Position.DONE),
        (state(all_to("something-else"), generation=2), Position.FOREIGN),
        (state(all_to(f"{BACKEND}-good"), generation=3), Position.FOREIGN),
        (state(generation=0), Position.FOREIGN),
    ],
)
def test_a_generation_tells_who_changed_a_service(seen: ServiceState, where: Position) -> None:
    """As planned: not done. One further with our traffic: done. Anything else: foreign."""
    assert position(service_plan(BACKEND), seen) is where


def test_a_restore_puts_back_what_was_found() -> None:
    """LATEST stays LATEST while it means the same revision, and tags stay where they were."""
    found = (TrafficTarget(percent=100), CANARY)
    back = replace(service_plan(BACKEND, before=found), latest_ready="r3").reversed()
    assert same_split(restored_split(back, state()), found)


def test_a_restore_pins_latest_when_it_means_another_revision_by_now() -> None:
    """A revision deployed meanwhile gets no traffic through the word LATEST."""
    found = (TrafficTarget(percent=100), CANARY)
    back = replace(service_plan(BACKEND, before=found), latest_ready="r3").reversed()
    written = restored_split(back, state(latest_ready="r4"))
    assert written == (TrafficTarget(percent=100, revision="r3"), CANARY)


def test_the_way_back_starts_where_the_way_there_ends() -> None:
    """A reversed plan is fenced by the generation that our own change made."""
    there = service_plan(BACKEND)
    back = there.reversed()
    assert (back.generation, back.before, back.after) == (2, there.after, there.before)


def test_a_split_is_the_same_in_any_order() -> None:
    """Cloud Run may list the lines of a split as it likes."""
    one, other = TrafficTarget(percent=40, revision="r1"), TrafficTarget(percent=60)
    assert same_split((one, other), (other, one))
    assert not same_split((one, other), (one,))


def test_a_split_in_words_says_what_latest_means() -> None:
    """People read percentages and revisions; lines without traffic are left out."""
    assert describe_split((TrafficTarget(percent=100), CANARY), "r3") == "100 % LATEST (r3)"
    assert describe_split(()) == "no traffic"


def test_no_two_plans_have_the_same_hash() -> None:
    """An approval of one plan is never an approval of the next, even of the same change."""
    assert plan().hash == plan().hash
    assert plan().hash != plan(NOON + timedelta(microseconds=1)).hash
    fewer = replace(plan(), services=plan().services[:1])
    assert plan().hash != fewer.hash
