"""A person says that an incident is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from shared.domain.alert import AlertRow, AlertStatus
from shared.domain.decide.draft import Draft
from shared.domain.decide.verdicts import awaits_verdict
from shared.domain.event import MOST_ENDED, Instructed, TimerKind
from shared.domain.incident import Incident, TimelineKind
from shared.domain.incident_state import Trigger
from shared.domain.machine import Refusal
from shared.domain.policy import Person
from shared.domain.rollback import Verdict

AGAIN_WITHIN: Final = timedelta(minutes=10)
"""How soon the same person has to say again that it is over although alerts fire."""

_NAMED: Final = 3


def on_over(draft: Draft, incident: Incident, event: Instructed, person: Person) -> Incident | str:
    """The incident as it is checked once more before it is closed, or why it is not.

    What fires is never ended by a single press. Who has been told what fires may say it again:
    then those alerts count as ended, as of now, and whatever reports them later reopens it.
    """
    moved = incident.moved(Trigger.SETTLE)
    if isinstance(moved, Refusal):
        return moved.value
    if event.firing:
        why = _why_not_yet(draft, incident, event, person)
        if why:
            return why
        moved = _end_what_fires(draft, moved, event.fires, person)
    draft.say(moved, TimelineKind.ENDING, f"{person.name} says that it is over")
    draft.timer(TimerKind.CONFIRM, moved, draft.now)
    return replace(moved, over_says="", over_refused_at=None)


def _why_not_yet(draft: Draft, incident: Incident, event: Instructed, person: Person) -> str:
    still = f"{event.firing} of its alerts still fire"
    if event.firing > MOST_ENDED:
        return f"{still}, and a person can end at most {MOST_ENDED}: their sender has to end them"
    if incident.over_says == person.id and _just_after(incident, event.instruction.at):
        return ""
    draft.put(replace(incident, over_says=person.id, over_refused_at=draft.now))
    minutes = AGAIN_WITHIN // timedelta(minutes=1)
    return (
        f"{still} ({_names(event.fires)}); if their sender will never end them, say it again"
        f" within {minutes} minutes and they count as ended"
    )


def _just_after(incident: Incident, said_at: datetime) -> bool:
    refused = incident.over_refused_at
    return refused is not None and refused < said_at <= refused + AGAIN_WITHIN


def _names(rows: tuple[AlertRow, ...]) -> str:
    names = list(dict.fromkeys(row.title for row in rows))
    return ", ".join(names[:_NAMED]) + (" and others" if names[_NAMED:] else "")


def _end_what_fires(
    draft: Draft, incident: Incident, rows: tuple[AlertRow, ...], person: Person
) -> Incident:
    """The alerts count as ended. Whether a rollback helped is not known by that."""
    now, why = draft.now, f"ended by {person.name}"
    for row in rows:
        over = replace(row, status=AlertStatus.RESOLVED, ends_at=now, heard_at=now, reason=why)
        draft.row(over)
    text = f"{person.name} ended what still fired: {_names(rows)} ({len(rows)})"
    draft.say(incident, TimelineKind.ENDING, text)
    rollback = incident.rollback
    if rollback is None or not awaits_verdict(rollback):
        return incident
    text = f"Verdict: {Verdict.UNKNOWN}: {person.name} ended the alert that set it off"
    draft.say(incident, TimelineKind.VERDICT, text)
    return replace(incident, rollback=replace(rollback, verdict=Verdict.UNKNOWN))
