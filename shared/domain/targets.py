"""What a plan writes, and what a restore writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from shared.domain.candidates import Candidate, candidates, choose
from shared.domain.ledger import ServiceRecord
from shared.domain.policy import Service
from shared.domain.rollback import (
    NoPlan,
    Revision,
    ServicePlan,
    ServiceState,
    Split,
    TrafficTarget,
)

MOST_LISTED: Final = 8
"""So many candidates are listed in a plan, the newest first, and the one that was chosen."""

_MOST_BLAMED: Final = 3


def weighed(
    service: Service,
    state: ServiceState,
    revisions: Sequence[Revision],
    record: ServiceRecord | None = None,
    rolled_back: frozenset[str] = frozenset(),
    did_not_help: frozenset[str] = frozenset(),
) -> tuple[Candidate, ...] | NoPlan:
    """The service's candidates as `candidates` has them, the reason why not with its name."""
    found = candidates(state, revisions, record, rolled_back, did_not_help)
    if isinstance(found, NoPlan):
        return replace(found, reason=f"{service.name}: {found.reason}")
    return found


def plan_service(
    service: Service,
    state: ServiceState,
    revisions: Sequence[Revision],
    found: Sequence[Candidate],
    smoke: str = "",
) -> ServicePlan | NoPlan:
    """All traffic to the best of the candidates; `smoke` is what its smoke test said.

    Tags stay where they are and carry no traffic.
    """
    chosen = choose(found)
    if chosen is None:
        return NoPlan(reason=f"{service.name}: {_nothing_left(state, found)}")
    current = next((r for r in revisions if r.name == state.main_revision), None)
    to, why = chosen.revision.name, f"{'known-good' if chosen.proven else 'unproven'}: {chosen.why}"
    return replace(
        bound(service, state, all_to(to, state.traffic), to, why),
        proven=chosen.proven,
        from_digest=current.digest if current else "",
        to_digest=chosen.revision.digest,
        to_image=chosen.revision.image,
        smoke=smoke,
        candidates=_listed(found, chosen),
    )


def bound(
    service: Service, state: ServiceState, after: Split, to_revision: str, why: str
) -> ServicePlan:
    """This change of the service, bound to what was seen of it: to that state, and to no other."""
    return ServicePlan(
        service=service.name,
        resource=service.resource,
        uri=state.uri,
        generation=state.generation,
        etag=state.etag,
        before=state.traffic,
        after=after,
        from_revision=state.main_revision,
        to_revision=to_revision,
        latest_ready=state.latest_ready,
        why=why,
    )


def tag_of(state: ServiceState, revision: str) -> tuple[str, str]:
    """A tag at whose URL the revision alone is reached, and that URL; both empty without one."""
    for target in state.serving:
        if target.tag in state.tags and (target.revision or state.latest_ready) == revision:
            return target.tag, state.tags[target.tag]
    return "", ""


def _nothing_left(state: ServiceState, found: Sequence[Candidate]) -> str:
    if not found:
        return f"there is no revision older than {state.main_revision}"
    lines = "; ".join(each.in_words() for each in found[:_MOST_BLAMED])
    more = len(found) - _MOST_BLAMED
    further = f"; and {more} more" if more > 0 else ""
    return f"no older revision will do. {lines}{further}"


def _listed(found: Sequence[Candidate], chosen: Candidate) -> tuple[str, ...]:
    shown = [each for n, each in enumerate(found) if n < MOST_LISTED or each is chosen]
    lines = tuple(each.in_words() for each in shown)
    left = len(found) - len(shown)
    return (*lines, f"and {left} more") if left else lines


def all_to(revision: str, before: Split = ()) -> Split:
    """All traffic to the revision (LATEST if empty); the tags of before stay, and carry none."""
    tagged = tuple(
        TrafficTarget(percent=0, revision=t.revision, tag=t.tag) for t in before if t.tag
    )
    return (TrafficTarget(percent=100, revision=revision), *tagged)


def restored_split(plan: ServicePlan, state: ServiceState) -> Split:
    """What a restore writes: what was found, LATEST pinned if it means another revision by now."""
    return plan.after if state.latest_ready == plan.latest_ready else pinned_split(plan)


def pinned_split(plan: ServicePlan) -> Split:
    """What the plan asks for, with LATEST pinned to what it meant when the plan was made."""
    return tuple(
        target
        if target.revision
        else TrafficTarget(percent=target.percent, revision=plan.latest_ready, tag=target.tag)
        for target in plan.after
    )
