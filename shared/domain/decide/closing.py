"""A person says that an incident is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from shared.domain.alert import AlertRow, AlertStatus
from shared.domain.decide.draft import Draft
from shared.domain.decide.handing import theirs
from shared.domain.decide.verdicts import awaits_verdict
from shared.domain.event import MOST_ENDED, Instructed, TimerKind
from shared.domain.incident import Incident, TimelineKind
from shared.domain.incident_state import Trigger
from shared.domain.machine import Refusal
from shared.domain.policy import Person
from shared.domain.rollback import Verdict

AGAIN_WITHIN: Final = timedelta(minutes=10)
"""How soon the same person has to say again that it is over although alerts fire."""

_MINUTES: Final = AGAIN_WITHIN // timedelta(minutes=1)
_NAMED: Final = 3


def on_over(draft: Draft, incident: Incident, event: Instructed, person: Person) -> Incident | str:
    """The incident as it is checked once more before it is closed, or why it is not.

    What fires is never ended by a single press. Who has been told what fires may say it again:
    then those alerts count as ended, as of now, and whatever reports them later reopens it. Of
    more than one commit holds, each press ends some, and the last one closes it. What joined it
    from other lanes is not ended by that: it goes to its own owner.
    """
    moved = incident.moved(Trigger.SETTLE)
    if isinstance(moved, Refusal):
        return moved.value
    others = theirs(incident, event.fires)
    fires = tuple(row for row in event.fires if row not in others)
    firing = event.firing - len(others)
    if firing:
        if not _said_again(incident, event, person):
            return _not_yet(draft, incident, firing, fires, person)
        left = firing - len(fires)
        ended = _end_what_fires(draft, incident if left else moved, fires, person)
        if left:
            return _go_on(draft, ended, len(fires), left, person)
        moved = ended
    draft.say(moved, TimelineKind.ENDING, f"{person.name} says that it is over")
    draft.timer(TimerKind.CONFIRM, moved, draft.now)
    return replace(moved, over_says="", over_refused_at=None, ended_by=person.id)


def _said_again(incident: Incident, event: Instructed, person: Person) -> bool:
    return incident.over_says == person.id and _just_after(incident, event.instruction.at)


def _not_yet(
    draft: Draft, incident: Incident, firing: int, fires: tuple[AlertRow, ...], person: Person
) -> str:
    _awaits_again(draft, incident, person)
    return (
        f"{firing} of its alerts still fire ({_names(fires)}); if their sender will never end them, say it again"
        f" within {_MINUTES} minutes and they count as ended"
    )


def _go_on(draft: Draft, incident: Incident, ended: int, left: int, person: Person) -> str:
    """Some have ended, and the person is told how many have not."""
    _awaits_again(draft, incident, person)
    return (
        f"{ended} of its alerts count as ended now, and {left} still fire: say it again within"
        f" {_MINUTES} minutes, and so on; each time ends up to {MOST_ENDED}"
    )


def _awaits_again(draft: Draft, incident: Incident, person: Person) -> None:
    draft.put(replace(incident, over_says=person.id, over_refused_at=draft.now))


def _just_after(incident: Incident, said_at: datetime) -> bool:
    refused = incident.over_refused_at
    return refused is not None and refused < said_at <= refused + AGAIN_WITHIN


def _names(rows: tuple[AlertRow, ...]) -> str:
    names = list(dict.fromkeys(row.title for row in rows))
    return ", ".join(names[:_NAMED]) + (" and others" if names[_NAMED:] else "")


def _end_what_fires(
    draft: Draft, incident: Incident, rows: tuple[AlertRow, ...], person: Person
) -> Incident:
    """The alerts count as ended, which no sender said: `ends_at` stays empty.

    Whether a rollback helped is not known by that.
    """
    now, why = draft.now, f"ended by {person.name}"
    for row in rows:
        draft.row(replace(row, status=AlertStatus.RESOLVED, heard_at=now, reason=why))
    text = f"{person.name} ended what still fired: {_names(rows)} ({len(rows)})"
    draft.say(incident, TimelineKind.ENDING, text)
    rollback = incident.rollback
    if rollback is None or not awaits_verdict(rollback):
        return incident
    text = f"Verdict: {Verdict.UNKNOWN}: {person.name} ended the alert that set it off"
    draft.say(incident, TimelineKind.VERDICT, text)
    return replace(incident, rollback=replace(rollback, verdict=Verdict.UNKNOWN))
