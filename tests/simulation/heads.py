"""What must hold of every commit: of the head it leaves behind, and of its rows."""

from __future__ import annotations

from collections.abc import Iterator

from shared.domain.action import ActionKind, PlanOrder
from shared.domain.alert import AlertRow, AlertStatus
from shared.domain.decision import IncidentRow, MovedAlert, TimelineRow
from shared.domain.incident import Incident
from shared.domain.incident_state import OVER
from shared.domain.stack import DrillPhase, Stack
from shared.ports import Commit
from tests.simulation.answered import wrong_with_answers
from tests.simulation.links import wrong_with_links
from tests.simulation.record import Record
from tests.simulation.shop import UPSTREAM

Wrong = tuple[str, str]
_FIRES = "no alert fires on a resolved incident"


def wrong_with(commit: Commit, record: Record) -> Iterator[Wrong]:
    """Every invariant the commit breaks, with what breaks it; `record` is as it was before."""
    head = commit.stack or record.heads.get(commit.stack_id) or Stack(id=commit.stack_id)
    closed = {row.incident.id: row.incident for row in commit.rows if isinstance(row, IncidentRow)}
    yield from _of_head(head)
    yield from _of_actions(head, commit, record)
    yield from _vanished(head, closed, record)
    yield from wrong_with_answers(head, commit, record)
    yield from wrong_with_links(head, record.heads.get(head.id))
    incidents = {incident.id: incident for incident in head.incidents}
    ended, fired = set[str](), dict[str, AlertRow]()
    for row in commit.rows:
        if isinstance(row, TimelineRow):
            if row.id in record.timeline:
                yield "a line of a timeline is written once", row.id
            filed = record.closed.get(row.incident)
            of_stack = filed is not None and filed.stack == head.id
            if not (row.incident in incidents or row.incident in closed or of_stack):
                yield "a timeline belongs to an incident of its stack", row.incident
        elif isinstance(row, AlertRow):
            (
                ended.add(row.id)
                if row.status is AlertStatus.RESOLVED
                else fired.update({row.id: row})
            )
    for row in (each for each in fired.values() if each.id not in record.alerts):
        found = head.holding(row.incident)  # also what its incident was merged into
        lanes = (row.lane, *UPSTREAM.get(row.lane, ()))
        if found is None or not any(found.lane == at or found.answers_for(at) for at in lanes):
            yield "an alert that fires goes to its lane, or to its cause's", row.title
    moved = {row.id: row.incident for row in commit.rows if isinstance(row, MovedAlert)}
    fires = {name: row.incident for name, row in (*record.firing_of(head.id), *fired.items())}
    for name, where in {**fires, **moved}.items():
        holder = head.holding(where)
        if name in fires and name not in ended and (holder is None or holder.state in OVER):
            yield _FIRES, f"{name} of {where}: {holder.state if holder else 'not in the head'}"


def _of_head(head: Stack) -> Iterator[Wrong]:
    lanes = [incident.lane for incident in head.incidents if not incident.aside]
    if len(lanes) != len(set(lanes)):
        yield "one open incident for each stack and lane", f"{head.id}: {lanes}"
    live = [i.id for i in head.incidents if i.rollback and not i.rollback.phase.over]
    if len(live) > 1:
        yield "one rollback of a stack at a time", f"{head.id}: {live}"
    moving = head.drill is not None and head.drill.phase is not DrillPhase.PLANNING
    if moving and any(_busy(incident) for incident in head.incidents):
        yield "no rollback moves traffic during a drill", head.id


def _of_actions(head: Stack, commit: Commit, record: Record) -> Iterator[Wrong]:
    """What is ordered, beside what is on its way already."""
    for action in commit.actions:
        order = action.order
        if isinstance(order, PlanOrder) and not order.view and head.tagging:
            yield "no plan is made while a tag is on its way", action.id
        if action.kind in (ActionKind.OBSERVE, ActionKind.TAG):
            settled = commit.settles.action if commit.settles else ""
            earlier = [
                each.id
                for each in record.unsettled()
                if (each.kind, each.stack) == (action.kind, head.id) and each.id != settled
            ]
            if earlier:
                yield "one look at a stack at a time, and one tag", f"{action.id}: {earlier}"


def _busy(incident: Incident) -> bool:
    return incident.rollback is not None and incident.rollback.phase.busy


def _vanished(head: Stack, closed: dict[str, Incident], record: Record) -> Iterator[Wrong]:
    before = record.heads.get(head.id)
    for incident in before.incidents if before else ():
        if head.incident(incident.id) is None and incident.id not in closed:
            yield "an incident that leaves the head is kept as a row", incident.id
    for incident in closed.values():
        if incident.state not in OVER:
            yield "only what is over leaves the head", f"{incident.id} is {incident.state}"
