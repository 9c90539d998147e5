"""The tag by which a known-good revision can be reached before anything is moved to it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from shared.domain.ledger import LedgerRules, Look, ServiceRecord
from shared.domain.policy import Service
from shared.domain.rollback import ServicePlan, Split, TrafficTarget
from shared.domain.stack import Stack
from shared.domain.targets import bound

GOOD: Final = "switchman-good"
LONGEST: Final = 46
"""Characters of a tag and its service's name together, of which Cloud Run takes no more."""


def calm(stack: Stack) -> bool:
    """Whether nothing is open on the stack that a change of ours could get in the way of."""
    latched = any(record.latch for record in stack.services)
    busy = stack.open_incidents() or stack.drill is not None or stack.rollback_owner()
    return not latched and not busy


def worth_tagging(record: ServiceRecord, rules: LedgerRules, now: datetime) -> str:
    """The known-good revision that has just served for a whole soak; empty if there is none."""
    ripe = (soak.revision for soak in record.soaks if now - soak.since >= rules.soak)
    return next((name for name in ripe if record.proof(name) is not None), "")


def tags(split: Split, revision: str) -> bool:
    """Whether the split has the tag on this revision."""
    return any(target.tag == GOOD and target.revision == revision for target in split)


def tag_plan(service: Service, look: Look, revision: str) -> ServicePlan | None:
    """The same shares with the tag on the revision; None where that cannot be asked for."""
    state = look.state
    if len(GOOD) + len(service.name) > LONGEST or state.reconciling or not state.ready:
        return None
    why = "it is known-good: it gets a tag, and no other traffic than it has"
    return bound(service, state, _tagged(state.traffic, revision), revision, why)


def _tagged(split: Split, revision: str) -> Split:
    """Every line as it is, but that the tag moves."""
    kept = tuple(
        TrafficTarget(percent=t.percent, revision=t.revision) if t.tag == GOOD else t
        for t in split
        if t.tag != GOOD or t.percent
    )
    return (*kept, TrafficTarget(percent=0, revision=revision, tag=GOOD))
