"""What must hold when everything is over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.domain.action import TrafficOrder
from shared.domain.alert import AlertStatus
from shared.domain.incident import Incident, TimelineKind
from shared.domain.incident_state import OVER, State
from shared.domain.paging import Page, PageStep

if TYPE_CHECKING:
    from tests.simulation.world import World

Wrong = tuple[str, str]
_LEFT: Final = "A rollback drill may have left traffic changed"
_ABOUT_TRAFFIC: Final = (
    PageStep.ROLLBACK_HELD,
    PageStep.ROLLBACK_UNDONE,
    PageStep.NOT_RECOVERED,
    PageStep.RELEASE_HELD,
    PageStep.RELEASE_UNDONE,
)


def check_ending(world: World) -> None:
    """Require all of it."""
    for check in (_accepted, _pages, _traffic, _data, _settled, _stories, _ended, _as_stored):
        for invariant, detail in check(world):
            world.watch.require(False, invariant, detail)


def _accepted(world: World) -> Iterator[Wrong]:
    """What was answered 2xx has taken effect, and an alert led somewhere."""
    for event in world.accepted:
        alert = world.alerts.get(event)
        if alert is None:
            if event not in world.record.events and event not in world.rejections:
                yield "what was accepted takes effect", event
            continue
        row = world.record.alerts.get(alert.row_id)
        if row is None:
            yield "no alert is lost", alert.title
        elif not row.incident and not row.reason:
            yield "no alert without a page or a recorded reason", alert.title
        elif row.incident:
            incident = world.record.incident(row.incident)
            if incident is None or not incident.pages:
                yield "no alert without a page or a recorded reason", f"{alert.title}: {row}"
    recorded = {row.snippet for row in world.record.rejected.values()}
    for event, rejected in world.rejections.items():
        if event in world.accepted and rejected.snippet not in recorded:
            yield "what cannot be read is recorded", event


def _pages(world: World) -> Iterator[Wrong]:
    """Every page stands in Slack, or its failure is recorded and was passed on."""
    standing = {posted.key for posted in world.chat.posted()}
    for incident in world.record.incidents():
        reached = False
        for page in incident.pages:
            reached = reached or page.sent_at is not None
            if page.sent_at is not None and page.key not in standing:
                yield "a page that counts as sent stands in Slack", page.key
            late = incident.id in world.record.closed and page.key in standing
            reached = reached or late
            if page.sent_at is None and not late and not _passed_on(world, incident, page):
                yield "a page is sent, or its failure is recorded and passed on", page.key
        woken = any(page.wakes for page in incident.pages)
        if woken and not reached and len({page.person for page in incident.pages}) < 3:
            yield "no incident without somebody who was reached", incident.id


def _passed_on(world: World, incident: Incident, page: Page) -> bool:
    """Its failure is in the timeline; and another page names it, or there is nobody else."""
    story = world.record.story(incident.id)
    if not any(row.kind is TimelineKind.PAGE_FAILED for row in story):
        return False
    if not page.wakes:
        return True  # what was held back follows, or the incident was over before
    meant = {page.person, page.channel}
    passed = any(meant.intersection(other.instead_of) for other in incident.pages)
    passed = passed or any(incident.id in text for text in _told_about_pages(world))
    return passed or len(world.policy.teams) <= len({each.channel for each in incident.pages})


def _told_about_pages(world: World) -> Iterator[str]:
    """What other incidents say: of a page that was lost after its incident had been closed, too."""
    for incident in world.record.incidents():
        yield incident.title
        for page in incident.pages:
            yield from page.details


def _traffic(world: World) -> Iterator[Wrong]:
    """A stack that we left mixed was paged about; a drill's traffic is back, or it says so."""
    for left in world.moves.left():
        order, incident = left.action.order, left.action.incident
        assert isinstance(order, TrafficOrder)
        standing = ", ".join(left.standing)
        if order.drill and standing and not _left_said(world, left.action.stack):
            yield "a drill puts traffic back, or an incident says so", f"{order.drill}: {standing}"
        if left.mixed and not order.drill and not _mixed_said(world, incident):
            yield "no mixed stack without a page", f"{incident}: {standing}"


def _data(world: World) -> Iterator[Wrong]:
    yield from world.restores.wrong_in_the_end()


def _left_said(world: World, stack: str) -> bool:
    return any(
        incident.title == _LEFT or any(_LEFT in page.details for page in incident.pages)
        for incident in world.record.incidents()
        if incident.stack == stack
    )


def _mixed_said(world: World, incident_id: str) -> bool:
    incident = world.record.incident(incident_id)
    return incident is not None and any(page.step in _ABOUT_TRAFFIC for page in incident.pages)


def _settled(world: World) -> Iterator[Wrong]:
    for action in world.store.unsettled(timedelta(seconds=-1)):
        yield "every action is settled", action.id
    for stack in world.record.heads.values():
        if stack.drill is not None:
            yield "a drill comes to an end", stack.drill.id
        for incident in stack.incidents:
            rollback = incident.rollback
            if rollback and (rollback.waiting or rollback.phase.busy):
                yield "a rollback comes to an end", f"{incident.id} is {rollback.phase}"


def _stories(world: World) -> Iterator[Wrong]:
    """Each incident's timeline is whole, in order, and says what must be said."""
    for incident in world.record.incidents():
        written = world.record.story(incident.id)
        if list(world.store.timeline(incident.id)) != written:
            yield "a timeline is complete and in order", incident.id
        kinds = [row.kind for row in written]
        if kinds.count(TimelineKind.OPENED) != 1:
            yield "a timeline says once how it began", incident.id
        sent = sum(page.sent_at is not None for page in incident.pages)
        sent += sum("after the incident was closed" in row.text for row in written)
        if kinds.count(TimelineKind.PAGED) + kinds.count(TimelineKind.SHOWN) != sent:
            yield "a timeline says who was paged", incident.id
        if incident.state is State.RESOLVED and TimelineKind.RESOLVED not in kinds:
            yield "a timeline says how it ended", incident.id


def _ended(world: World) -> Iterator[Wrong]:
    """Nothing fires any more, and people ended the rest: everything is resolved."""
    for incident in world.record.incidents():
        if incident.state not in OVER:
            yield "what no longer fires is resolved", f"{incident.id} is {incident.state}"
    for row in world.record.alerts.values():
        if row.status is AlertStatus.FIRING:
            yield "an alert that ended is resolved", row.title


def _as_stored(world: World) -> Iterator[Wrong]:
    """What the store gives back is what was committed."""
    for stack_id, head in world.record.heads.items():
        if world.store.load(stack_id)[0] != head:
            yield "the store gives back what was committed", stack_id
    for row in world.record.alerts.values():
        if world.store.alert(row.id) != row:
            yield "the store gives back what was committed", row.id
