"""What joined a cause that is over: it goes to its own lane, whose owner is paged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from shared.domain.alert import AlertRow
from shared.domain.decide.causes import cause_of, named
from shared.domain.decide.draft import Draft, reopened
from shared.domain.decide.escalating import page_owner, remind
from shared.domain.decide.opening import new_incident, opened, watch, wish_rollback
from shared.domain.decision import MovedAlert
from shared.domain.ids import derive
from shared.domain.incident import Incident, TimelineKind, incident_id
from shared.domain.incident_state import State, Trigger
from shared.domain.links import Cause, Symptom
from shared.domain.machine import Refusal
from shared.domain.paging import PageStep


def hand_over(draft: Draft, cause: Incident, rows: Iterable[AlertRow], *, left: bool) -> Incident:
    """What had joined the cause and still fires goes to its own lanes; the cause without it.

    `left`: these are not all that there are.
    """
    by_lane: dict[str, list[AlertRow]] = {}
    for row in rows:
        by_lane.setdefault(row.lane, []).append(row)
    for lane, fires in by_lane.items():
        symptom = cause.symptom(lane)
        assert symptom is not None, "only what had joined is handed over"
        taker = _taker(draft, cause, symptom, fires[0])
        for row in fires:
            draft.row(MovedAlert(id=row.id, incident=taker.id, lane=row.lane))
        text = f"Over, but {named(draft, lane)} still fires ({len(fires)}): incident {taker.id}"
        draft.say(cause, TimelineKind.SYMPTOM, text)
        known = taker.id if taker.lane == lane else ""
        cause = cause.with_symptom(replace(symptom, joined=left, incident=known))
    draft.put(cause)
    return cause


def theirs(incident: Incident, rows: Iterable[AlertRow]) -> tuple[AlertRow, ...]:
    """Those of the incident's alerts that are of other lanes, which joined it.

    A lane that a person moved it to, or merged into it, is its own by their word.
    """
    joined = {lane for lane in incident.joined_lanes if not incident.answers_for(lane)}
    return tuple(row for row in rows if row.lane in joined - {incident.lane})


def _taker(draft: Draft, cause: Incident, symptom: Symptom, row: AlertRow) -> Incident:
    """The incident that takes the alerts of a lane, whose own cause is over."""
    other = cause_of(draft.policy, draft.stack, symptom.lane, row.starts_at)
    if other is not None:
        other = other.with_symptom(replace(symptom, joined=True, since=draft.now))
        text = f"{named(draft, symptom.lane)} joined from incident {cause.id}, which is over"
        draft.say(other, TimelineKind.SYMPTOM, text)
        draft.put(other)
        return other
    known = draft.stack.by_lane(symptom.lane)
    if known is None or known.state is State.REVIEWED:
        draft.retire(known)
        return _opened_for(draft, cause, symptom, row)
    moved = known.moved(Trigger.ALERT_FIRED)
    assert not isinstance(moved, Refusal), "only what is reviewed is closed for good"
    text = f"Alerts came from incident {cause.id}, its cause, which is over"
    draft.say(moved, TimelineKind.RESUMED, text)
    if known.state is State.RESOLVED:
        moved = page_owner(draft, reopened(moved, draft.now), PageStep.RESUMED)
        remind(draft, moved)
    watch(draft, moved)
    draft.put(moved)
    return moved


def _opened_for(draft: Draft, cause: Incident, symptom: Symptom, row: AlertRow) -> Incident:
    """The lane's own incident: now it has to have one, and its owner is paged."""
    lane = draft.policy.lane(symptom.lane)
    why = f"it came with incident {cause.id}, which is over, and it still fires"
    reasons = (*symptom.reasons, why)
    title, summary = symptom.title or row.title, symptom.summary
    incident = new_incident(draft, lane, symptom.severity, title, summary, reasons)
    link = Cause(
        incident=cause.id, lane=cause.lane, team=cause.team, since=symptom.since, holds=False
    )
    incident = replace(
        incident,
        id=incident_id(draft.stack.id, derive("handed over", draft.event.id, lane.id)),
        rule=symptom.rule,
        trigger=row.id,
        runbook=symptom.runbook or lane.runbook,
        settles=True,
        cause=link,
    )
    return opened(draft, wish_rollback(draft, incident, symptom.no_rollback))
