"""Making a plan: which revision it goes to, what its smoke test says, and what it binds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from shared.app.plan import MakePlan
from shared.app.smoke import TRIES
from shared.domain.action import PlanOrder, Topic
from shared.domain.candidates import BARRIER
from shared.domain.ledger import Good, ServiceRecord
from shared.domain.plan_words import describe_plan
from shared.domain.rollback import NoPlan, Plan, Revision, Split, TrafficTarget
from shared.domain.rollback_phase import Phase
from shared.policy.load import load
from tests.builders import BACKEND, FRONTEND, LATEST, NOON, alert, all_to, plan, policy, resource
from tests.fakes.clock import ManualClock
from tests.fakes.health import Answer, FakeHealth
from tests.fakes.traffic import FakeTraffic, TrafficFault, ready_revision
from tests.use_cases.world import World

POLICY_FILE = Path(__file__).parents[2] / "infra/policies/convex.yaml"
GOOD_TAG = "switchman-good"


class Shop:
    """Two services of three revisions each; `answers` is what a URL answers, 200 where unsaid."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOON)
        self.answers: dict[str, list[int]] = {}
        self.traffic = FakeTraffic(self.clock)
        for service in (BACKEND, FRONTEND):
            self.serve(service)
        self.health = FakeHealth(self._answer)

    def serve(self, service: str, *tagged: TrafficTarget) -> None:
        """The service's newest revision serves; further lines are tags."""
        names = (f"{service}-{which}" for which in ("bad", "newer", "older"))
        self.traffic.add(resource(service), *names, traffic=(*LATEST, *tagged))

    def plan(self, order: PlanOrder | None = None) -> Plan | NoPlan:
        """What comes of the order."""
        make = MakePlan(policy=policy(), traffic=self.traffic, health=self.health, clock=self.clock)
        return make.for_stack("shop", order or PlanOrder())

    def planned(self, order: PlanOrder | None = None) -> Plan:
        """The plan, where there is one."""
        plan = self.plan(order)
        assert isinstance(plan, Plan)
        return plan

    def _answer(self, url: str) -> Answer:
        for part, statuses in self.answers.items():
            if part in url:
                return Answer(statuses.pop(0) if len(statuses) > 1 else statuses[0])
        return Answer()


def tag(revision: str, name: str = GOOD_TAG) -> TrafficTarget:
    """A line without traffic that gives the revision an address of its own."""
    return TrafficTarget(percent=0, revision=revision, tag=name)


def knows(service: str, *good: str) -> ServiceRecord:
    """What the head remembers: these revisions proved themselves."""
    proofs = tuple(Good(revision=n, digest="", proven_at=NOON, requests=12) for n in good)
    return ServiceRecord(service=service, traffic=LATEST, seen_at=NOON, good=proofs)


def to(plan: Plan) -> list[str]:
    """Where the services go, without their names."""
    return [s.to_revision.removeprefix(f"{s.service}-") for s in plan.services]


@pytest.fixture
def shop() -> Shop:
    """A shop that nobody has ever looked at."""
    return Shop()


SEEDS = {
    "oa-convex-backend-nonprod": ("00011-v4r", "00010-kpf"),
    "oa-convex-dashboard-nonprod": ("00002-hwm", "00001-8rs"),
}


@pytest.mark.parametrize("before", ["pinned", "latest"])
@pytest.mark.parametrize("known", [True, False], ids=["known-good", "never looked at"])
def test_the_first_users_drill(before: str, known: bool) -> None:
    """Backend and dashboard go back to the revisions that their own report names."""
    clock = ManualClock(NOON)
    traffic = FakeTraffic(clock)
    rules = load(POLICY_FILE)
    records = []
    for service in rules.stack("convex").services:
        bad, good = (f"{service.name}-{revision}" for revision in SEEDS[service.name])
        serving = all_to(bad) if before == "pinned" else LATEST
        traffic.add(service.resource, bad, good, traffic=serving)
        records += [knows(service.name, good)] if known else []
    make = MakePlan(
        policy=rules, traffic=traffic, health=FakeHealth(lambda _: Answer()), clock=clock
    )
    plan = make.for_stack("convex", PlanOrder(records=tuple(records)))
    assert isinstance(plan, Plan)
    moves = {s.service: (s.from_revision, s.to_revision) for s in plan.services}
    assert moves == {name: (f"{name}-{b}", f"{name}-{g}") for name, (b, g) in SEEDS.items()}
    assert plan.proven is known
    assert plan.rto_target == timedelta(minutes=5)


def test_what_is_known_to_be_good_is_preferred(shop: Shop) -> None:
    """The head's knowledge comes with the order; the plan is proven only if all of it is."""
    backend = knows(BACKEND, f"{BACKEND}-older")
    plan = shop.planned(PlanOrder(records=(backend,)))
    assert to(plan) == ["older", "newer"]
    assert [service.proven for service in plan.services] == [True, False]
    assert not plan.proven
    both = (backend, knows(FRONTEND, f"{FRONTEND}-newer"))
    assert shop.planned(PlanOrder(records=both)).proven


def test_an_image_that_was_rolled_back_from_is_left_out(shop: Shop) -> None:
    """By its digest, as the head remembers it."""
    digest = ready_revision(f"{BACKEND}-newer", NOON).digest
    assert to(shop.planned(PlanOrder(rolled_back=(digest,)))) == ["older", "newer"]


def test_what_did_not_help_in_this_incident_is_left_out(shop: Shop) -> None:
    """A further candidate is another one."""
    plan = shop.planned(PlanOrder(did_not_help=(f"{BACKEND}-newer",)))
    assert to(plan) == ["older", "newer"]
    assert "tried in this incident" in plan.services[0].candidates[0]


def test_without_a_candidate_every_reason_is_named(shop: Shop) -> None:
    """No plan at all, even if another service had somewhere to go."""
    barrier = Revision(
        name=f"{FRONTEND}-bad", created_at=NOON, ready=True, labels={BARRIER: "schema-7"}
    )
    shop.traffic.show(resource(FRONTEND), barrier)
    plan = shop.plan()
    assert isinstance(plan, NoPlan)
    for part in (FRONTEND, f"{FRONTEND}-newer: no", f"{FRONTEND}-older: no", BARRIER):
        assert part in plan.reason


def test_a_tagged_target_is_smoke_tested_at_its_tag_and_nothing_is_changed(shop: Shop) -> None:
    """The request reaches the target alone, and starts it before it is needed."""
    shop.serve(BACKEND, tag(f"{BACKEND}-newer"))
    plan = shop.planned()
    url = f"https://{GOOD_TAG}---{BACKEND}.example.com/version"
    assert shop.health.asked() == (url,)
    assert plan.services[0].smoke == f"passed at its tag {GOOD_TAG}: 1 of 1"
    assert all(mutation.dry_run for mutation in shop.traffic.mutations())
    assert len(shop.traffic.mutations()) == len(plan.services)


def test_a_target_without_a_tag_is_not_smoke_tested_and_the_plan_says_so(shop: Shop) -> None:
    """Its only address is the service's, where something else answers."""
    assert {s.smoke for s in shop.planned().services} == {"not smoke-tested: no tag leads to it"}
    assert shop.health.asked() == ()


def test_a_target_whose_smoke_test_fails_makes_room_for_the_next(shop: Shop) -> None:
    """Known-good or not: what does not answer now is no way back."""
    shop.serve(BACKEND, tag(f"{BACKEND}-newer"))
    shop.answers[GOOD_TAG] = [500]
    records = (knows(BACKEND, f"{BACKEND}-newer"),)
    plan = shop.planned(PlanOrder(records=records))
    assert to(plan) == ["older", "newer"]
    assert "smoke test failed at its tag" in plan.services[0].candidates[0]
    assert len(shop.health.asked()) == TRIES


def test_a_target_that_needs_a_moment_to_start_passes(shop: Shop) -> None:
    """The first request to a revision without instances may well fail."""
    shop.serve(BACKEND, tag(f"{BACKEND}-newer"))
    shop.answers[GOOD_TAG] = [503, 200]
    plan = shop.planned()
    assert to(plan) == ["newer", "newer"]
    assert plan.services[0].smoke.startswith("passed")


def test_where_every_smoke_test_fails_there_is_no_plan(shop: Shop) -> None:
    """The page says what each of them answered."""
    tags = tag(f"{BACKEND}-newer"), tag(f"{BACKEND}-older", "second")
    shop.serve(BACKEND, *tags)
    shop.answers["---"] = [500]
    plan = shop.plan()
    assert isinstance(plan, NoPlan)
    assert plan.reason.count("smoke test failed") == len(tags)


def test_a_tag_that_is_asked_for_and_not_yet_there_is_not_used(shop: Shop) -> None:
    """Only what the service is seen to have leads anywhere."""
    split: Split = (*LATEST, tag(f"{BACKEND}-newer"))
    shop.traffic.order(resource(BACKEND), TrafficFault.SLOW_OPERATION, timedelta(minutes=1))
    shop.traffic.send(resource(BACKEND), split, "")
    plan = shop.plan()
    assert isinstance(plan, NoPlan)
    assert "still being carried out" in plan.reason
    assert shop.health.asked() == ()


def test_a_plan_is_data_and_reads_the_same_everywhere(shop: Shop) -> None:
    """Who asked and why, the limits, the checks, and each service's exact traffic."""
    shop.serve(BACKEND, tag(f"{BACKEND}-newer"))
    plan = shop.planned(PlanOrder(asked_by="Ben", reason="checkout is slow"))
    lines = describe_plan(plan)
    assert lines[:4] == (
        f"Plan {plan.hash[:8]} for shop, made 2026-03-01 12:00:00 UTC",
        "Asked by Ben: checkout is slow",
        "Limits: nothing moves after 2026-03-01 12:30:00 UTC;"
        " health back within 300 s of the first traffic request",
        f"Health: {BACKEND} /version answers 200, not empty; {FRONTEND} / answers 200 or 302",
    )
    digest = plan.services[0].to_digest[: len("sha256:") + 12]
    assert lines[4:8] == (
        f'{BACKEND} (generation 1, etag "1")',
        f"  before: 100 % LATEST [{BACKEND}-bad], 0 % {BACKEND}-newer (tag {GOOD_TAG})",
        f"  after: 100 % {BACKEND}-newer, 0 % {BACKEND}-newer (tag {GOOD_TAG})",
        "  target: unproven: it is Ready, but never seen to serve real requests for long enough"
        f" (image {digest})",
    )


def test_a_long_etag_is_told_by_how_it_begins() -> None:
    """Cloud Run's are some 130 characters, of which nobody reads more on a telephone."""
    long = replace(plan().services[0], etag='"COq-jtgGEPiSqVs/cHJvamVjdHMvb3Blbg"')
    lines = describe_plan(replace(plan(), services=(long,)))
    assert any(line.endswith('etag "COq-jtgGEPiSqVs…)') for line in lines)


def test_a_deployment_in_the_same_second_is_waited_for(world: World) -> None:
    """Who deployed and was alerted at once gets a proposal all the same, and reads why not yet."""
    world.healthy = lambda _: True
    world.traffic.order(resource(BACKEND), TrafficFault.SLOW_OPERATION, timedelta(seconds=90))
    world.traffic.send(resource(BACKEND), (*LATEST, tag(f"{BACKEND}-good")), "")
    world.reports(alert())
    world.deliver_once(Topic.PAGES, Topic.CHANGES)
    rollback = world.incident.rollback
    assert rollback is not None
    assert rollback.phase is Phase.PLANNING
    world.deliver(Topic.PAGES)
    (posted,) = world.chat.posted()
    assert "planned as soon as this is over" in "".join(posted.card.paragraphs)
    world.deliver()
    rollback = world.incident.rollback
    assert rollback is not None
    assert (rollback.phase, rollback.why_not) == (Phase.PROPOSED, "")
    story = "\n".join(world.timeline())
    assert story.count("waiting: The rollback is planned as soon as this is over") == 1


def test_a_deployment_that_never_ends_is_not_waited_for_for_ever(world: World) -> None:
    """After ten minutes people read why nothing can be rolled back."""
    world.traffic.order(resource(BACKEND), TrafficFault.SLOW_OPERATION, timedelta(hours=2))
    world.traffic.send(resource(BACKEND), (*LATEST, tag(f"{BACKEND}-good")), "")
    world.reports(alert())
    world.deliver()
    rollback = world.incident.rollback
    assert rollback is not None
    assert rollback.phase is Phase.UNAVAILABLE
    assert "still being carried out" in rollback.why_not
    assert rollback.why_not.endswith("also after 10 minutes")
    assert timedelta(minutes=10) <= world.clock.now() - NOON < timedelta(minutes=12)
