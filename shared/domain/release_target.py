"""What a release writes: LATEST, bound to the revision that this means when it is planned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shared.domain.ledger import ServiceRecord, bare
from shared.domain.policy import Service
from shared.domain.release import Pinned
from shared.domain.rollback import (
    NoPlan,
    Revision,
    ServicePlan,
    ServiceState,
    describe_split,
)
from shared.domain.targets import all_to, bound

_LATEST = frozenset({("", 100)})


def newest(
    service: Service,
    state: ServiceState,
    revisions: Sequence[Revision],
    pinned: Pinned | None,
    rolled_back: frozenset[str],
    *,
    again: bool,
) -> Revision | NoPlan | None:
    """What LATEST would serve; None if it does already, or the service was never pinned by us.

    Nothing is taken back that a person set, and no image is released that was rolled back from
    unless somebody means it (`again`).
    """
    traffic = bare(state.traffic)
    if pinned is None or traffic == _LATEST:
        return None
    name = service.name
    if traffic != bare(all_to(pinned.revision)):
        now = describe_split(state.traffic, state.latest_ready)
        return NoPlan(reason=f"{name} is not as a rollback of Switchman's left it: it has {now}")
    if state.reconciling:
        return NoPlan(reason=f"{name}: a change is still being carried out", passes=True)
    found = next((r for r in revisions if r.name == state.latest_ready), None)
    if found is None or not found.ready:
        return NoPlan(reason=f"{name}: its latest revision {state.latest_ready} is not Ready")
    if not again and (found.name == pinned.left or found.digest in rolled_back - {""}):
        return NoPlan(
            reason=f"{name}: LATEST is {found.name}, whose image was rolled back from;"
            " deploy the fix first, or ask with --again if you mean that image"
        )
    return found


def plan_release(
    service: Service,
    state: ServiceState,
    revisions: Sequence[Revision],
    target: Revision,
    record: ServiceRecord | None,
    smoke: str,
) -> ServicePlan:
    """All traffic to LATEST. Tags stay where they are and carry no traffic."""
    current = next((r for r in revisions if r.name == state.main_revision), None)
    proven = record is not None and record.proof(target.name) is not None
    why = f"LATEST, the newest Ready revision: {'known-good' if proven else 'unproven'}"
    return replace(
        bound(service, state, all_to("", state.traffic), target.name, why),
        proven=proven,
        from_digest=current.digest if current else "",
        to_digest=target.digest,
        to_image=target.image,
        smoke=smoke,
    )
