"""Whether a rollback helped: known when traffic, health, and the alert or the metrics agree."""

from __future__ import annotations

from dataclasses import replace

from shared.domain.alert import AlertStatus
from shared.domain.decide.draft import Draft
from shared.domain.incident import Incident, Rollback, TimelineKind
from shared.domain.phases import phases
from shared.domain.policy import RollbackPolicy
from shared.domain.rollback import TrafficOutcome, Verdict
from shared.domain.rollback_phase import Phase


def settle_verdict(draft: Draft, incident: Incident, trigger: AlertStatus | None) -> bool:
    """`recovered`, if health was restored and the alert that set it off has ended.

    Where no alert did there is none to end: then health is enough, unless the policy has metrics.
    """
    rollback = incident.rollback
    if rollback is None or not awaits_verdict(rollback) or trigger is not AlertStatus.RESOLVED:
        return False
    if rollback.trigger:
        recovered(draft, incident, rollback, "the alert that set it off has ended")
    elif rules(draft).metrics:
        return False
    else:
        recovered(draft, incident, rollback)
    return True


def recovered(draft: Draft, incident: Incident, rollback: Rollback, proof: str = "") -> None:
    """Health was restored, and this proves besides that the rollback helped."""
    incident = replace(incident, rollback=replace(rollback, verdict=Verdict.RECOVERED))
    text = f"Recovered: {in_words(rollback)}" + (f", and {proof}" if proof else "")
    draft.say(incident, TimelineKind.VERDICT, text)
    draft.put(incident)
    draft.refresh(incident)


def awaits_verdict(rollback: Rollback) -> bool:
    """Whether traffic and health are as they should be, and only the proof is missing."""
    return (
        rollback.phase is Phase.APPLIED
        and rollback.verdict is None
        and rollback.healthy_at is not None
    )


def rules(draft: Draft) -> RollbackPolicy:
    """What the policy says about rollbacks of the stack."""
    return draft.policy.stack(draft.stack.id).rollback


def in_words(rollback: Rollback) -> str:
    """The measured recovery time as people say it."""
    return f"health restored {rollback.rto_seconds:.1f} s after the first traffic request"


def split_in_words(incident: Incident) -> str:
    """Where the time went, as far as it is known."""
    known = ((name, took) for name, took in phases(incident) if took is not None)
    return ", ".join(f"{name} {took:.1f} s" for name, took in known)


def measured(rollback: Rollback, outcome: TrafficOutcome) -> Rollback:
    """The rollback with its times: RTO from the first traffic request until health."""
    started_at, healthy_at = outcome.started_at, outcome.healthy_at
    rollback = replace(
        rollback,
        started_at=started_at,
        accepted_at=outcome.accepted_at,
        served_at=outcome.served_at,
        healthy_at=healthy_at,
    )
    if healthy_at is None:
        return rollback
    return replace(
        rollback,
        rto_seconds=(healthy_at - started_at).total_seconds(),
        decided_to_recovered_seconds=(healthy_at - rollback.asked_at).total_seconds(),
    )
