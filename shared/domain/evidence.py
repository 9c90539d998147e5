"""What a drill proved, judged and written down for people."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.domain.decision import DrillRow
from shared.domain.plan_words import plan_markdown
from shared.domain.rollback import MoveResult, Plan, TrafficOutcome, describe_split
from shared.domain.stack import DrillRun


def judge_drill(
    row: DrillRow, run: DrillRun, restored: TrafficOutcome | None, target_seconds: float
) -> DrillRow:
    """The row with what was measured: PASS if all moved and came back healthy within the target."""
    applied = run.applied
    rto = _seconds(applied, applied.healthy_at) if applied else None
    restore = _seconds(restored, restored.healthy_at) if restored else None
    done = restored.healthy_at if restored else None
    total = (done - applied.started_at).total_seconds() if done and applied else None
    text = _verdict(applied, restored, rto, restore, target_seconds)
    return replace(
        row,
        passed=text == "",
        text=text or f"rolled back in {rto:.1f} s and put back in {restore:.1f} s",
        rto_seconds=rto,
        restore_seconds=restore,
        total_seconds=total,
        findings=(*_findings("rollback", applied), *_findings("restore", restored)),
    )


def _seconds(outcome: TrafficOutcome | None, until: datetime | None) -> float | None:
    if outcome is None or until is None:
        return None
    return (until - outcome.started_at).total_seconds()


def _verdict(
    applied: TrafficOutcome | None,
    restored: TrafficOutcome | None,
    rto: float | None,
    restore: float | None,
    target: float,
) -> str:
    """Why the drill failed; empty if it passed."""
    if applied is None or not applied.all(MoveResult.MOVED):
        return "not every service could be rolled back"
    if rto is None:
        return f"not healthy after the rollback: {applied.health}"
    if restored is None or not restored.all(MoveResult.MOVED):
        return "not every service could be put back"
    if restore is None:
        return f"not healthy after it was put back: {restored.health}"
    return f"the RTO of {rto:.1f} s is above the target of {target:.0f} s" if rto > target else ""


def _findings(what: str, outcome: TrafficOutcome | None) -> tuple[str, ...]:
    if outcome is None:
        return ()
    lines = tuple(f"{what}: {each.service}: {each.detail}" for each in outcome.services)
    return (*lines, f"{what}: {outcome.health}") if outcome.health else lines


def drill_markdown(row: DrillRow) -> str:
    """The report of one drill, with the rows people file it by."""
    lines = [
        f"# {row.drill.capitalize()} drill of {row.stack}: {row.verdict}",
        "",
        f"- Drill: `{row.id}`, asked for by {row.asked_by or 'the schedule'}",
        f"- Started: {row.at.isoformat(timespec='seconds')}",
        f"- Mode: {'apply (traffic is moved and put back)' if row.applied else 'plan only'}",
        f"- Result: {row.verdict}: {row.text}",
        f"- RTO target: {row.target_seconds:.0f} s",
        "",
        *_plan_table(row.plan if isinstance(row.plan, Plan) else None),
        *_measures(row),
    ]
    if row.findings:
        lines += ["## What was seen", "", *(f"- {finding}" for finding in row.findings), ""]
    return "\n".join(lines)


def _plan_table(plan: Plan | None) -> list[str]:
    if plan is None:
        return []
    rows = [
        f"| {s.service} | {s.from_revision} | {s.to_revision} "
        f"| {describe_split(s.before, s.latest_ready)} |"
        for s in plan.services
    ]
    head = "| service | revision at start | rollback target | traffic put back |"
    return ["## Services", "", head, "|---|---|---|---|", *rows, "", *plan_markdown(plan)]


def _measures(row: DrillRow) -> list[str]:
    if not row.applied or row.refused:
        return []
    measured = (
        ("Rollback RTO (first traffic request until health)", row.rto_seconds),
        ("Restore (first request to put back until health)", row.restore_seconds),
        ("Whole drill", row.total_seconds),
    )
    rows = [
        f"| {name} | {'not measured' if value is None else f'{value:.1f} s'} |"
        for name, value in measured
    ]
    within = row.rto_seconds is not None and row.rto_seconds <= row.target_seconds
    verdict = f"| RTO within {row.target_seconds:.0f} s | {'PASS' if within else 'FAIL'} |"
    return ["## Measured", "", "| what | value |", "|---|---|", *rows, verdict, ""]
