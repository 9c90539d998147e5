"""What Sev1, or a blast radius beyond the canary cohort, asks for besides a page: one decision.

The incident commander and the product owner are told, and the rollout is frozen until the
incident is reviewed. The way back is no rollout: rollbacks, and putting back what was found, go on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from shared.domain.blast_radius import Exposure
from shared.domain.decide.draft import Draft
from shared.domain.decide.notices import notify, tell_team
from shared.domain.freeze import Freeze, FrozenAt
from shared.domain.incident import Incident, TimelineKind
from shared.domain.severity import CRITICAL, Severity, worst
from shared.domain.suspect import exposure

TOLD: Final = "You are told because"
"""So it begins why somebody hears of it who was not woken."""


def exposed(draft: Draft, incident: Incident) -> Incident:
    """The incident with its blast radius: beyond the canary cohort it is worse, and says so.

    Where no traffic was moved lately whatever serves is exposed: that counts in lanes alone whose
    owner would roll back, and only for what is critical by itself.
    """
    rules = draft.policy.blast_radius
    found = exposure(draft.stack, draft.now, rules)
    if found is None or found.share <= rules.canary_cohort or _known(incident, found):
        return incident
    if found.suspect is None and not _counts_without_suspect(draft, incident):
        return incident
    severity = worst(incident.severity, rules.raise_to)
    why = f"the blast radius is beyond the canary cohort: {found.in_words()}"
    reasons = (*incident.reasons, f"{severity} at least, because {why}")
    draft.say(incident, TimelineKind.EXPOSED, f"{why[0].upper()}{why[1:]}")
    return replace(incident, severity=severity, reasons=reasons, exposure=found)


def answer(draft: Draft) -> None:
    """After an event: what is as bad as that by now, and has not been answered yet, is."""
    if draft.stack is draft.before:
        return
    for incident in draft.stack.open_incidents():
        why = _why(incident)
        if why and _freezes(draft, incident):
            _freeze(draft, incident, why)
        if why and incident.answered_at is None:
            _tell(draft, incident, why)


def lift(draft: Draft, incident: Incident) -> None:
    """The incident was reviewed: it holds the rollout no longer; others still may."""
    if draft.stack.freeze_of(incident.id) is None:
        return
    draft.stack = draft.stack.unfrozen(incident.id)
    name, still = draft.policy.stack(draft.stack.id).name, draft.stack.frozen
    text = f"Reviewed, and yet {still}" if still else f"The rollout of {name} may go on"
    draft.say(incident, TimelineKind.UNFROZEN, text)
    notify(draft, f"{name}: {'still frozen' if still else 'the rollout may go on'}", text)


def _counts_without_suspect(draft: Draft, incident: Incident) -> bool:
    rolls_back = draft.policy.rolls_back(incident.lane)
    return rolls_back and incident.severity in CRITICAL


def _why(incident: Incident) -> str:
    """Why it asks for more than a page; empty if it does not."""
    if incident.severity is Severity.SEV1:
        return "it is sev1"
    return _beyond(incident.exposure) if incident.exposure is not None else ""


def _beyond(found: Exposure) -> str:
    return f"the blast radius is beyond the canary cohort: {found.in_words()}"


def _known(incident: Incident, found: Exposure) -> bool:
    """Whether that is no news: only a suspect that was not seen before adds anything."""
    before = incident.exposure
    return before is not None and (before.suspect is not None or found.suspect is None)


def _freezes(draft: Draft, incident: Incident) -> bool:
    """Whether it has yet to freeze the rollout: there is one, and something to hold back."""
    if not draft.policy.stack(draft.stack.id).services or draft.stack.freeze_of(incident.id):
        return False
    suspected = incident.exposure is not None and incident.exposure.suspect is not None
    return incident.severity is Severity.SEV1 or suspected


def _freeze(draft: Draft, incident: Incident, why: str) -> None:
    shares = tuple(
        FrozenAt(service=each.service, traffic=each.traffic, main=each.main)
        for each in draft.stack.services
    )
    freeze = Freeze(incident=incident.id, since=draft.now, why=why, shares=shares)
    draft.stack = draft.stack.frozen_by(freeze)
    name = draft.policy.stack(draft.stack.id).name
    text = f"The rollout of {name} is frozen until this is reviewed: {why}"
    draft.say(incident, TimelineKind.FROZEN, text)


def _tell(draft: Draft, incident: Incident, why: str) -> None:
    """Tell the teams that the policy names, without waking anybody."""
    name = draft.policy.stack(draft.stack.id).name
    teams = [draft.policy.teams[each] for each in draft.policy.notify]
    about = f"Incident {incident.id}, lane {incident.lane}: {incident.summary or incident.title}"
    held = draft.stack.freeze_of(incident.id) is not None
    frozen = ("The rollout is frozen until the post-incident review.",) if held else ()
    paragraphs = (about, f"{TOLD} {why}.", *frozen)
    for team in teams:
        tell_team(draft, team, f"{incident.severity} in {name}: {incident.title}", *paragraphs)
    if teams:
        told = " and ".join(team.name for team in teams)
        draft.say(incident, TimelineKind.NOTIFIED, f"{told} told, because {why}")
    draft.put(replace(incident, answered_at=draft.now))
