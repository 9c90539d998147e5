"""A stack's `data` in the policy file: what it says, what it may leave out, what is wrong with it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.data_rollback import approver_names, approvers
from shared.policy import PolicyError, loads
from tests.builders import NOON
from tests.unit.test_policy_load import SMALL

ROLLBACK = "    rollback: {approvers: [ops]}\n"


def _with(data: str, rollback: str = ROLLBACK) -> str:
    return SMALL.replace("lanes:\n", f"{rollback}    data: {data}\nlanes:\n")


def test_without_data_there_are_no_snapshots() -> None:
    """A stack that says nothing of `data` has no snapshots to go back to."""
    assert loads(SMALL, "policy.yaml").stack("shop").data is None


def test_little_has_to_be_said() -> None:
    """The source is enough: those who approve rollbacks approve, and the rest has defaults."""
    policy = loads(_with("{source: folder}"), "policy.yaml")
    rules = policy.stack("shop").data
    assert rules is not None
    assert (rules.source, rules.max_age) == ("folder", timedelta(days=7))
    assert rules.verified_within == timedelta(minutes=30)
    assert [person.id for person in approvers(policy, "shop", NOON)] == ["ana"]
    assert approver_names(policy, "shop") == "ops"


@pytest.mark.parametrize(
    ("data", "rollback", "says"),
    [
        ("{source: folder}", "", "data lacks approvers: name teams here, or as rollback.approvers"),
        ("{source: tape}", ROLLBACK, "stacks.shop.data.source must be folder, not 'tape'"),
        ("{max_age: 7d}", ROLLBACK, "stacks.shop.data lacks source: folder"),
        ("{source: folder, approvers: [opps]}", ROLLBACK, "there is no 'opps' in teams"),
        ("{source: folder, approvals: 1}", ROLLBACK, "'approvals' is not known here"),
    ],
)
def test_what_is_wrong_is_said_by_line(data: str, rollback: str, says: str) -> None:
    """Each fault of `data` names its line and what would be right; nobody makes approvals fewer."""
    text = _with(data, rollback)
    with pytest.raises(PolicyError) as caught:
        loads(text, "policy.yaml")
    line = text[: text.index("    data:")].count("\n") + 1
    assert str(caught.value).startswith(f"policy.yaml:{line}: {says}")


def test_whoever_is_on_call_by_a_schedule_may_approve() -> None:
    """A team whose on-call is a schedule has all of its people approve, and those who are on call first."""
    schedules = """\
schedules:
  week:
    time_zone: UTC
    layers: [{people: [ben, eve], shift: 7d, start: 2026-01-05 09:00}]
"""
    text = _with("{source: folder}").replace(
        "  ana:", "  ben: {name: Ben}\n  eve: {name: Eve}\n  ana:"
    )
    text = text.replace("on_call: ana", "on_call: week") + schedules
    policy = loads(text, "policy.yaml")
    assert {person.id for person in approvers(policy, "shop", NOON)} == {"ana", "ben", "eve"}
