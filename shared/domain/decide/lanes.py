"""A person says that an incident is of another kind: its lane changes, and so does its owner."""

from __future__ import annotations

from dataclasses import replace

from shared.domain.decide.draft import Draft, nobody_has_it
from shared.domain.decide.escalating import page_owner, remind
from shared.domain.decide.opening import watch, wish_rollback
from shared.domain.incident import Incident, TimelineKind
from shared.domain.incident_state import Trigger
from shared.domain.machine import Refusal
from shared.domain.paging import PageStep
from shared.domain.policy import Lane, Person


def change_lane(draft: Draft, incident: Incident, lane_id: str, person: Person) -> Incident | str:
    """The incident in its new lane, whose owner is paged; or why it stays where it is.

    Nobody of the new owner's has acknowledged yet, so it is open again. Later alerts of the same
    series stay with it.
    """
    moved = incident.moved(Trigger.HAND_OVER)
    if isinstance(moved, Refusal):
        return moved.value
    if incident.undecided:
        return f"{incident.undecided}: decide on that first"
    lane = free_lane(draft, lane_id, incident)
    if isinstance(lane, str):
        return lane
    make_room(draft, lane, incident)
    return _handed_over(draft, incident, nobody_has_it(moved), lane, person)


def _handed_over(
    draft: Draft, before: Incident, moved: Incident, lane: Lane, person: Person
) -> Incident:
    old, team = draft.policy.lane(before.lane), draft.policy.owner(lane.id)
    incident = replace(
        moved,
        lane=lane.id,
        team=team.id,
        lane_was=before.lane,
        runbook=lane.runbook if before.runbook in ("", old.runbook) else before.runbook,
        rounds=before.rounds + 1,
    )
    text = f"{person.name} moved it from lane {before.lane} to {lane.id}, owned by {team.name}"
    draft.say(incident, TimelineKind.HANDED_OVER, text)
    if incident.rollback is None or incident.rollback.phase.may_be_wished_again:
        incident = wish_rollback(draft, incident, requested_by=person.id)
    incident = page_owner(draft, incident, PageStep.HANDED_OVER)
    watch(draft, incident)
    remind(draft, incident)
    return incident


def free_lane(draft: Draft, lane_id: str, besides: Incident) -> Lane | str:
    """The lane, if it has room for an incident that is, or was a part of, this one."""
    lane = draft.policy.lanes.get(lane_id)
    if lane is None:
        return f"there is no lane {lane_id!r}; there is: {', '.join(draft.policy.lanes)}"
    if lane.id == besides.lane:
        return f"it is in lane {lane.id}, which has one incident at a time: name another lane"
    known = draft.stack.by_lane(lane.id)
    if known is None or known.id == besides.id or known not in draft.stack.open_incidents():
        return lane
    return (
        f"incident {known.id} is open in lane {lane.id}, which has one at a time;"
        f" `/switchman merge {besides.id} {known.id}` makes them one"
    )


def make_room(draft: Draft, lane: Lane, besides: Incident) -> None:
    """What is over in the lane leaves it."""
    known = draft.stack.by_lane(lane.id)
    if known is not None and known.id != besides.id:
        draft.retire(known)
