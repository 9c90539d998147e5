"""What Switchman knows, as the JSON that people's programs read, and the pages of `status`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from statistics import median
from typing import Any

from shared.domain.blast_radius import Exposure
from shared.domain.decision import AuditRow, DrillRow, TimelineRow
from shared.domain.freeze import Freeze
from shared.domain.incident import Incident, Rollback
from shared.domain.ledger import ServiceRecord
from shared.domain.links import Cause, Symptom
from shared.domain.paging import Page
from shared.domain.phases import phases
from shared.domain.policy import Policy
from shared.domain.repin import Repin
from shared.domain.rollback import Plan, Split
from shared.domain.stack import Stack
from shared.wire import shown_data


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
        "runbook": shown.runbook or None,
        "opened_at": _time(shown.opened_at),
        "acknowledged_at": _time(shown.acknowledged_at),
        "acknowledged_by": shown.acknowledged_by or None,
        "mitigated_at": _time(shown.mitigated_at),
        "resolved_at": _time(shown.resolved_at),
        "alerts": alerts,
        "pages": [_page(page) for page in shown.pages],
        "pages_unlisted": shown.unlisted,
        "rollback": _rollback(shown, shown.rollback) if shown.rollback else None,
        "exposure": _exposure(shown.exposure) if shown.exposure else None,
        "answered_at": _time(shown.answered_at),
        "cause": _cause(shown.cause) if shown.cause else None,
        "symptoms": [_symptom(each) for each in shown.symptoms],
        "data_rollback": shown_data.data(shown.data) if shown.data else None,
        "repin": _repin(shown.repin) if shown.repin else None,
        "review": shown.review
        and {"by": shown.review.by, "at": _time(shown.review.at), "note": shown.review.note},
        "merged_into": shown.merged_into or None,
        "merged": [
            {"id": each.id, "lane": each.lane, "title": each.title} for each in shown.merged
        ],
        "split_from": shown.split_from or None,
        "lane_was": shown.lane_was or None,
        "earlier_rollbacks": [_rollback(replace(shown, rollback=e), e) for e in shown.earlier],
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
        "verdict": row.verdict,
        "text": row.text,
        "applied": row.applied,
        "asked_by": row.asked_by or None,
        "target_seconds": row.target_seconds,
        "rto_seconds": row.rto_seconds,
        "restore_seconds": row.restore_seconds,
        "total_seconds": row.total_seconds,
        "findings": list(row.findings),
        "services": _services(row.plan) if isinstance(row.plan, Plan) else [],
    }


def stack(shown: Stack, writes: int | None) -> dict[str, Any]:
    """One stack's head: how often it was written, what is open on it, and its services."""
    return {
        "stack": shown.id,
        "writes": writes,
        "frozen": shown.frozen or None,
        "freezes": [_freeze(each) for each in shown.freezes],
        "open_incidents": [incident.id for incident in shown.open_incidents()],
        "pinned": [{"service": p.service, "revision": p.revision} for p in shown.pinned],
        "rolled_back": list(shown.rolled_back),
        "services": [_record(record) for record in shown.services],
    }


def _record(record: ServiceRecord) -> dict[str, Any]:
    """What looking at a service taught."""
    latch = record.latch
    return {
        "service": record.service,
        "traffic": _split(record.traffic),
        "main": record.main or None,
        "main_since": _time(record.main_since),
        "seen_at": _time(record.seen_at),
        "moved_at": _time(record.moved_at),
        "soaks": [{"revision": s.revision, "since": _time(s.since)} for s in record.soaks],
        "known_good": [
            {
                "revision": good.revision,
                "digest": good.digest or None,
                "proven_at": _time(good.proven_at),
                "requests": good.requests,
            }
            for good in record.good
        ],
        "tagged": record.tagged or None,
        "latch": latch
        and {"at": _time(latch.at), "by": latch.by or None, "found": _split(latch.found)},
        "trouble": record.trouble or None,
    }


def audit(row: AuditRow, policy: Policy) -> dict[str, Any]:
    """What one person told Switchman; the name is the policy's today, if it knows one."""
    person = policy.person_known_as(row.person)
    return {
        "id": row.id,
        "at": row.at.astimezone(UTC).isoformat(timespec="seconds"),
        "person": row.person,
        "name": person.name if person else row.person,
        "via": row.via or "Slack",
        "choice": row.choice.value,
        "asked": row.asked,
        "stack": row.stack,
        "incident": row.incident,
        "plan": row.plan,
        "answer": row.answer,
        "text": row.text,
    }


def plan(shown: Plan) -> dict[str, Any]:
    """One plan of a rollback, and what an approval of it is bound to."""
    return {
        "stack": shown.stack,
        "hash": shown.hash,
        "made_at": _time(shown.made_at),
        "expires_at": _time(shown.expires_at),
        "asked_by": shown.asked_by or None,
        "reason": shown.reason or None,
        "release": shown.release,
        "proven": shown.proven,
        "checks": list(shown.checks),
        "services": _services(shown),
    }


def measures(incidents: Sequence[Incident]) -> dict[str, Any]:
    """How long it took to page, to acknowledge and to recover, over these incidents.

    Each in seconds from the incident's opening: until its first page was delivered, until a
    page was acknowledged, until it was mitigated (or, without that, resolved). What has not
    happened yet is not counted, nor are releases, in which nothing was wrong.
    """
    incidents = [each for each in incidents if not (each.rollback and each.rollback.release)]
    return {
        "incidents": len(incidents),
        "to_page": _measure((i, _first(p.sent_at for p in i.pages if p.wakes)) for i in incidents),
        "to_acknowledge": _measure(
            (i, _first(p.acknowledged_at for p in i.pages)) for i in incidents
        ),
        "to_recover": _measure((i, i.mitigated_at or i.resolved_at) for i in incidents),
    }


def _measure(reached: Iterable[tuple[Incident, datetime | None]]) -> dict[str, Any]:
    took = [(at - incident.opened_at).total_seconds() for incident, at in reached if at]
    return {
        "count": len(took),
        "median_seconds": round(median(took), 3) if took else None,
        "worst_seconds": round(max(took), 3) if took else None,
    }


def _first(instants: Iterable[datetime | None]) -> datetime | None:
    return min((at for at in instants if at), default=None)


def _freeze(freeze: Freeze) -> dict[str, Any]:
    """An incident that holds the rollout, and the traffic when it began to."""
    return {
        "incident": freeze.incident,
        "since": _time(freeze.since),
        "why": freeze.why,
        "shares": [
            {"service": each.service, "traffic": _split(each.traffic), "main": each.main or None}
            for each in freeze.shares
        ],
    }


def _exposure(found: Exposure) -> dict[str, Any]:
    """The blast radius; `suspect` is null where no traffic was moved lately."""
    known = found.suspect
    return {
        "share": found.share,
        "service": known.service if known else None,
        "suspect": known.revision if known else None,
        "since": _time(known.since) if known else None,
    }


def _cause(cause: Cause) -> dict[str, Any]:
    """The incident that this one is a symptom of; `holds`: nobody is reminded of this one."""
    return {
        "incident": cause.incident,
        "lane": cause.lane,
        "team": cause.team,
        "since": _time(cause.since),
        "holds": cause.holds,
    }


def _symptom(symptom: Symptom) -> dict[str, Any]:
    """A lane that fails because of this incident's; `joined`: its alerts are counted here."""
    return {
        "lane": symptom.lane,
        "title": symptom.title,
        "severity": symptom.severity.value,
        "since": _time(symptom.since),
        "joined": symptom.joined,
        "incident": symptom.incident or None,
        "reasons": list(symptom.reasons),
    }


def _repin(task: Repin) -> dict[str, Any]:
    return {
        "open": task.open,
        "since": _time(task.since),
        "done_by": task.done_by or None,
        "done_at": _time(task.done_at),
        "services": [
            {
                "service": pin.service,
                "revision": pin.revision,
                "image": pin.image or None,
                "digest": pin.digest or None,
            }
            for pin in task.pins
        ],
    }


def _page(page: Page) -> dict[str, Any]:
    return {
        "team": page.team,
        "person": page.person,
        "channel": page.channel,
        "step": page.step.value,
        "wakes": page.wakes,
        "sent_at": _time(page.sent_at),
        "acknowledged_at": _time(page.acknowledged_at),
        "details": list(page.details),
    }


def _rollback(shown: Incident, rollback: Rollback) -> dict[str, Any]:
    return {
        "mode": rollback.mode.value,
        "release": rollback.release,
        "phase": rollback.phase.value,
        "verdict": rollback.verdict.value if rollback.verdict else None,
        "why_not": rollback.why_not or None,
        "plan": rollback.plan.hash if rollback.plan else None,
        "asked_at": _time(rollback.asked_at),
        "requested_by": rollback.requested_by or None,
        "reason": rollback.reason or None,
        "expires_at": _time(rollback.plan.expires_at) if rollback.plan else None,
        "services": _services(rollback.plan) if rollback.plan else [],
        "outcomes": [
            {"service": o.service, "result": o.result.value, "detail": o.detail}
            for o in rollback.outcomes
        ],
        "approvals": [{"by": a.by, "at": _time(a.at)} for a in rollback.approvals],
        "approved_by": rollback.approved_by or None,
        "approved_at": _time(rollback.approved_at),
        "started_at": _time(rollback.started_at),
        "accepted_at": _time(rollback.accepted_at),
        "served_at": _time(rollback.served_at),
        "healthy_at": _time(rollback.healthy_at),
        "phases": [{"name": name, "seconds": took} for name, took in phases(shown)],
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
            "etag": s.etag,
            "before": _split(s.before),
            "after": _split(s.after),
            "why": s.why,
            "proven": s.proven,
            "from_digest": s.from_digest or None,
            "to_digest": s.to_digest or None,
            "to_image": s.to_image or None,
            "smoke": s.smoke or None,
            "candidates": list(s.candidates),
        }
        for s in plan.services
    ]


def _split(split: Split) -> list[dict[str, Any]]:
    return [{"revision": t.revision or "LATEST", "percent": t.percent, "tag": t.tag} for t in split]


def _time(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="milliseconds") if at else None
