"""The rollback drill: plan; with `apply` also move traffic, check health, put it back, check again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from shared.domain.action import ActionKind, GaveUp, Outcome, PlanOrder, TrafficOrder
from shared.domain.decide.draft import Draft
from shared.domain.decide.latches import hands_off, latched
from shared.domain.decide.opening import new_incident, opened, plan_order, plan_what_waits
from shared.domain.decision import DrillRow, Reason
from shared.domain.event import ActionFinished, DrillDue, drill_id
from shared.domain.evidence import judge_drill
from shared.domain.incident import TimelineKind
from shared.domain.paging import PageStep
from shared.domain.policy import TRIAGE
from shared.domain.rollback import MoveResult, NoPlan, Plan, TrafficOutcome, same_split
from shared.domain.severity import Severity
from shared.domain.stack import DrillPhase, DrillRun

_STEPS: Final = {
    DrillPhase.PLANNING: ActionKind.PLAN,
    DrillPhase.APPLYING: ActionKind.APPLY,
    DrillPhase.RESTORING: ActionKind.RESTORE,
}
_LEFT: Final = "A rollback drill may have left traffic changed"
_UNHEALTHY: Final = "Not healthy after a rollback drill put traffic back"


START_WITHIN: Final = timedelta(minutes=5)
"""A drill that cannot begin so soon after its plan is not begun: much may have happened since."""


def on_drill(draft: Draft, event: DrillDue) -> Reason:
    """The schedule asks for a drill."""
    why_not = start_drill(draft, event.id, event.drill, event.asked_by, apply=event.apply)
    return Reason.DRILL_REFUSED if why_not else Reason.DRILL_PLANNED


def start_drill(draft: Draft, event_id: str, drill: str, asked_by: str, *, apply: bool) -> str:
    """Start a drill; or, while something is on fire, record and return why not."""
    run = DrillRun(
        id=drill_id(event_id),
        drill=drill,
        apply=apply,
        phase=DrillPhase.PLANNING,
        asked_by=asked_by,
        started_at=draft.now,
    )
    held = (latched(draft.stack) or draft.stack.frozen) if apply else ""
    why_not = why_no_drill(draft, drill) or held
    if why_not:
        row = _row(draft, run, passed=False, text=why_not)
        draft.row(replace(row, refused=True))
        return why_not
    draft.stack = replace(draft.stack, drill=run)
    if not draft.stack.tagging:
        plan_drill(draft, run)
    return ""


def plan_drill(draft: Draft, run: DrillRun) -> None:
    """Have the drill's plan made; where a tag is being set, as soon as that is done."""
    reason = f"{run.drill} drill"
    order = plan_order(draft, asked_by=run.asked_by, reason=reason, drill=run.id)
    draft.act(ActionKind.PLAN, "", order)


def why_no_drill(draft: Draft, drill: str) -> str:
    """Why the drill cannot be started now; empty if it can."""
    if drill != "rollback":
        return f"there is no drill called {drill!r}; there is: rollback"
    if not draft.policy.stack(draft.stack.id).services:
        return f"the policy has no services for the stack {draft.stack.id!r}"
    if draft.stack.drill is not None:
        return f"drill {draft.stack.drill.id} is under way"
    busy = draft.stack.open_incidents()
    return f"incident {busy[0].id} is {busy[0].state}" if busy else ""


def on_drill_step(draft: Draft, event: ActionFinished) -> Reason:
    """One step of the drill under way has ended."""
    order, run = event.action.order, draft.stack.drill
    drill = order.drill if isinstance(order, PlanOrder | TrafficOrder) else ""
    if run is None or run.id != drill or event.action.kind is not _STEPS[run.phase]:
        return Reason.STALE
    match event.outcome:
        case Plan() as plan:
            _planned(draft, run, plan)
        case TrafficOutcome() as outcome if event.action.kind is ActionKind.APPLY:
            _applied(draft, run, outcome)
        case TrafficOutcome() as outcome:
            _restored(draft, run, outcome)
        case other:
            _stopped(draft, run, other)
    return Reason.RECORDED


def _planned(draft: Draft, run: DrillRun, plan: Plan) -> None:
    if not run.apply:
        moves = ", ".join(service.in_words() for service in plan.services)
        _end(draft, replace(run, plan=plan), passed=True, text=f"dry run: would move {moves}")
        return
    busy = draft.stack.open_incidents()
    if busy:
        text = f"stopped before traffic was moved: incident {busy[0].id} was opened"
        _end(draft, replace(run, plan=plan), passed=False, text=text)
        return
    taken = hands_off(draft.stack, plan) or draft.stack.frozen
    if taken:
        text = f"stopped before traffic was moved: {taken}"
        _end(draft, replace(run, plan=plan), passed=False, text=text)
        return
    order = TrafficOrder(plan=plan, drill=run.id)
    draft.act(ActionKind.APPLY, "", order, not_after=draft.now + START_WITHIN)
    run = replace(run, plan=plan, phase=DrillPhase.APPLYING)
    draft.stack = replace(draft.stack, drill=run)


def _applied(draft: Draft, run: DrillRun, outcome: TrafficOutcome) -> None:
    """Whatever came of it: what was changed is put back at once."""
    run = replace(run, applied=outcome, phase=DrillPhase.RESTORING)
    only = outcome.to_put_back()
    if outcome.any(MoveResult.FOREIGN, MoveResult.UNKNOWN) or not only or run.plan is None:
        _judge(draft, run, None)
        return
    order = TrafficOrder(plan=run.plan, only=only, drill=run.id)
    draft.act(ActionKind.RESTORE, "", order)
    draft.stack = replace(draft.stack, drill=run)


def _restored(draft: Draft, run: DrillRun, outcome: TrafficOutcome) -> None:
    _judge(draft, run, outcome)


def _judge(draft: Draft, run: DrillRun, restored: TrafficOutcome | None) -> None:
    target = draft.policy.stack(draft.stack.id).rollback.rto_target.total_seconds()
    row = judge_drill(_row(draft, run, passed=False, text=""), run, restored, target)
    changed = restored is None or not restored.all(MoveResult.MOVED)
    _finish(draft, row)
    if changed and _may_stand(run):
        _call_for_help(draft, run, row, _LEFT)
    elif restored is not None and restored.healthy_at is None and not _on_fire(draft):
        _call_for_help(draft, run, row, _UNHEALTHY)


def _may_stand(run: DrillRun) -> bool:
    """Whether what the drill did to a service may still stand.

    A foreign service with just the traffic that was wanted may be one that a worker moved before
    it died, and that was then deployed to.
    """
    if run.applied is None or run.plan is None:
        return False
    wanted = {service.service: service.after for service in run.plan.services}
    ours = (MoveResult.MOVED, MoveResult.UNSERVED, MoveResult.UNKNOWN)
    return run.applied.any(*ours) or any(
        same_split(found.traffic, wanted[found.service]) for found in run.applied.services
    )


def _stopped(draft: Draft, run: DrillRun, outcome: Outcome) -> None:
    """No plan, or a step that was given up."""
    why = outcome.reason if isinstance(outcome, NoPlan | GaveUp) else "it gave no result"
    row = _row(draft, run, passed=False, text=why)
    _finish(draft, row)
    if run.phase is not DrillPhase.PLANNING:
        _call_for_help(draft, run, row, _LEFT)


def _on_fire(draft: Draft) -> bool:
    """Whether people are at this stack already."""
    return bool(draft.stack.open_incidents())


def _call_for_help(draft: Draft, run: DrillRun, row: DrillRow, title: str) -> None:
    """A drill that did harm is an incident, or a page on one that is open."""
    lanes = [lane for lane in (draft.policy.rollback_lane(), draft.policy.lane(TRIAGE)) if lane]
    taken = {incident.lane: incident for incident in draft.stack.open_incidents()}
    lane = next((lane for lane in lanes if lane.id not in taken), None)
    if lane is None:
        details = (title, row.text, *row.findings)
        incident = draft.page(taken[lanes[0].id], PageStep.ROLLBACK_HELD, details)
    else:
        draft.retire(draft.stack.by_lane(lane.id))
        reasons = (f"drill {run.id}: {row.text}",)
        incident = new_incident(draft, lane, Severity.SEV2, title, row.text, reasons)
        opened(draft, incident)
    for finding in row.findings:
        draft.say(incident, TimelineKind.HELD, finding)


def _end(draft: Draft, run: DrillRun, *, passed: bool, text: str) -> None:
    _finish(draft, _row(draft, run, passed=passed, text=text))


def _finish(draft: Draft, row: DrillRow) -> None:
    """The drill is over; a rollback that waited for it is planned now."""
    draft.row(row)
    draft.stack = replace(draft.stack, drill=None)
    plan_what_waits(draft)


def _row(draft: Draft, run: DrillRun, *, passed: bool, text: str) -> DrillRow:
    return DrillRow(
        id=run.id,
        stack=draft.stack.id,
        drill=run.drill,
        at=run.started_at,
        passed=passed,
        text=text,
        plan=run.plan,
        applied=run.apply,
        asked_by=run.asked_by,
        target_seconds=draft.policy.stack(draft.stack.id).rollback.rto_target.total_seconds(),
    )
