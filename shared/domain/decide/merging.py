"""Two incidents are one: a person merges one into the other.

No alert's row moves, however many there are: the incident that stays counts the alerts of the one
that was merged as its own, by its id, and answers for its lane while it is open.
"""

from __future__ import annotations

from dataclasses import replace

from shared.domain.decide.draft import Draft
from shared.domain.decide.severity import raised
from shared.domain.incident import Incident, Merged, TimelineKind, stack_of
from shared.domain.incident_state import State, Trigger
from shared.domain.machine import Refusal
from shared.domain.paging import PageStep
from shared.domain.policy import Person
from shared.domain.rollback_phase import Phase
from shared.domain.stack import MOST_MERGED

_TOUCHED_TRAFFIC = (Phase.APPLIED, Phase.HELD)


def merge(draft: Draft, incident: Incident, into_id: str, person: Person) -> Incident | str:
    """The incident that stays, with what it took over; or why they cannot be merged."""
    into = draft.stack.incident(into_id)
    if into is None or into.id == incident.id:
        return _no_such(incident, into_id)
    moved = incident.moved(Trigger.MERGE)
    if isinstance(moved, Refusal):
        return moved.value
    why_not = _why_not(incident, into)
    if why_not:
        return why_not
    merged = replace(moved, merged_into=into.id)
    draft.say(merged, TimelineKind.MERGED, f"{person.name} merged it into {into.id}: {into.title}")
    draft.refresh(merged)
    draft.file(merged)
    into = replace(into, merged=(*into.merged, _taken(incident), *incident.merged))
    into = replace(into, settles=into.settles and incident.settles)
    return _told(draft, into, incident, person)


def _no_such(incident: Incident, into: str) -> str:
    if into == incident.id:
        return "an incident cannot be merged into itself"
    if stack_of(into) != incident.stack:
        return f"{into} is of another stack, and an incident is about one stack"
    return f"incident {into} is closed; declare or reopen one first"


def _why_not(incident: Incident, into: Incident) -> str:
    """Why one cannot go into the other; empty if it can."""
    if into.aside or into.state in (State.RESOLVING, State.RESOLVED, State.REVIEWED):
        return f"{into.id} is {into.state}, so that nobody would be reminded of what joins it"
    if len(into.merged) + len(incident.merged) >= MOST_MERGED:
        return f"at most {MOST_MERGED} incidents can be merged into one"
    rollback = incident.rollback
    if incident.undecided:
        return f"{incident.undecided}: decide on that first, or merge the other way"
    touched = rollback is not None and rollback.phase in _TOUCHED_TRAFFIC
    if touched or incident.repin is not None:
        return (
            f"a rollback of it moved traffic, and has a story of its own: merge {into.id} into it"
        )
    if incident.data is not None and incident.data.export is not None:
        return f"a rollback of its data has a story of its own: merge {into.id} into it"
    return ""


def _taken(incident: Incident) -> Merged:
    return Merged(
        id=incident.id,
        lane=incident.lane,
        title=incident.title,
        severity=incident.severity,
        trigger=incident.trigger,
        settles=incident.settles,
    )


def _told(draft: Draft, into: Incident, incident: Incident, person: Person) -> Incident:
    """Its owner is paged about what joined, unless it was they who said so."""
    text = f"{person.name} merged {incident.id} into it (lane {incident.lane}): {incident.title}"
    draft.say(into, TimelineKind.MERGED, text)
    if incident.severity.worse_than(into.severity):
        return raised(draft, into, incident.severity, text)
    called = draft.policy.on_call(draft.policy.owner(into.lane), draft.now)
    if called.people == (person.id,):
        return into
    return draft.page(replace(into, rounds=into.rounds + 1), PageStep.JOINED, (text,))
