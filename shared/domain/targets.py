"""What a service could be rolled back to."""

from __future__ import annotations

from collections.abc import Sequence

from shared.domain.policy import Service
from shared.domain.rollback import (
    NoPlan,
    Revision,
    ServicePlan,
    ServiceState,
    Split,
    TrafficTarget,
)


def plan_service(
    service: Service, state: ServiceState, revisions: Sequence[Revision]
) -> ServicePlan | NoPlan:
    """All traffic to the newest Ready revision before the one that serves now.

    Tags stay where they are and carry no traffic.
    """
    target = _target(state, revisions)
    if isinstance(target, NoPlan):
        return NoPlan(reason=f"{service.name}: {target.reason}")
    return ServicePlan(
        service=service.name,
        resource=service.resource,
        uri=state.uri,
        generation=state.generation,
        etag=state.etag,
        before=state.traffic,
        after=_all_to(target.name, state.traffic),
        from_revision=state.main_revision,
        to_revision=target.name,
        latest_ready=state.latest_ready,
        why="the newest Ready revision before the one that serves now",
    )


def _target(state: ServiceState, revisions: Sequence[Revision]) -> Revision | NoPlan:
    if state.reconciling:
        return NoPlan(reason="a change is still being carried out; nothing is planned on top of it")
    current = next((r for r in revisions if r.name == state.main_revision), None)
    if current is None:
        return NoPlan(reason=f"its revision {state.main_revision or '(none)'} is not to be found")
    older = [r for r in revisions if r.created_at < current.created_at and r.ready]
    if not older:
        return NoPlan(reason=f"there is no Ready revision older than {current.name}")
    return max(older, key=lambda revision: revision.created_at)


def _all_to(revision: str, before: Split) -> Split:
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
