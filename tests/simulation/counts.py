"""How often what the engine can do was done in a history."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from shared.domain.action import ActionKind
from shared.domain.paging import PageStep
from shared.domain.policy import OnPartial
from shared.domain.rollback import MoveResult, Verdict

if TYPE_CHECKING:
    from tests.simulation.world import World


def counts(world: World) -> Counter[str]:
    """By name."""
    found: Counter[str] = Counter()
    moved = {c.request.whole.hash for c in world.moves.took_effect if c.request}
    for plan, release in world.moves.releases.by_plan.items():
        if plan in moved:
            many = len(release.people)
            found["automatic" if release.automatic else f"approved by {many}"] += 1
    kinds = (c.request.action.kind for c in world.moves.took_effect if c.request)
    found["tags"] = sum(kind is ActionKind.TAG for kind in kinds)
    found["still frozen"] = sum(len(head.freezes) for head in world.record.heads.values())
    found["latches"] = world.record.latches
    found["proven"] = world.record.proven
    for incident in world.record.incidents():
        found["merged"] += bool(incident.merged_into)
        found["split off"] += bool(incident.split_from)
        found["moved to a lane"] += bool(incident.lane_was)
        found["escalated"] += sum(page.step is PageStep.ESCALATED for page in incident.pages)
        found["held back"] += sum(not page.wakes for page in incident.pages)
        found["after a hold"] += sum(page.step is PageStep.AFTER_HOLD for page in incident.pages)
        found["further"] += len(incident.earlier)
        if incident.data is not None:
            found[f"data {incident.data.phase}"] += 1
        wish = incident.rollback
        if wish is not None and wish.release:
            found[f"release {wish.phase}"] += 1
        hold = world.policy.stack(incident.stack).rollback.on_partial is OnPartial.HOLD
        steps = [page.step for page in incident.pages]
        found["answered"] += incident.answered_at is not None
        found["joined a cause"] += len(incident.symptoms)
        found["waited for a cause"] += incident.cause is not None
        found["outlasted a cause"] += PageStep.RESUMED in steps
        found["left in doubt"] += steps.count(PageStep.ROLLBACK_HELD)
        if hold and wish and PageStep.ROLLBACK_HELD in steps:
            ends = {each.result for each in wish.outcomes}
            surely = not ends & {MoveResult.FOREIGN, MoveResult.UNKNOWN}
            found["held"] += MoveResult.MOVED in ends and len(ends) > 1 and surely
        found["recovered"] += bool(wish and wish.verdict is Verdict.RECOVERED)
    return found
