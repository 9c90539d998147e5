"""What people decided beforehand: who owns what, and what may be done.

These are the plain facts `decide` reads. `shared.policy` builds them from the policy file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from shared.domain.blast_radius import BlastRadius
from shared.domain.escalation import Called, EscalationStep, on_call, roster
from shared.domain.lane import Route, SeverityRule
from shared.domain.ledger import LedgerRules
from shared.domain.metrics import MetricQuery
from shared.domain.quiet import Maintenance, QuietHours
from shared.domain.routing import RouteIndex
from shared.domain.schedule import Schedule
from shared.domain.severity import Severity
from shared.domain.snapshots import DataRules

IN_POLICY: Final = "person:"
"""Before a person's id in the policy, where somebody is known by that and not by Slack."""

TRIAGE = "triage"
UNASSIGNED = "unassigned"


class Remediation(StrEnum):
    """What a lane's owner would do about it."""

    NONE = "none"
    ROLLBACK = "rollback"
    PROJECTION_REBUILD = "projection_rebuild"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone who can be paged. `slack` is the member id (U...)."""

    id: str
    name: str
    slack: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Who is woken for a lane, and who after them. `channel` is where pages appear.

    `on_call` is a person's id, or a schedule's.
    """

    id: str
    name: str
    channel: str
    on_call: str
    members: tuple[str, ...] = ()
    escalation: tuple[EscalationStep, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A kind of incident, who owns it and what they would do."""

    id: str
    name: str
    owner: str
    remediation: Remediation = Remediation.NONE
    runbook: str = ""
    remedy: str = ""
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """One request that must be answered as stated for a service to count as healthy."""

    path: str
    expect_status: tuple[int, ...] = (200,)
    non_empty: bool = False
    timeout: timedelta = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One Cloud Run service of a stack."""

    name: str
    project: str
    region: str
    health: tuple[HealthCheck, ...] = ()
    required_env: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def resource(self) -> str:
        """The full resource name in the Cloud Run Admin API v2."""
        return f"projects/{self.project}/locations/{self.region}/services/{self.name}"


class OnPartial(StrEnum):
    """What happens to the services that moved when another of the stack refused."""

    RESTORE = "restore"
    HOLD = "hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomaticRules:
    """When a rollback needs no approval. All of it must hold, and the target be known-good.

    `severities`: how bad the incident must be. `beyond`: the share of traffic in percent, that of
    the canary cohort, which the revision under suspicion must exceed. `suspect_within`: how
    lately traffic must have changed for that change to be suspected. `cooldown`: how long after
    one automatic rollback of the stack the next may follow; `per_hour` how many there may be.
    """

    severities: tuple[Severity, ...] = (Severity.SEV1,)
    beyond: int = 10
    suspect_within: timedelta = timedelta(hours=2)
    cooldown: timedelta = timedelta(minutes=30)
    per_hour: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackPolicy:
    """Who may approve a rollback, what may go without asking, and how long things may take.

    `approvals`: how many people must approve, never the requester among them. `automatic`: None
    means never. `further_candidate`: whether one more revision is tried when the first did not
    help. `metrics`: what has to be back within its budget for `recovered`, where the alert that
    set the rollback off does not end by itself.
    """

    approvers: tuple[str, ...] = ()
    approvals: int = 1
    automatic: AutomaticRules | None = None
    on_partial: OnPartial = OnPartial.RESTORE
    further_candidate: bool = False
    ledger: LedgerRules = field(default_factory=LedgerRules)
    metrics: tuple[MetricQuery, ...] = ()
    approval_valid: timedelta = timedelta(minutes=30)
    health_window: timedelta = timedelta(seconds=120)
    health_passes: int = 3
    verify_window: timedelta = timedelta(minutes=10)
    rto_target: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackPolicy:
    """Services that are rolled back together, and the rules for them.

    `data`: None where the policy names no snapshots, so that data is never rolled back.
    """

    id: str
    name: str
    services: tuple[Service, ...] = ()
    rollback: RollbackPolicy = RollbackPolicy()
    data: DataRules | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How patient to be.

    `settle`: how long after the last look an incident with nothing firing is closed.
    `reopen_window`: how long a resolved incident is reopened rather than replaced.
    `repage_after`: a reopened incident pages again only when its last page is older than this.
    `remind_after`: an incident nobody has acknowledged pages again, each time after twice as long.
    `join_pages_after`: an alert that joins an incident pages if its last page is older than this.
    """

    settle: timedelta = timedelta(minutes=2)
    reopen_window: timedelta = timedelta(minutes=30)
    repage_after: timedelta = timedelta(minutes=10)
    remind_after: timedelta = timedelta(minutes=15)
    join_pages_after: timedelta = timedelta(hours=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One policy file, read and checked.

    `notify` are the teams that are told, and not woken, of what is Sev1 or beyond the canary cohort.
    """

    stacks: Mapping[str, StackPolicy]
    lanes: Mapping[str, Lane]
    teams: Mapping[str, Team]
    people: Mapping[str, Person]
    routes: tuple[Route, ...] = ()
    default_severity: Severity = Severity.SEV3
    timing: Timing = Timing()
    name: str = ""
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    quiet_hours: tuple[QuietHours, ...] = ()
    maintenance: tuple[Maintenance, ...] = ()
    severity_rules: tuple[SeverityRule, ...] = ()
    notify: tuple[str, ...] = ()
    blast_radius: BlastRadius = field(default_factory=BlastRadius)
    index: RouteIndex = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", RouteIndex(self.routes))

    def lane(self, lane_id: str) -> Lane:
        """The lane, or `triage` if the file no longer has it."""
        return self.lanes.get(lane_id) or self.lanes[TRIAGE]

    def upstream(self, lane_id: str) -> tuple[str, ...]:
        """The lanes that this one depends on, the nearest first; itself never among them."""
        found = [lane_id]
        for known in found:  # it grows while it is gone through
            found += [each for each in self.lane(known).depends_on if each not in found]
        return tuple(found[1:])

    def owner(self, lane_id: str) -> Team:
        """The team that owns a lane."""
        return self.teams[self.lane(lane_id).owner]

    def on_call(self, team: Team, at: datetime) -> Called:
        """Who is woken for this team at that time; there is always somebody."""
        return on_call(self, team, at)

    def on_call_names(self, team: Team, at: datetime) -> str:
        """Those people, as people call them."""
        return " and ".join(self.people[each].name for each in self.on_call(team, at).people)

    def stack(self, stack_id: str) -> StackPolicy:
        """The stack's rules; an unknown stack has no services and may not be rolled back."""
        return self.stacks.get(stack_id) or StackPolicy(id=stack_id, name=stack_id)

    def rolls_back(self, lane_id: str) -> bool:
        """Whether a rollback is what this lane's owner would do."""
        return self.lane(lane_id).remediation is Remediation.ROLLBACK

    def rollback_lane(self) -> Lane | None:
        """The first lane whose remediation is a rollback."""
        lanes = self.lanes.values()
        return next((lane for lane in lanes if lane.remediation is Remediation.ROLLBACK), None)

    def approvers(self, stack_id: str, at: datetime) -> tuple[Person, ...]:
        """Everyone who may approve this stack's rollbacks `at`; whoever is on call then first."""
        return self.of_teams(self.stack(stack_id).rollback.approvers, at)

    def of_teams(self, ids: tuple[str, ...], at: datetime) -> tuple[Person, ...]:
        """Everyone of these teams `at`; whoever is on call then first."""
        teams = [self.teams[team] for team in ids]
        may = dict.fromkeys(each for team in teams for each in self.roster(team, at))
        called = [p for team in teams for p in self.on_call(team, at).people]
        first = [person for person in called if person in may]
        return tuple(self.people[person] for person in dict.fromkeys((*first, *may)))

    def roster(self, team: Team, at: datetime) -> tuple[str, ...]:
        """Everybody who takes turns for the team, its members, and whoever stands in `at`."""
        return roster(self, team, at)

    def approver_names(self, stack_id: str) -> str:
        """The teams that may approve this stack's rollbacks, as people call them."""
        teams = (self.teams[team].name for team in self.stack(stack_id).rollback.approvers)
        return " or ".join(teams) or "nobody"

    def person_by_slack(self, slack_id: str) -> Person | None:
        """Who this Slack member is, if the policy knows them."""
        return next((p for p in self.people.values() if slack_id and p.slack == slack_id), None)

    def person_by_email(self, email: str) -> Person | None:
        """Whose address this is, in whatever case, if the policy knows them."""
        wanted = email.casefold()
        known = self.people.values()
        return next((p for p in known if wanted and p.email.casefold() == wanted), None)

    def person_known_as(self, reference: str) -> Person | None:
        """Who this is: a Slack member id, or `person:ID` of somebody who came without Slack."""
        if reference.startswith(IN_POLICY):
            return self.people.get(reference.removeprefix(IN_POLICY))
        return self.person_by_slack(reference)

    def may_approve(self, stack_id: str, person: Person, at: datetime) -> bool:
        """Whether this person is `at` of a team that may approve this stack's rollbacks."""
        return person in self.approvers(stack_id, at)

    def stack_of_service(self, values: frozenset[str]) -> str | None:
        """The stack one of whose services is named by any of these values."""
        for stack in self.stacks.values():
            if any(service.name in values for service in stack.services):
                return stack.id
        return None
