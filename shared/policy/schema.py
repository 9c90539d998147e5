"""The policy file's shape. Editors get their JSON Schema from it: `msgspec.json.schema(PolicyFile)`.

What its values can be is in `shared.policy.kinds`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from msgspec import field

from shared.domain.metrics import Over
from shared.domain.policy import TRIAGE, OnPartial, Remediation
from shared.domain.severity import Severity
from shared.policy.duty_schema import (
    EscalationEntry,
    MaintenanceEntry,
    QuietHoursEntry,
    ScheduleEntry,
)
from shared.policy.kinds import (
    Approvals,
    Bound,
    Channel,
    Duration,
    Entry,
    EnvValue,
    HttpStatus,
    Id,
    LaneRef,
    MatcherText,
    MetricSource,
    OnCallRef,
    Passes,
    Percent,
    PersonRef,
    RouteId,
    SlackMember,
    SnapshotSource,
    StackRef,
    TeamRef,
    Text,
    UrlPath,
)
from shared.policy.metric_faults import metric_faults


class TimingEntry(Entry, frozen=True):
    """How patient to be."""

    settle: Duration = "2m"
    reopen_window: Duration = "30m"
    repage_after: Duration = "10m"
    remind_after: Duration = "15m"
    join_pages_after: Duration = "4h"


class PersonEntry(Entry, frozen=True):
    """Someone who can be paged."""

    name: Text
    slack: SlackMember = ""
    email: Text = ""


class TeamEntry(Entry, frozen=True):
    """Who is woken, and where their pages appear."""

    channel: Channel
    on_call: OnCallRef
    name: Text = ""
    members: tuple[PersonRef, ...] = ()
    escalation: tuple[EscalationEntry, ...] = ()


class HealthEntry(Entry, frozen=True):
    """One request that must be answered as stated."""

    path: UrlPath
    status: tuple[HttpStatus, ...] = (200,)
    non_empty: bool = False
    timeout: Duration = "5s"


class ServiceEntry(Entry, frozen=True):
    """One Cloud Run service; project and region are the stack's unless given here."""

    project: Text = ""
    region: Text = ""
    health: tuple[HealthEntry, ...] = ()
    required_env: dict[Text, EnvValue] = field(default_factory=dict)


class KnownGoodEntry(Entry, frozen=True):
    """When a revision counts as known-good: its share of the traffic, for how long, how used."""

    share: Percent = 50
    soak: Duration = "30m"
    requests: Passes = 1


class AutomaticEntry(Entry, frozen=True):
    """When a rollback needs no approval; all of it must hold."""

    severity: tuple[Severity, ...] = (Severity.SEV1,)
    beyond: Percent | None = None
    suspect_within: Duration | None = None
    cooldown: Duration = "30m"
    per_hour: Passes = 1


class MetricEntry(Entry, frozen=True):
    """A measure that is back within its budget when the service has recovered.

    `query` is PromQL, or a filter of Cloud Monitoring, whose points of the `window` become one
    value by `over`. `newest` is PromQL for the time of the newest sample, where the query itself
    hides it. A sample older than the window says nothing.
    """

    query: Text
    source: MetricSource = "prometheus"
    below: Bound = None
    above: Bound = None
    window: Duration = "5m"
    over: Over = Over.NEWEST
    newest: Text = ""

    def faults(self) -> Iterator[tuple[str, str]]:
        """Exactly one budget, and a sample whose time can be told."""
        return metric_faults(self)


class RollbackEntry(Entry, frozen=True):
    """Who may approve a rollback, what may go without asking, and how long things may take."""

    approvers: tuple[TeamRef, ...] = ()
    approvals: Approvals = 1
    automatic: AutomaticEntry | None = None
    on_partial: OnPartial = OnPartial.RESTORE
    further_candidate: bool = False
    known_good: KnownGoodEntry = KnownGoodEntry()
    deployers: tuple[Text, ...] = ()
    metrics: tuple[MetricEntry, ...] = ()
    approval_valid: Duration = "30m"
    health_window: Duration = "120s"
    health_passes: Passes = 3
    verify_window: Duration = "10m"
    rto_target: Duration = "5m"


class DataEntry(Entry, frozen=True):
    """Where the stack's snapshots are, and which may be imported; two people always approve.

    Without `approvers` those of the stack's rollbacks may. `folder`: a folder for each stack in
    SWITCHMAN_SNAPSHOTS.
    """

    source: SnapshotSource
    approvers: tuple[TeamRef, ...] = ()
    max_age: Duration = "7d"
    verified_within: Duration = "30m"


class StackEntry(Entry, frozen=True):
    """Services that are rolled back together."""

    project: Text
    region: Text
    services: dict[Id, ServiceEntry]
    name: Text = ""
    rollback: RollbackEntry = RollbackEntry()
    data: DataEntry | None = None

    def faults(self) -> Iterator[tuple[str, str]]:
        """Somebody may approve a data rollback."""
        if self.data is not None and not (self.data.approvers or self.rollback.approvers):
            yield "data", "data lacks approvers: name teams here, or as rollback.approvers"


class LaneEntry(Entry, frozen=True):
    """A kind of incident and who owns it."""

    owner: TeamRef
    name: Text = ""
    remediation: Remediation = Remediation.NONE
    runbook: Text = ""
    remedy: Text = ""
    depends_on: tuple[LaneRef, ...] = ()


class SeverityRuleEntry(Entry, frozen=True):
    """An alert for which every matcher holds is at least this bad, and why."""

    match: tuple[MatcherText, ...]
    severity: Severity
    why: Text


class SeverityEntry(Entry, frozen=True):
    """How bad an alert is: by `default`, where nobody says; the `rules` only ever raise it.

    `notify` are the teams that are told, and not woken, of Sev1 and of whatever is beyond the
    canary cohort.
    """

    default: Severity = Severity.SEV3
    rules: tuple[SeverityRuleEntry, ...] = ()
    notify: tuple[TeamRef, ...] = ()


class BlastRadiusEntry(Entry, frozen=True):
    """When more are affected than a canary may affect, and how bad that is at least."""

    canary_cohort: Percent = 10
    suspect_within: Duration = "2h"
    raise_to: Severity = Severity.SEV2


class RouteEntry(Entry, frozen=True):
    """Alerts for which every matcher holds go to this lane. `severity` is at least this.

    `no_rollback` says why a rollback would not help, where the lane would propose one.
    """

    id: RouteId
    lane: LaneRef
    match: tuple[MatcherText, ...]
    stack: StackRef = ""
    severity: Severity | None = None
    why: Text = ""
    no_rollback: Text = ""


MUST_HAVE: Final = {"lanes": TRIAGE}
"""Keys that a section cannot do without."""


class PolicyFile(Entry, frozen=True):
    """The whole file."""

    version: Literal[1]
    people: dict[Id, PersonEntry]
    teams: dict[Id, TeamEntry]
    lanes: dict[Id, LaneEntry]
    name: Text = ""
    schedules: dict[Id, ScheduleEntry] = field(default_factory=dict)
    quiet_hours: tuple[QuietHoursEntry, ...] = ()
    maintenance: tuple[MaintenanceEntry, ...] = ()
    timing: TimingEntry = TimingEntry()
    stacks: dict[Id, StackEntry] = field(default_factory=dict)
    severity: SeverityEntry = SeverityEntry()
    blast_radius: BlastRadiusEntry = BlastRadiusEntry()
    routes: tuple[RouteEntry, ...] = ()
