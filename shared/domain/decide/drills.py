"""The scheduled rollback drill, as far as it moves nothing."""

from __future__ import annotations

from shared.domain.action import ActionKind, PlanOrder
from shared.domain.decide.draft import Draft
from shared.domain.decision import DrillRow, Reason
from shared.domain.event import ActionFinished, DrillDue
from shared.domain.rollback import NoPlan, Plan


def on_drill(draft: Draft, event: DrillDue) -> Reason:
    """Plan a rollback as it would be done, unless something is on fire."""
    reason = _why_not(draft, event)
    if reason:
        _record(draft, event.drill, passed=False, text=f"refused: {reason}")
        return Reason.DRILL_REFUSED
    draft.act(ActionKind.PLAN, "", PlanOrder(drill=event.drill))
    return Reason.DRILL_PLANNED


def _why_not(draft: Draft, event: DrillDue) -> str:
    if event.drill != "rollback":
        return f"there is no drill called {event.drill!r}; there is: rollback"
    if not draft.policy.stack(draft.stack.id).services:
        return f"the policy has no services for the stack {draft.stack.id!r}"
    busy = draft.stack.open_incidents()
    return f"incident {busy[0].id} is {busy[0].state}" if busy else ""


def on_drill_planned(draft: Draft, event: ActionFinished) -> Reason:
    """Write down what the rollback would have done."""
    outcome = event.outcome
    if isinstance(outcome, Plan):
        moves = ", ".join(service.in_words() for service in outcome.services)
        _record(draft, "rollback", passed=True, text=f"dry run: would move {moves}", plan=outcome)
    else:
        why = outcome.reason if isinstance(outcome, NoPlan) else "no plan could be made"
        _record(draft, "rollback", passed=False, text=why)
    return Reason.RECORDED


def _record(draft: Draft, drill: str, *, passed: bool, text: str, plan: Plan | None = None) -> None:
    draft.row(
        DrillRow(
            id=f"drill-{draft.event.id}",
            stack=draft.stack.id,
            drill=drill,
            at=draft.now,
            passed=passed,
            text=text,
            plan=plan,
        )
    )
