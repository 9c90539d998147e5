"""What must hold of what is Sev1: somebody is told, and the rollout is frozen until its review."""

from __future__ import annotations

from collections.abc import Iterator

from shared.domain.action import ActionKind, Order, TrafficOrder
from shared.domain.incident_state import State
from shared.domain.severity import Severity
from shared.domain.stack import Stack
from shared.ports import Commit
from tests.simulation.record import Record
from tests.simulation.shop import STACKS

Wrong = tuple[str, str]
ANSWERED = "sev1 is told and frozen in the commit that makes it so"
STILL = "while the rollout is frozen only a way back is ordered"
HELD = "a freeze ends with the review of its incident, and not before"


def wrong_with_answers(head: Stack, commit: Commit, record: Record) -> Iterator[Wrong]:
    """Every invariant that the commit breaks; `record` is as it was before."""
    before = record.heads.get(head.id) or Stack(id=head.id)
    for incident in head.open_incidents():
        known = before.incident(incident.id)
        new = known is None or known.severity is not Severity.SEV1
        if incident.severity is not Severity.SEV1 or not new:
            continue
        told = any(action.kind is ActionKind.NOTIFY for action in commit.actions)
        frozen = head.freeze_of(incident.id) is not None or head.id not in STACKS
        if not frozen or not (told or (known is not None and known.answered_at)):
            yield ANSWERED, incident.id
    for action in commit.actions if head.freezes else ():
        if action.kind is ActionKind.APPLY and _no_way_back(action.order):
            yield STILL, action.id
    for freeze in before.freezes:
        over = head.incident(freeze.incident)
        done = over is not None and over.state is State.REVIEWED
        filed = over is None and (bool(head.freezes) or commit.kind == "Instructed")
        if head.freeze_of(freeze.incident) is None and not (done or filed):
            yield HELD, freeze.incident


def _no_way_back(order: Order) -> bool:
    """Whether it moves traffic forward, or for practice."""
    return isinstance(order, TrafficOrder) and (bool(order.drill) or order.plan.release)
