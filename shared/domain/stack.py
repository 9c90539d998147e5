"""The unit of consistency: services that are rolled back together, and what is open on them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from shared.domain.freeze import Freeze
from shared.domain.incident import Incident
from shared.domain.incident_state import OVER
from shared.domain.ledger import ServiceRecord
from shared.domain.release import Pinned
from shared.domain.rollback import Plan, TrafficOutcome

MOST_ROLLED_BACK: Final = 20
"""So many digests of images that were rolled back from are remembered, the newest first."""

MOST_MERGED: Final = 20
"""So many incidents can be merged into one: the alerts of each are counted by a query."""

MOST_ASIDE: Final = 5
"""So many incidents are kept for their review besides those of the lanes: the head is bounded."""


class DrillPhase(StrEnum):
    """How far a drill has got."""

    PLANNING = "planning"
    APPLYING = "applying"
    RESTORING = "restoring"


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRun:
    """A drill under way. `applied` is how moving the traffic ended."""

    id: str
    drill: str
    apply: bool
    phase: DrillPhase
    asked_by: str
    started_at: datetime
    plan: Plan | None = None
    applied: TrafficOutcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The head document of a stack: at most one incident for each lane, in summary.

    Besides those, some that are over and kept `aside` until somebody has reviewed them.

    `drill` is under way; `unreadable` names the sources and days that were paged about.
    `services` is what looking at the stack's services taught. `rolled_back` are the digests of
    images that were rolled back from, and `automatic` when a rollback went without an approval,
    each the newest first and only as many as count. `pinned` are the services that our changes left
    pinned to a revision, until they are released. `observing` and `tagging` are the ids of the
    action that looks at the services, and of the one that tags what is known-good, while there is
    one; a plan that is asked for meanwhile waits for the tag. `freezes` hold the rollout, the oldest
    first, each until its incident is reviewed.
    """

    id: str
    incidents: tuple[Incident, ...] = ()
    drill: DrillRun | None = None
    unreadable: tuple[str, ...] = ()
    services: tuple[ServiceRecord, ...] = ()
    observing: str = ""
    tagging: str = ""
    rolled_back: tuple[str, ...] = ()
    automatic: tuple[datetime, ...] = ()
    pinned: tuple[Pinned, ...] = ()
    freezes: tuple[Freeze, ...] = ()

    def record(self, service: str) -> ServiceRecord | None:
        """What is remembered of a service, if anybody ever looked at it."""
        return next((each for each in self.services if each.service == service), None)

    def with_record(self, record: ServiceRecord) -> Stack:
        """This stack with the service's record added or replaced."""
        others = tuple(each for each in self.services if each.service != record.service)
        return replace(self, services=(*others, record))

    def without_images_of(self, plan: Plan) -> Stack:
        """This stack, which no longer goes back to the images that the plan went back from.

        An image that serves on both sides of the plan is not what was wrong.
        """
        left = tuple(s.from_digest for s in plan.services if s.from_digest not in ("", s.to_digest))
        known = tuple(digest for digest in self.rolled_back if digest not in left)
        return replace(self, rolled_back=(*left, *known)[:MOST_ROLLED_BACK])

    def with_pinned(self, pinned: Collection[Pinned]) -> Stack:
        """This stack whose services are pinned like this from now on."""
        again = {each.service for each in pinned}
        others = tuple(each for each in self.pinned if each.service not in again)
        return replace(self, pinned=(*others, *pinned))

    def released(self, plan: Plan) -> Stack:
        """This stack, whose services the plan put on LATEST: what they serve is wanted again."""
        services = {each.service for each in plan.services}
        wanted = {each.to_digest for each in plan.services}
        return replace(
            self,
            pinned=tuple(each for each in self.pinned if each.service not in services),
            rolled_back=tuple(each for each in self.rolled_back if each not in wanted),
        )

    @property
    def frozen(self) -> str:
        """Why its rollout stands still; empty if it does not."""
        return self.freezes[0].in_words() if self.freezes else ""

    def freeze_of(self, incident: str) -> Freeze | None:
        """The freeze that this incident holds."""
        return next((each for each in self.freezes if each.incident == incident), None)

    def frozen_by(self, freeze: Freeze) -> Stack:
        """This stack with one more freeze."""
        return replace(self, freezes=(*self.freezes, freeze))

    def unfrozen(self, incident: str, heir: str = "") -> Stack:
        """This stack without the incident's freeze, which an `heir` holds from now on."""
        freeze = self.freeze_of(incident)
        others = tuple(each for each in self.freezes if each.incident != incident)
        if freeze is None or not heir or self.freeze_of(heir) is not None:
            return replace(self, freezes=others)
        return replace(self, freezes=(replace(freeze, incident=heir), *others))

    def with_automatic(self, at: datetime, remember: int) -> Stack:
        """This stack with one more rollback that went without an approval."""
        return replace(self, automatic=(at, *self.automatic)[: max(1, remember)])

    def by_lane(self, lane: str) -> Incident | None:
        """The lane's incident that is open, or resolved so lately that it may reopen.

        Without one of its own, the one into which an incident of this lane was merged.
        """
        live = [each for each in self.incidents if not each.aside]
        own = next((each for each in live if each.lane == lane), None)
        return own or next((each for each in live if each.answers_for(lane)), None)

    def holding(self, incident_id: str) -> Incident | None:
        """The incident that the alerts of this one count for: itself, or what it was merged into."""
        return next((i for i in self.incidents if incident_id in i.alerts_of), None)

    def incident(self, incident_id: str) -> Incident | None:
        """The incident with this id, while it is in the head."""
        return next((i for i in self.incidents if i.id == incident_id), None)

    def with_incident(self, incident: Incident) -> Stack:
        """This stack with the lane's incident added or replaced, or with one that is kept aside."""
        others = tuple(
            i for i in self.incidents if i.id != incident.id and not _makes_room(i, incident)
        )
        return replace(self, incidents=(*others, incident))

    def without(self, incident_id: str) -> Stack:
        """This stack without the incident."""
        return replace(self, incidents=tuple(i for i in self.incidents if i.id != incident_id))

    def rollback_owner(self) -> Incident | None:
        """The incident whose rollback, of traffic or data, is planned, proposed or carried out."""
        return next((i for i in self.incidents if i.undecided), None)

    def open_incidents(self) -> tuple[Incident, ...]:
        """Incidents that somebody still has to deal with."""
        return tuple(i for i in self.incidents if i.state not in OVER)


def _makes_room(known: Incident, new: Incident) -> bool:
    """Whether an incident is replaced by another: a lane has one, besides those kept aside."""
    return known.lane == new.lane and not known.aside and not new.aside
