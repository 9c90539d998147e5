"""An incident: the alerts of one stack and lane, and what was done about them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from shared.domain.approval import Approval
from shared.domain.blast_radius import Exposure
from shared.domain.data_rollback import DataRollback
from shared.domain.ids import derive
from shared.domain.incident_state import INCIDENT, State, Trigger
from shared.domain.links import Cause, Symptom
from shared.domain.machine import Back, Refusal
from shared.domain.page_list import listed
from shared.domain.paging import Page, PageStep
from shared.domain.repin import Repin
from shared.domain.rollback import (
    NoPlan,
    Plan,
    RollbackMode,
    ServiceOutcome,
    Verdict,
)
from shared.domain.rollback_phase import ROLLBACK, Phase, Step
from shared.domain.severity import Severity


class TimelineKind(StrEnum):
    """Everything a timeline may say."""

    ALERT_FIRED = "alert_fired"
    OPENED = "opened"
    REOPENED = "reopened"
    RAISED = "raised"
    PAGING = "paging"
    PAGED = "paged"
    PAGE_FAILED = "page_failed"
    ACKNOWLEDGED = "acknowledged"
    PROPOSED = "proposed"
    NOT_PROPOSED = "not_proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    SERVICE_MOVED = "service_moved"
    SERVICE_REFUSED = "service_refused"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    RESTORING = "restoring"
    RESTORED = "restored"
    HELD = "held"
    VERDICT = "verdict"
    RESOLVED = "resolved"
    REFUSED = "refused"
    FAILED = "failed"
    ASKED = "asked"
    UNREADABLE = "unreadable"
    ENDING = "ending"
    JOINED = "joined"
    CAUSE = "cause"
    SYMPTOM = "symptom"
    RESUMED = "resumed"
    EXPOSED = "exposed"
    NOTIFIED = "notified"
    FROZEN = "frozen"
    UNFROZEN = "unfrozen"
    LATCHED = "latched"
    TO_REPIN = "to_repin"
    REPINNED = "repinned"
    REVIEWED = "reviewed"
    WAITING = "waiting"
    MERGED = "merged"
    SPLIT = "split"
    HANDED_OVER = "handed_over"
    LOWERED = "lowered"
    NOTED = "noted"
    DATA_ASKED = "data_asked"
    DATA_PROPOSED = "data_proposed"
    DATA_APPROVED = "data_approved"
    DATA_EXPORTED = "data_exported"
    DATA_IMPORTED = "data_imported"
    DATA_DONE = "data_done"
    DATA_FAILED = "data_failed"
    DATA_NOT_DONE = "data_not_done"
    ESCALATED = "escalated"
    ESCALATION_ENDED = "escalation_ended"
    NOBODY_ON_CALL = "nobody_on_call"
    HELD_BACK = "held_back"
    SHOWN = "shown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """One rollback of the incident's stack, from the wish to the verdict.

    `trigger` is the alert's row id, empty where no alert set it off; `fired_at` is when that alert
    began. `waiting`: its plan has yet to be asked for, because a drill is under way. `waits_since`:
    no plan can be made before a deployment has ended, since then. `accepted_at`
    is when Cloud Run had taken the last traffic request. `rto_seconds` counts from the first
    traffic request until health is restored; `decided_to_recovered_seconds` from the decision to
    page until then.
    """

    mode: RollbackMode
    phase: Phase
    asked_at: datetime
    trigger: str
    requested_by: str = ""
    reason: str = ""
    waiting: bool = False
    waits_since: datetime | None = None
    plan: Plan | None = None
    why_not: str = ""
    approvals: tuple[Approval, ...] = ()
    approved_by: str = ""
    fired_at: datetime | None = None
    proposed_at: datetime | None = None
    approved_at: datetime | None = None
    started_at: datetime | None = None
    accepted_at: datetime | None = None
    served_at: datetime | None = None
    healthy_at: datetime | None = None
    outcomes: tuple[ServiceOutcome, ...] = ()
    verdict: Verdict | None = None
    rto_seconds: float | None = None
    decided_to_recovered_seconds: float | None = None

    def step(self, step: Step) -> Rollback | Refusal:
        """This rollback one step further, or why not."""
        answer = ROLLBACK.next(self.phase, step)
        if isinstance(answer, Refusal):
            return answer
        assert not isinstance(answer, Back)
        return replace(self, phase=answer)

    def planned(self, outcome: Plan | NoPlan) -> Rollback | Refusal:
        """This rollback with its plan, or with the reason why there is none."""
        if isinstance(outcome, NoPlan):
            moved = self.step(Step.NO_PLAN)
            if isinstance(moved, Refusal):
                return moved
            return replace(moved, why_not=outcome.reason, waits_since=None)
        moved = self.step(Step.PLAN_READY)
        if isinstance(moved, Refusal):
            return moved
        return replace(moved, plan=outcome, why_not="", waits_since=None, approvals=())

    @property
    def release(self) -> bool:
        """Whether it takes back what rollbacks left."""
        return self.plan is not None and self.plan.release

    @property
    def called(self) -> str:
        """What people call it."""
        return "release" if self.release else "rollback"

    @property
    def approvers(self) -> tuple[str, ...]:
        """Who has approved the plan, by their ids, the first first."""
        known = tuple(approval.by for approval in self.approvals)
        return known or ((self.approved_by,) if self.approved_by else ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A person looked back at the incident, and closed it; `by` is their id in the policy."""

    by: str
    at: datetime
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """An incident that a person merged into another, which its alerts count for from then on."""

    id: str
    lane: str
    title: str
    severity: Severity
    trigger: str = ""
    settles: bool = True


MOST_EARLIER: Final = 3
"""So many rollbacks that were carried out before the newest are remembered of an incident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """What people work on. `trigger` is the row id of the alert that opened it.

    `joined` is what another alert is called that joined and has yet to be paged about.
    `settles` is False for what a person has to end, because no alert's end would tell.
    `over_says` is the person who said that it is over and was refused at `over_refused_at`,
    because alerts fired; `ended_by` is whoever ended it, until it is reopened, which happened last
    at `reopened_at`. `earlier` are rollbacks that were carried out before `rollback`, the newest
    last. `data` is the newest data rollback that was asked for. `escalated` is how many steps of its
    team's escalation were paged since the team itself was. `held`: a page is held back, and follows
    `held_until` at the latest. `services` are those of the stack that its alerts named. `repin` is
    what a rollback leaves to do. `aside`: it is over, and is only kept in
    the head because it waits for its review.

    `merged` are the incidents that people merged into it, whose alerts are its own; it also
    answers for their lanes. `merged_into` is where this one went. `lane_was` is the lane that a
    person took it out of, `split_from` the incident that they split it off. `alerts` is how many
    it had when it was filed: their rows are pruned in time.

    `cause` is the incident that it is a symptom of, and `symptoms` are the lanes that fail because
    of it. `exposure` is its blast radius, where that is beyond the canary cohort. `answered_at` is
    when commanders were told and the rollout was frozen, as its severity or blast radius asks.
    `unlisted` is how many pages are no longer listed; the timeline tells of them.
    """

    id: str
    stack: str
    lane: str
    team: str
    severity: Severity
    state: State
    title: str
    summary: str
    reasons: tuple[str, ...]
    rule: str
    trigger: str
    opened_at: datetime
    runbook: str = ""
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    mitigated_at: datetime | None = None
    resolved_at: datetime | None = None
    settles: bool = True
    joined: str = ""
    over_says: str = ""
    over_refused_at: datetime | None = None
    ended_by: str = ""
    reopened_at: datetime | None = None
    rounds: int = 1
    pages: tuple[Page, ...] = ()
    rollback: Rollback | None = None
    earlier: tuple[Rollback, ...] = ()
    repin: Repin | None = None
    review: Review | None = None
    aside: bool = False
    merged: tuple[Merged, ...] = ()
    merged_into: str = ""
    lane_was: str = ""
    split_from: str = ""
    alerts: int = 0
    cause: Cause | None = None
    symptoms: tuple[Symptom, ...] = ()
    data: DataRollback | None = None
    escalated: int = 0
    held: bool = False
    held_until: datetime | None = None
    services: tuple[str, ...] = ()
    exposure: Exposure | None = None
    answered_at: datetime | None = None
    unlisted: int = 0

    def moved(self, trigger: Trigger) -> Incident | Refusal:
        """This incident after the trigger, or the named refusal; times are the caller's."""
        answer = INCIDENT.next(self.state, trigger)
        if isinstance(answer, Refusal):
            return answer
        return replace(self, state=self._came_from() if isinstance(answer, Back) else answer)

    def _came_from(self) -> State:
        if self.mitigated_at is not None:
            return State.MITIGATED
        return State.ACKNOWLEDGED if self.acknowledged_at is not None else State.OPEN

    @property
    def alerts_of(self) -> tuple[str, ...]:
        """The ids of the incidents whose alerts are its own: itself, and what was merged."""
        return (self.id, *(each.id for each in self.merged))

    @property
    def put_together(self) -> bool:
        """Whether a person decided what belongs to it: their word goes before the routes'."""
        return bool(self.merged or self.lane_was or self.split_from)

    def answers_for(self, lane: str) -> bool:
        """Whether an incident of this lane was merged into it."""
        return any(each.lane == lane for each in self.merged)

    @property
    def undecided(self) -> str:
        """Which rollback of it, of traffic or data, is not over yet; empty if there is none."""
        if self.rollback is not None and not self.rollback.phase.over:
            return f"its rollback is {self.rollback.phase}"
        if self.data is not None and not self.data.phase.over:
            return f"its data rollback is {self.data.phase}"
        return ""

    def with_wish(self, wish: Rollback) -> Incident:
        """This incident with another rollback asked for; one that was carried out is remembered."""
        last = self.rollback
        tried = (last,) if last is not None and last.phase.tried else ()
        return replace(self, rollback=wish, earlier=(*self.earlier, *tried)[-MOST_EARLIER:])

    @property
    def awaits_review(self) -> bool:
        """Whether it is kept until somebody has reviewed it: a rollback of it moved traffic."""
        return self.repin is not None and self.review is None

    def symptom(self, lane: str) -> Symptom | None:
        """What is known of this lane as one that fails because of the incident."""
        return next((each for each in self.symptoms if each.lane == lane), None)

    def with_symptom(self, symptom: Symptom) -> Incident:
        """This incident with the lane's symptom added or replaced."""
        others = tuple(each for each in self.symptoms if each.lane != symptom.lane)
        return replace(self, symptoms=(*others, symptom))

    @property
    def joined_lanes(self) -> frozenset[str]:
        """The other lanes whose alerts are counted with this incident."""
        own = (self.lane, *(each.lane for each in self.merged))
        return frozenset(s.lane for s in self.symptoms if s.joined and s.lane not in own)

    @property
    def last_moment(self) -> datetime:
        """The latest time at which something is known to have happened to it."""
        known = [self.opened_at, self.acknowledged_at, self.mitigated_at, self.resolved_at]
        for page in self.pages:
            known += [page.decided_at, page.sent_at, page.acknowledged_at]
        return max(at for at in known if at is not None)

    def page(self, key: str) -> Page | None:
        """The page with this key."""
        return next((page for page in self.pages if page.key == key), None)

    def with_page(self, page: Page) -> Incident:
        """This incident with the page added, or put in place of its earlier self."""
        if self.page(page.key) is None:
            return replace(self, pages=(*self.pages, page))
        pages = tuple(page if old.key == page.key else old for old in self.pages)
        return replace(self, pages=pages)

    def waiting(self, until: datetime | None) -> Incident:
        """This incident with its pages held back until then, or no longer."""
        return replace(self, held=until is not None, held_until=until)

    def with_room_for_a_page(self, now: datetime) -> Incident:
        """This incident with no more pages than can be listed with one more.

        Keys that were taken are told from new ones by the round, where the list no longer does.
        """
        pages = listed(self.pages, now)
        gone = len(self.pages) - len(pages)
        if not gone:
            return self
        return replace(self, pages=pages, unlisted=self.unlisted + gone, rounds=self.rounds + 1)

    def page_key(self, step: PageStep, person: str, *, wakes: bool = True) -> str:
        """The deduplication key of a page, or of what is shown while it is held back."""
        return f"{self.id}/{step}/{self.rounds}/{person}/{'slack' if wakes else 'shown'}"


def incident_id(stack: str, event_id: str) -> str:
    """The id of the incident an event opens; it starts with the stack, for people."""
    return f"{stack}-{derive('incident', event_id, length=10)}"


def stack_of(incident: str) -> str:
    """The stack in an incident's id."""
    return incident.rpartition("-")[0]
