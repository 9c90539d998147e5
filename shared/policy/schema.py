"""The policy file's shape. Editors get their JSON Schema from it: `msgspec.json.schema(PolicyFile)`.

A description says what would be right; it completes the sentence "it must be ...". What JSON
Schema cannot say is in `extra`: `refers` names the section a value must be a key of, `unique`
the list it must not repeat in, `parse` a function that raises ValueError for what it cannot read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, field

from shared.domain.metrics import Over
from shared.domain.policy import TRIAGE, OnPartial, Remediation
from shared.domain.severity import Severity
from shared.policy.durations import DURATION, parse_duration
from shared.policy.matchers import parse_matchers
from shared.policy.metric_faults import metric_faults

_SHORT_NAME = r"^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$"

Text = Annotated[
    str, Meta(description="text (in quotes if it looks like a number, a date or true)")
]
Id = Annotated[
    str,
    Meta(
        pattern=_SHORT_NAME,
        description="a short name of lower-case letters, digits, - and _",
    ),
]
PersonRef = Annotated[str, Meta(description="a person's id", extra={"refers": "people"})]
TeamRef = Annotated[str, Meta(description="a team's id", extra={"refers": "teams"})]
LaneRef = Annotated[str, Meta(description="a lane's id", extra={"refers": "lanes"})]
StackRef = Annotated[str, Meta(description="a stack's id", extra={"refers": "stacks"})]
RouteId = Annotated[
    str,
    Meta(
        pattern=_SHORT_NAME,
        description="a short name of lower-case letters, digits, - and _",
        extra={"unique": "routes"},
    ),
]
MatcherText = Annotated[
    str,
    Meta(description='a matcher such as service="web"', extra={"parse": parse_matchers}),
]
Channel = Annotated[
    str,
    Meta(
        pattern=r"^(#[^\s#]{1,80}|[CG][A-Z0-9]{5,})$",
        description='a Slack channel such as "#oncall" (in quotes: a bare # starts a comment)',
    ),
]
SlackMember = Annotated[
    str,
    Meta(pattern=r"^([UW][A-Z0-9]{5,})?$", description="a Slack member id such as U024BE7LH"),
]
Duration = Annotated[
    str,
    Meta(
        pattern=DURATION,
        description="a duration such as 90s, 2m, 24h or 1h30m",
        extra={"parse": parse_duration},
    ),
]
UrlPath = Annotated[str, Meta(pattern=r"^/\S*$", description="a path that starts with /")]
HttpStatus = Annotated[int, Meta(ge=100, le=599, description="an HTTP status from 100 to 599")]
Passes = Annotated[int, Meta(ge=1, le=100, description="a whole number from 1 to 100")]
Percent = Annotated[int, Meta(ge=1, le=100, description="a percentage from 1 to 100")]
Approvals = Annotated[int, Meta(ge=1, le=2, description="1 or 2")]
MetricSource = Annotated[
    Literal["prometheus", "cloud_monitoring"], Meta(description="prometheus or cloud_monitoring")
]
SnapshotSource = Annotated[Literal["folder"], Meta(description="folder")]
Bound = Annotated[float | None, Meta(description="a number")]
EnvValue = Annotated[
    str | None, Meta(description="the value in quotes, or nothing where any value will do")
]


class Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every part of the file has in common: keys nobody knows are faults."""

    def faults(self) -> Iterator[tuple[str, str]]:
        """What is wrong with how its keys fit together: the key where it shows, if any, and what."""
        return iter(())


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
    on_call: PersonRef
    name: Text = ""
    members: tuple[PersonRef, ...] = ()


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
    beyond: Percent = 10
    suspect_within: Duration = "2h"
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


class SeverityEntry(Entry, frozen=True):
    """How bad an alert is when neither its sender nor its route says so."""

    default: Severity = Severity.SEV3


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
    timing: TimingEntry = TimingEntry()
    stacks: dict[Id, StackEntry] = field(default_factory=dict)
    severity: SeverityEntry = SeverityEntry()
    routes: tuple[RouteEntry, ...] = ()
