"""After a rollback: what is left to do is done, and the incident is reviewed and closed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from shared.domain.decide.draft import Draft
from shared.domain.decide.freezing import lift
from shared.domain.event import TimerKind
from shared.domain.incident import Incident, Review, TimelineKind
from shared.domain.incident_state import Trigger
from shared.domain.machine import Refusal
from shared.domain.policy import Person
from shared.domain.release import Pinned
from shared.domain.repin import repin


def after_moving(draft: Draft, incident: Incident, moved: Collection[str]) -> Incident:
    """All services moved: a rollback leaves a task, a release takes back what rollbacks left."""
    plan = incident.rollback.plan if incident.rollback else None
    if plan is None:
        return incident
    if plan.release:
        draft.stack = draft.stack.released(plan)
        return incident
    return with_repin(draft, incident, moved)


def with_repin(draft: Draft, incident: Incident, moved: Collection[str]) -> Incident:
    """The incident with the task that its rollback leaves, having moved these services.

    What an earlier rollback of it left to do of other services is still to be done.
    """
    plan = incident.rollback.plan if incident.rollback else None
    task = repin(plan, moved, draft.now) if plan and not plan.release else None
    if plan is None or task is None:
        return incident
    left = {each.service: each.from_revision for each in plan.services}
    draft.stack = draft.stack.with_pinned(
        [Pinned(service=p.service, revision=p.revision, left=left[p.service]) for p in task.pins]
    )
    services = tuple(each for each in plan.services if each.service in moved)
    draft.stack = draft.stack.without_images_of(replace(plan, services=services))
    what = "; ".join(task.in_words())
    draft.say(incident, TimelineKind.TO_REPIN, f"To re-pin in the provisioning: {what}")
    known = incident.repin.pins if incident.repin and incident.repin.open else ()
    others = tuple(each for each in known if each.service not in moved)
    return replace(incident, repin=replace(task, pins=(*others, *task.pins)))


def on_repinned(draft: Draft, incident: Incident, person: Person) -> Incident | str:
    """The provisioning names what is known to be good, says a person; or why that is refused."""
    task = incident.repin
    if task is None:
        return "no rollback of it moved traffic, so there is nothing to re-pin"
    if task.done_at is not None:
        known = draft.policy.people.get(task.done_by)
        return f"{known.name if known else task.done_by} has done it already"
    text = f"{person.name} re-pinned in the provisioning: {'; '.join(task.in_words())}"
    draft.say(incident, TimelineKind.REPINNED, text)
    return replace(incident, repin=replace(task, done_by=person.id, done_at=draft.now))


def on_review(draft: Draft, incident: Incident, person: Person, note: str) -> Incident | str:
    """The incident, reviewed and closed; or why it cannot be yet."""
    moved = incident.moved(Trigger.REVIEW)
    if isinstance(moved, Refusal):
        return moved.value
    task = incident.repin
    if task is not None and task.open:
        return (
            f"the known-good image of {task.services} has yet to be re-pinned in the provisioning;"
            f" `/switchman repinned {incident.id}` says that it is"
        )
    if not note.strip():
        return "a review says what was learned"
    draft.say(moved, TimelineKind.REVIEWED, f"{person.name} reviewed it: {note}")
    lift(draft, moved)
    if not moved.aside:
        over = (moved.resolved_at or draft.now) + draft.policy.timing.reopen_window
        draft.timer(TimerKind.FORGET, moved, max(draft.now, over))
    return replace(moved, review=Review(by=person.id, at=draft.now, note=note))
