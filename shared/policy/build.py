"""From the file's structs, which are known to be right, to the facts `decide` reads."""

from __future__ import annotations

from shared.domain.blast_radius import BlastRadius
from shared.domain.lane import Route, SeverityRule
from shared.domain.ledger import LedgerRules
from shared.domain.metrics import Bound, Budget, MetricQuery
from shared.domain.policy import (
    AutomaticRules,
    HealthCheck,
    Lane,
    Person,
    Policy,
    RollbackPolicy,
    Service,
    StackPolicy,
    Team,
    Timing,
)
from shared.domain.snapshots import DataRules
from shared.policy import schema
from shared.policy.build_duty import (
    build_maintenance,
    build_quiet,
    build_schedule,
    build_step,
)
from shared.policy.durations import parse_duration
from shared.policy.matchers import parse_matchers


def build(file: schema.PolicyFile) -> Policy:
    """The policy that this file describes."""
    return Policy(
        name=file.name,
        timing=_timing(file.timing),
        people={key: _person(key, entry) for key, entry in file.people.items()},
        teams={key: _team(key, entry) for key, entry in file.teams.items()},
        lanes={key: _lane(key, entry) for key, entry in file.lanes.items()},
        stacks={key: _stack(key, entry, file.blast_radius) for key, entry in file.stacks.items()},
        routes=tuple(map(_route, file.routes)),
        default_severity=file.severity.default,
        schedules={key: build_schedule(key, entry) for key, entry in file.schedules.items()},
        quiet_hours=tuple(map(build_quiet, file.quiet_hours)),
        maintenance=tuple(map(build_maintenance, file.maintenance)),
        severity_rules=tuple(map(_severity_rule, file.severity.rules)),
        notify=file.severity.notify,
        blast_radius=_blast_radius(file.blast_radius),
    )


def _timing(entry: schema.TimingEntry) -> Timing:
    return Timing(
        settle=parse_duration(entry.settle),
        reopen_window=parse_duration(entry.reopen_window),
        repage_after=parse_duration(entry.repage_after),
        remind_after=parse_duration(entry.remind_after),
        join_pages_after=parse_duration(entry.join_pages_after),
    )


def _person(key: str, entry: schema.PersonEntry) -> Person:
    return Person(id=key, name=entry.name, slack=entry.slack, email=entry.email)


def _team(key: str, entry: schema.TeamEntry) -> Team:
    return Team(
        id=key,
        name=entry.name or key,
        channel=entry.channel,
        on_call=entry.on_call,
        members=entry.members,
        escalation=tuple(map(build_step, entry.escalation)),
    )


def _lane(key: str, entry: schema.LaneEntry) -> Lane:
    return Lane(
        id=key,
        name=entry.name or key,
        owner=entry.owner,
        remediation=entry.remediation,
        runbook=entry.runbook,
        remedy=entry.remedy,
        depends_on=entry.depends_on,
    )


def _stack(key: str, entry: schema.StackEntry, radius: schema.BlastRadiusEntry) -> StackPolicy:
    return StackPolicy(
        id=key,
        name=entry.name or key,
        services=tuple(_service(name, each, entry) for name, each in entry.services.items()),
        rollback=_rollback(entry.rollback, radius),
        data=_data(entry.data) if entry.data else None,
    )


def _data(entry: schema.DataEntry) -> DataRules:
    return DataRules(
        source=entry.source,
        approvers=entry.approvers,
        max_age=parse_duration(entry.max_age),
        verified_within=parse_duration(entry.verified_within),
    )


def _service(name: str, entry: schema.ServiceEntry, stack: schema.StackEntry) -> Service:
    return Service(
        name=name,
        project=entry.project or stack.project,
        region=entry.region or stack.region,
        health=tuple(map(_health, entry.health)),
        required_env=entry.required_env,
    )


def _health(entry: schema.HealthEntry) -> HealthCheck:
    return HealthCheck(
        path=entry.path,
        expect_status=entry.status,
        non_empty=entry.non_empty,
        timeout=parse_duration(entry.timeout),
    )


def _rollback(entry: schema.RollbackEntry, radius: schema.BlastRadiusEntry) -> RollbackPolicy:
    return RollbackPolicy(
        approvers=entry.approvers,
        approvals=entry.approvals,
        automatic=_automatic(entry.automatic, radius) if entry.automatic else None,
        on_partial=entry.on_partial,
        further_candidate=entry.further_candidate,
        ledger=_ledger(entry),
        metrics=tuple(map(_metric, entry.metrics)),
        approval_valid=parse_duration(entry.approval_valid),
        health_window=parse_duration(entry.health_window),
        health_passes=entry.health_passes,
        verify_window=parse_duration(entry.verify_window),
        rto_target=parse_duration(entry.rto_target),
    )


def _automatic(entry: schema.AutomaticEntry, radius: schema.BlastRadiusEntry) -> AutomaticRules:
    """What it does not say itself is as for the blast radius."""
    return AutomaticRules(
        severities=entry.severity,
        beyond=entry.beyond or radius.canary_cohort,
        suspect_within=parse_duration(entry.suspect_within or radius.suspect_within),
        cooldown=parse_duration(entry.cooldown),
        per_hour=entry.per_hour,
    )


def _blast_radius(entry: schema.BlastRadiusEntry) -> BlastRadius:
    return BlastRadius(
        canary_cohort=entry.canary_cohort,
        suspect_within=parse_duration(entry.suspect_within),
        raise_to=entry.raise_to,
    )


def _severity_rule(entry: schema.SeverityRuleEntry) -> SeverityRule:
    matchers = tuple(each for text in entry.match for each in parse_matchers(text))
    return SeverityRule(matchers=matchers, severity=entry.severity, why=entry.why)


def _ledger(entry: schema.RollbackEntry) -> LedgerRules:
    return LedgerRules(
        share=entry.known_good.share,
        soak=parse_duration(entry.known_good.soak),
        requests=entry.known_good.requests,
        deployers=entry.deployers,
    )


def _metric(entry: schema.MetricEntry) -> MetricQuery:
    above = entry.above is not None
    threshold = (entry.above if above else entry.below) or 0.0
    return MetricQuery(
        source=entry.source,
        expression=entry.query,
        budget=Budget(bound=Bound.ABOVE if above else Bound.BELOW, threshold=threshold),
        window=parse_duration(entry.window),
        over=entry.over,
        newest=entry.newest,
    )


def _route(entry: schema.RouteEntry) -> Route:
    return Route(
        id=entry.id,
        lane=entry.lane,
        matchers=tuple(each for text in entry.match for each in parse_matchers(text)),
        stack=entry.stack,
        severity=entry.severity,
        why=entry.why,
        no_rollback=entry.no_rollback,
    )
