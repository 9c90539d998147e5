"""What a modal shows of a rollback that somebody thinks of asking for."""

from __future__ import annotations

from shared.domain.action import GaveUp, Outcome
from shared.domain.decide.draft import Draft
from shared.domain.decide.opening import why_no_rollback
from shared.domain.paging import Sheet
from shared.domain.plan_words import describe_plan
from shared.domain.rollback import NoPlan, Plan


def plan_sheet(draft: Draft, outcome: Outcome) -> Sheet:
    """The plan, or why there is none, and who would have to approve it."""
    stack = draft.policy.stack(draft.stack.id)
    moves, note = _shown(outcome)
    why_not = why_no_rollback(draft)
    if why_not:
        moves, note = (), why_not
    return Sheet(
        stack=stack.name,
        moves=moves,
        note=note,
        approvers=_approvers(draft),
        plan=describe_plan(outcome) if moves and isinstance(outcome, Plan) else (),
    )


def _approvers(draft: Draft) -> str:
    """Who may approve, and how many have to where one is not enough."""
    teams = draft.policy.approver_names(draft.stack.id)
    needed = draft.policy.stack(draft.stack.id).rollback.approvals
    return teams if needed == 1 else f"{teams} ({needed} people)"


def _shown(outcome: Outcome) -> tuple[tuple[str, ...], str]:
    """What would move, and a note."""
    if isinstance(outcome, Plan):
        moves = tuple(f"{service.in_words()}: {service.why}" for service in outcome.services)
        note = (
            "Nothing moves until it is approved; the approval is bound to the plan as it then is."
        )
        return moves, note
    return (), outcome.reason if isinstance(outcome, NoPlan | GaveUp) else "no plan could be made"
