"""Where a rollback's time went, from the instants that were written down of it."""

from __future__ import annotations

from datetime import datetime

from shared.domain.incident import Incident

Phases = tuple[tuple[str, float | None], ...]


def phases(incident: Incident) -> Phases:
    """How many seconds each phase of the incident's rollback took; None for one without its ends.

    `detect` from the alert's start until it was received, `decide` until a plan was there,
    `approve` until everyone whose approval it needed had given it. `apply` from the first traffic
    request until Cloud Run had taken the last, `serve` until traffic was served as planned,
    `recover` until the first of the health passes in a row: these three add up to the RTO. Nobody
    waits for an approval where the rollback is automatic, and no alert is detected where a person
    asks for it. Clocks that disagree make no phase shorter than nothing.
    """
    rollback = incident.rollback
    if rollback is None:
        return ()
    return (
        ("detect", _between(rollback.fired_at, rollback.asked_at)),
        ("decide", _between(rollback.asked_at, rollback.proposed_at)),
        ("approve", _between(rollback.proposed_at, rollback.approved_at)),
        ("apply", _between(rollback.started_at, rollback.accepted_at)),
        ("serve", _between(rollback.accepted_at, rollback.served_at)),
        ("recover", _between(rollback.served_at, rollback.healthy_at)),
    )


def _between(begin: datetime | None, end: datetime | None) -> float | None:
    return None if begin is None or end is None else max((end - begin).total_seconds(), 0.0)
