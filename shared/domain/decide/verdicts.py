"""Whether a rollback helped: known only when traffic, health and the alert agree."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.domain.alert import AlertStatus
from shared.domain.decide.draft import Draft
from shared.domain.incident import Incident, Rollback, TimelineKind
from shared.domain.rollback import Verdict
from shared.domain.rollback_phase import Phase


def settle_verdict(draft: Draft, incident: Incident, trigger: AlertStatus | None) -> bool:
    """`recovered`, if health was restored and the alert that set it off has ended."""
    rollback = incident.rollback
    if rollback is None or not awaits_verdict(rollback) or trigger is not AlertStatus.RESOLVED:
        return False
    assert rollback.healthy_at is not None
    incident = replace(incident, rollback=replace(rollback, verdict=Verdict.RECOVERED))
    draft.say(
        incident,
        TimelineKind.VERDICT,
        f"Recovered: {in_words(rollback)}{_ended(rollback)}",
    )
    draft.put(incident)
    draft.refresh(incident)
    return True


def _ended(rollback: Rollback) -> str:
    return ", and the alert that set it off has ended" if rollback.trigger else ""


def awaits_verdict(rollback: Rollback) -> bool:
    """Whether traffic and health are as they should be, and only the alert has yet to end."""
    return (
        rollback.phase is Phase.APPLIED
        and rollback.verdict is None
        and rollback.healthy_at is not None
    )


def in_words(rollback: Rollback) -> str:
    """The measured recovery time as people say it."""
    return f"health restored {rollback.rto_seconds:.1f} s after the first traffic request"


def measured(rollback: Rollback, started_at: datetime, healthy_at: datetime) -> Rollback:
    """The rollback with its times: RTO from the first traffic request until health."""
    return replace(
        rollback,
        started_at=started_at,
        healthy_at=healthy_at,
        rto_seconds=(healthy_at - started_at).total_seconds(),
        decided_to_recovered_seconds=(healthy_at - rollback.asked_at).total_seconds(),
    )
