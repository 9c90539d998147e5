"""What a modal shows of a rollback that somebody thinks of asking for."""

from __future__ import annotations

from shared.domain.action import GaveUp, Outcome
from shared.domain.decide.draft import Draft
from shared.domain.paging import Sheet
from shared.domain.rollback import NoPlan, Plan


def plan_sheet(draft: Draft, outcome: Outcome) -> Sheet:
    """The plan, or why there is none, and who would have to approve it."""
    stack = draft.policy.stack(draft.stack.id)
    teams = (draft.policy.teams[team].name for team in stack.rollback.approvers)
    moves: tuple[str, ...] = ()
    note = "no plan could be made"
    if isinstance(outcome, Plan):
        moves = tuple(f"{service.in_words()}: {service.why}" for service in outcome.services)
        note = (
            "Nothing moves until it is approved; the approval is bound to the plan as it then is."
        )
    elif isinstance(outcome, NoPlan | GaveUp):
        note = outcome.reason
    return Sheet(
        stack=stack.name,
        moves=moves,
        note=note,
        approvers=" or ".join(teams) or "nobody",
    )
