"""One incident is two: a person splits alerts off, or takes a merge back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from shared.domain.alert import AlertRow
from shared.domain.decide.draft import Draft
from shared.domain.decide.lanes import free_lane, make_room
from shared.domain.decide.opening import new_incident, opened, watch, wish_rollback
from shared.domain.decision import MovedAlert
from shared.domain.event import MOST_ENDED, Instructed
from shared.domain.incident import Incident, Merged, TimelineKind
from shared.domain.policy import Lane, Person
from shared.domain.severity import Severity

SHORTEST_NAME: Final = 4
"""Characters of an alert's id that name it."""

_LISTED: Final = 10


def split(draft: Draft, incident: Incident, event: Instructed, person: Person) -> Incident | str:
    """The incident without what is now one of its own; or why it stays whole."""
    if incident not in draft.stack.open_incidents():
        return f"it is {incident.state}"
    if incident.undecided:
        return f"{incident.undecided}: decide on that first"
    asked = event.instruction
    taken = next((each for each in incident.merged if asked.alerts == (each.id,)), None)
    if taken is not None:
        return _unmerged(draft, incident, taken, asked.lane, person)
    rows = _named(event)
    if isinstance(rows, str):
        return rows
    if incident.settles and len(rows) == event.firing:
        return "these are all of its alerts that fire: change the lane of the incident instead"
    lane = free_lane(draft, asked.lane or _own_lane(incident, rows), incident)
    return lane if isinstance(lane, str) else _split_off(draft, incident, rows, lane, person)


def _named(event: Instructed) -> tuple[AlertRow, ...] | str:
    """The alerts that were named, by title or by the beginning of their id; or what is unclear."""
    if event.firing > len(event.fires):
        return (
            f"{event.firing} of its alerts fire, and one split looks through {MOST_ENDED}:"
            " change the lane of the incident instead"
        )
    names = event.instruction.alerts
    unknown = [name for name in names if not any(_is_named(row, name) for row in event.fires)]
    if unknown or not names:
        what = f"none of its alerts that fire is {unknown[0]!r}" if unknown else "no alert is named"
        return f"{what}; there is: {_listed(event.fires)}"
    return tuple(row for row in event.fires if any(_is_named(row, name) for name in names))


def _is_named(row: AlertRow, name: str) -> bool:
    return row.title == name or (len(name) >= SHORTEST_NAME and row.id.startswith(name))


def _listed(rows: tuple[AlertRow, ...]) -> str:
    more = f" and {len(rows) - _LISTED} more" if len(rows) > _LISTED else ""
    return (", ".join(f"{row.id} {row.title}" for row in rows[:_LISTED]) or "none") + more


def _own_lane(incident: Incident, rows: Iterable[AlertRow]) -> str:
    """The lane that the routes gave all of them, where that is another one."""
    lanes = {row.lane for row in rows}
    return lanes.pop() if len(lanes) == 1 else incident.lane


def _split_off(
    draft: Draft, incident: Incident, rows: tuple[AlertRow, ...], lane: Lane, person: Person
) -> Incident:
    make_room(draft, lane, incident)
    new = _new(draft, incident, lane, rows[0].title, incident.severity, person)
    new = replace(new, trigger=rows[0].id, settles=True)
    for row in rows:
        draft.row(MovedAlert(id=row.id, incident=new.id, lane=lane.id))
    titles = ", ".join(dict.fromkeys(row.title for row in rows[:_LISTED]))
    _open(draft, incident, new, f"{titles} ({len(rows)} firing)", person)
    return draft.stack.incident(incident.id) or incident


def _unmerged(
    draft: Draft, incident: Incident, taken: Merged, lane_id: str, person: Person
) -> Incident | str:
    """The merge is taken back: what was merged is an incident again, under a new id."""
    lane = free_lane(draft, lane_id or taken.lane, incident)
    if isinstance(lane, str):
        return lane
    make_room(draft, lane, incident)
    rest = tuple(each for each in incident.merged if each != taken)
    settles = bool(incident.trigger) and all(each.settles for each in rest)
    left = replace(incident, merged=rest, settles=settles)
    draft.put(left)
    watch(draft, left)
    new = _new(draft, incident, lane, taken.title, taken.severity, person)
    new = replace(new, trigger=taken.trigger, settles=taken.settles, merged=(taken,))
    _open(draft, left, new, f"{taken.id}, {taken.title}", person)
    return left


def _new(
    draft: Draft, of: Incident, lane: Lane, title: str, severity: Severity, person: Person
) -> Incident:
    reasons = (f"{person.name} split it off {of.id}",)
    new = new_incident(draft, lane, severity, title, f"It was part of: {of.title}", reasons)
    return replace(new, split_from=of.id)


def _open(draft: Draft, left: Incident, new: Incident, what: str, person: Person) -> None:
    """The new incident is opened as any other; the one that stays says what went."""
    text = f"{person.name} split off {what}: now {new.id}, lane {new.lane}"
    draft.say(left, TimelineKind.SPLIT, text)
    opened(draft, wish_rollback(draft, new, requested_by=person.id))
