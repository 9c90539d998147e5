"""Who lets a rollback go, from the press or the policy's rule to what Cloud Run is asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from shared.domain.incident_state import State
from shared.domain.ledger import Good, ServiceRecord
from shared.domain.paging import Choice, PageStep
from shared.domain.policy import AutomaticRules, OnPartial, Policy
from shared.domain.rollback import MoveResult, RollbackMode, Verdict
from shared.domain.rollback_phase import Phase
from shared.domain.severity import Severity
from shared.ports import Commit
from tests.builders import (
    BACKEND,
    BEN,
    EVE,
    FRONTEND,
    LATEST,
    MINUTE,
    alert,
    all_to,
    policy_with,
    resource,
)
from tests.fakes.traffic import TrafficFault
from tests.use_cases.world import World

BOTH = (BACKEND, FRONTEND)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store is."""
    return tmp_path / "switchman.db"


@pytest.fixture
def paired(path: Path) -> Iterator[World]:
    """A rollback is proposed that two people have to approve."""
    world = World(path, policy_with(approvals=2))
    with closing(world.store):
        world.reports(alert())
        world.deliver()
        yield world


def remember(world: World) -> None:
    """Both services were looked at: the bad revision came lately, the good one proved itself."""
    now = world.clock.now()
    stack, token = world.store.load("shop")
    for service in BOTH:
        good = Good(revision=f"{service}-good", digest="", proven_at=now - 99 * MINUTE, requests=9)
        record = ServiceRecord(
            service=service,
            traffic=LATEST,
            seen_at=now,
            main=f"{service}-bad",
            main_since=now - 10 * MINUTE,
            good=(good,),
        )
        stack = stack.with_record(record)
    world.store.commit(Commit(event="looked", kind="", at=now, stack_id="shop", stack=stack), token)


def automatic(path: Path, **rollback: object) -> World:
    """The policy lets a Sev1 go by itself, and all of it is known well enough."""
    world = World(path, policy_with(automatic=AutomaticRules(), **rollback))
    remember(world)
    return world


def serving(world: World) -> list[object]:
    """What the services serve now."""
    return [world.traffic.look(resource(service)).serving for service in BOTH]


GOOD = [all_to(f"{service}-good") for service in BOTH]


def test_two_people_move_traffic_once(paired: World) -> None:
    """The first press, and the same person's second, send nothing."""
    for who in (BEN, BEN):
        paired.presses(who, Choice.APPROVE)
        paired.deliver()
        assert paired.sent() == []
    paired.presses(EVE, Choice.APPROVE)
    paired.deliver()
    assert serving(paired) == GOOD
    paired.presses(BEN, Choice.APPROVE)
    paired.deliver()
    assert len(paired.sent()) == len(BOTH)


def test_a_deploy_between_two_approvals_moves_nothing(paired: World) -> None:
    """The plan is bound to what was found: whoever pressed is told what is there now."""
    paired.presses(BEN, Choice.APPROVE)
    paired.traffic.deploy(resource(FRONTEND), f"{FRONTEND}-fix")
    paired.presses(EVE, Choice.APPROVE)
    paired.deliver()
    assert paired.sent() == []
    assert paired.incident.pages[-1].step is PageStep.ROLLBACK_HELD


def test_a_sev1_with_a_suspect_goes_by_itself(path: Path) -> None:
    """From the alert to recovery without a press, and the owner hears of it twice."""
    with closing((world := automatic(path)).store):
        world.reports(alert(severity=Severity.SEV1))
        world.deliver()
        assert serving(world) == GOOD
        rollback = world.incident.rollback
        assert rollback is not None
        assert (rollback.mode, rollback.approved_by) == (RollbackMode.AUTOMATIC, "")
        assert world.incident.state is State.MITIGATED
        steps = [page.step for page in world.incident.pages]
        assert steps == [PageStep.OPENED, PageStep.AUTOMATIC]
        assert world.stack.automatic == (rollback.proposed_at,)


def test_what_was_changed_by_hand_since_the_last_look_waits_for_people(path: Path) -> None:
    """Nobody overrides a person in the minute before that is noticed."""
    with closing((world := automatic(path)).store):
        world.traffic.change_by_hand(resource(BACKEND), all_to(f"{BACKEND}-bad"))
        world.reports(alert(severity=Severity.SEV1))
        world.deliver()
        assert world.sent() == []
        rollback = world.incident.rollback
        assert rollback is not None
        assert rollback.phase is Phase.PROPOSED
        assert any("has changed since it was last looked at" in line for line in world.timeline())


@pytest.mark.parametrize("rules", [policy_with(), policy_with(automatic=AutomaticRules())])
def test_without_what_the_rule_asks_for_nothing_goes_by_itself(path: Path, rules: Policy) -> None:
    """Neither without a rule, nor for services that nobody has ever looked at."""
    with closing((world := World(path, rules)).store):
        world.reports(alert(severity=Severity.SEV1))
        world.deliver()
        assert world.sent() == []


def test_one_refusal_leaves_all_as_it_is_where_the_policy_says_hold(path: Path) -> None:
    """What moved stays, and a page shows each service's traffic."""
    with closing((world := automatic(path, on_partial=OnPartial.HOLD)).store):
        world.traffic.order(resource(FRONTEND), TrafficFault.REFUSE)
        world.reports(alert(severity=Severity.SEV1))
        world.deliver()
        assert serving(world) == [GOOD[0], LATEST]
        rollback = world.incident.rollback
        assert rollback is not None
        assert (rollback.phase, rollback.verdict) == (Phase.HELD, Verdict.UNKNOWN)
        assert {each.result for each in rollback.outcomes} == {MoveResult.MOVED, MoveResult.REFUSED}
        assert world.incident.pages[-1].step is PageStep.ROLLBACK_HELD


def test_what_did_not_help_is_followed_by_one_proposal(path: Path) -> None:
    """The next plan leaves the first target out, and waits for people."""
    with closing((world := automatic(path, further_candidate=True)).store):
        for service in BOTH:
            names = (f"{service}-{which}" for which in ("bad", "good", "older"))
            world.traffic.add(resource(service), *names)
        world.healthy = lambda _: False
        world.reports(alert(severity=Severity.SEV1))
        world.deliver()
        assert serving(world) == GOOD
        rollback = world.incident.rollback
        assert rollback is not None
        assert rollback.plan is not None
        assert rollback.phase is Phase.PROPOSED
        targets = [service.to_revision for service in rollback.plan.services]
        assert targets == [f"{service}-older" for service in BOTH]
        sent = len(world.sent())
        world.clock.advance(MINUTE)
        world.tick()
        world.deliver()
        assert len(world.sent()) == sent
        world.presses(BEN, Choice.APPROVE)
        world.deliver()
        assert serving(world) == [all_to(f"{service}-older") for service in BOTH]
        assert len(world.incident.earlier) == 1
