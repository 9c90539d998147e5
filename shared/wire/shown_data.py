"""Data rollbacks, as the JSON that people's programs read, and the pages of `status`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from shared.domain.data_rollback import DataPlan, DataRollback
from shared.domain.snapshots import Snapshot, Weighed


def data(shown: DataRollback) -> dict[str, Any]:
    """One data rollback, however far it has got."""
    return {
        "phase": shown.phase.value,
        "asked_at": _time(shown.asked_at),
        "requested_by": shown.requested_by,
        "reason": shown.reason or None,
        "plan": plan(shown.plan) if shown.plan else None,
        "approvals": [{"by": a.by, "at": _time(a.at)} for a in shown.approvals],
        "approved_at": _time(shown.approved_at),
        "export": snapshot(shown.export) if shown.export else None,
        "imported_at": _time(shown.imported_at),
        "ended_at": _time(shown.ended_at),
        "detail": shown.detail or None,
    }


def plan(shown: DataPlan) -> dict[str, Any]:
    """One plan, and what an approval of it is bound to."""
    return {
        "stack": shown.stack,
        "hash": shown.hash,
        "source": shown.source,
        "snapshot": snapshot(shown.snapshot),
        "verified_at": _time(shown.verified_at),
        "made_at": _time(shown.made_at),
        "expires_at": _time(shown.expires_at),
        "asked_by": shown.asked_by or None,
        "reason": shown.reason or None,
        "export_key": shown.export_key,
        "checks": list(shown.checks),
        "notes": list(shown.notes),
    }


def weighed(shown: Weighed) -> dict[str, Any]:
    """One snapshot, and why it qualifies or not."""
    return {
        **snapshot(shown.snapshot),
        "eligible": not shown.why_not,
        "known_good": not shown.snapshot.made_by,
        "why_not": shown.why_not or None,
    }


def snapshot(shown: Snapshot) -> dict[str, Any]:
    """One snapshot as its manifest has it."""
    return {
        "id": shown.id,
        "digest": shown.digest,
        "size": shown.size,
        "taken_at": _time(shown.taken_at),
        "format": shown.format,
        "made_by": shown.made_by or None,
    }


def _time(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="milliseconds") if at else None
