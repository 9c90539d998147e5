"""Incidents and drills as the JSON that people's programs read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from shared.domain.decision import DrillRow, TimelineRow
from shared.domain.incident import Incident, Rollback
from shared.domain.paging import Page
from shared.domain.rollback import Plan, Split


def incident(
    shown: Incident, alerts: int, timeline: Sequence[TimelineRow] | None = None
) -> dict[str, Any]:
    """The incident; with its timeline when it is shown alone."""
    whole: dict[str, Any] = {
        "id": shown.id,
        "stack": shown.stack,
        "lane": shown.lane,
        "team": shown.team,
        "severity": shown.severity.value,
        "state": shown.state.value,
        "title": shown.title,
        "summary": shown.summary,
        "rule": shown.rule,
        "reasons": list(shown.reasons),
        "opened_at": _time(shown.opened_at),
        "acknowledged_at": _time(shown.acknowledged_at),
        "acknowledged_by": shown.acknowledged_by or None,
        "mitigated_at": _time(shown.mitigated_at),
        "resolved_at": _time(shown.resolved_at),
        "alerts": alerts,
        "pages": [_page(page) for page in shown.pages],
        "rollback": _rollback(shown.rollback) if shown.rollback else None,
    }
    if timeline is not None:
        whole["timeline"] = [
            {"at": _time(row.at), "kind": row.kind.value, "text": row.text} for row in timeline
        ]
    return whole


def drill(row: DrillRow) -> dict[str, Any]:
    """One drill."""
    return {
        "id": row.id,
        "stack": row.stack,
        "drill": row.drill,
        "at": _time(row.at),
        "passed": row.passed,
        "text": row.text,
        "services": _services(row.plan) if isinstance(row.plan, Plan) else [],
    }


def _page(page: Page) -> dict[str, Any]:
    return {
        "team": page.team,
        "person": page.person,
        "channel": page.channel,
        "step": page.step.value,
        "sent_at": _time(page.sent_at),
        "acknowledged_at": _time(page.acknowledged_at),
        "details": list(page.details),
    }


def _rollback(rollback: Rollback) -> dict[str, Any]:
    return {
        "mode": rollback.mode.value,
        "phase": rollback.phase.value,
        "verdict": rollback.verdict.value if rollback.verdict else None,
        "why_not": rollback.why_not or None,
        "plan": rollback.plan.hash if rollback.plan else None,
        "services": _services(rollback.plan) if rollback.plan else [],
        "outcomes": [
            {"service": o.service, "result": o.result.value, "detail": o.detail}
            for o in rollback.outcomes
        ],
        "approved_by": rollback.approved_by or None,
        "approved_at": _time(rollback.approved_at),
        "started_at": _time(rollback.started_at),
        "healthy_at": _time(rollback.healthy_at),
        "rto_seconds": rollback.rto_seconds,
        "decided_to_recovered_seconds": rollback.decided_to_recovered_seconds,
    }


def _services(plan: Plan) -> list[dict[str, Any]]:
    return [
        {
            "service": s.service,
            "from": s.from_revision,
            "to": s.to_revision,
            "generation": s.generation,
            "before": _split(s.before),
            "after": _split(s.after),
            "why": s.why,
        }
        for s in plan.services
    ]


def _split(split: Split) -> list[dict[str, Any]]:
    return [{"revision": t.revision or "LATEST", "percent": t.percent, "tag": t.tag} for t in split]


def _time(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="milliseconds") if at else None
