"""A data rollback as people read it, the same in Slack, on the command line and in a report."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from shared.domain.data_phase import DataPhase
from shared.domain.data_rollback import (
    APPROVALS,
    DataPlan,
    DataRollback,
    approver_names,
    living,
)
from shared.domain.policy import Policy
from shared.domain.snapshots import Snapshot

TITLES: Final = {
    DataPhase.VERIFYING: "Data rollback: the snapshot is being verified",
    DataPhase.PROPOSED: "Proposed data rollback",
    DataPhase.EXPORTING: "Data rollback: the present state is being exported",
    DataPhase.IMPORTING: "Data rollback: the snapshot is being imported",
    DataPhase.CHECKING: "Data rollback: health and the data are being checked",
    DataPhase.DONE: "Data rolled back, healthy and as the snapshot has it",
    DataPhase.FAILED: "Data rollback failed",
    DataPhase.HELD: "Data rollback in doubt: nobody knows whether data was replaced",
    DataPhase.REFUSED: "No data rollback",
    DataPhase.REJECTED: "Data rollback rejected",
    DataPhase.EXPIRED: "Data rollback: the plan expired",
    DataPhase.WITHDRAWN: "Data rollback no longer needed",
}


def snapshot_in_words(snapshot: Snapshot) -> str:
    """Which snapshot it is."""
    return (
        f"{snapshot.id} (taken {_time(snapshot.taken_at)}, {snapshot.size} bytes,"
        f" sha256 {snapshot.digest[:12]})"
    )


def describe_data_plan(plan: DataPlan) -> tuple[str, ...]:
    """Everything a plan binds, a line each."""
    asked = f"Asked by {plan.asked_by}: " if plan.asked_by else "Why: "
    return (
        f"Data plan {plan.hash[:8]} for {plan.stack}, made {_time(plan.made_at)}",
        *((f"{asked}{' '.join(plan.reason.split())}",) if plan.reason else ()),
        f"Snapshot: {snapshot_in_words(plan.snapshot)}, verified {_time(plan.verified_at)}",
        f"First: the present state is exported to {plan.source} ({plan.export_key})",
        f"Then: all data of {plan.stack} is replaced; what was written since"
        f" {_time(plan.snapshot.taken_at)} is lost; traffic is not touched",
        f"Afterwards: {'; '.join((*plan.checks, 'the data is compared with the snapshot'))}",
        f"Limits: {APPROVALS} people have to approve it, never whoever asked; nothing is imported"
        f" after {_time(plan.expires_at)}",
        *plan.notes,
    )


def data_paragraphs(policy: Policy, data: DataRollback) -> Iterable[str]:
    """What a card says of it; the last paragraph says what would be replaced."""
    yield "\n".join((f"{TITLES[data.phase]}{_by(policy, data)}", *_detail(data)))
    if data.plan is None or data.phase is not DataPhase.PROPOSED:
        return
    given = living(policy, data.plan.stack, data)
    so_far = f", so far {_names(policy, (a.by for a in given))}" if given else ""
    teams = approver_names(policy, data.plan.stack)
    yield (
        f"Approval: {APPROVALS} people of {teams} have to approve it, never whoever asked;"
        f" {len(given)} of {APPROVALS}{so_far}."
    )
    yield "\n".join(describe_data_plan(data.plan))
    yield (
        f"All data of {data.plan.stack} is replaced by snapshot"
        f" {snapshot_in_words(data.plan.snapshot)}."
    )


def data_markdown(policy: Policy, data: DataRollback) -> Iterable[str]:
    """The part of a report that tells of it; the caller makes texts from outside plain."""
    yield f"{TITLES[data.phase]}{_by(policy, data)}"
    if data.reason:
        yield f"Reason given: {data.reason}"
    if data.approvals:
        yield f"Approved by {_names(policy, (each.by for each in data.approvals))}"
    yield from _detail(data)
    if data.plan is not None:
        yield f"Plan {data.plan.hash}"
        yield from describe_data_plan(data.plan)


def way_back(stack: str, export: Snapshot | None) -> str:
    """How to go back to what was there before."""
    if export is None:
        return "Nothing was exported, and nothing imported."
    return (
        f"The state before it is snapshot {export.id}: `switchman rollback data {stack}"
        f" --snapshot {export.id} --apply` asks to go back to it. Nothing is imported again by"
        " itself."
    )


def _detail(data: DataRollback) -> Iterable[str]:
    if data.detail:
        yield data.detail
    if data.export is not None:
        yield f"The state before it: {snapshot_in_words(data.export)}"


def _by(policy: Policy, data: DataRollback) -> str:
    return f", asked for by {_names(policy, (data.requested_by,))}"


def _names(policy: Policy, people: Iterable[str]) -> str:
    known = ((policy.people.get(each), each) for each in people)
    return " and ".join(person.name if person else each for person, each in known)


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
