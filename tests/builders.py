"""A small shop to tell stories about: its policy, its alerts, its rollback plan.

The stack `shop` has two services. Ben is on call for the lanes `infra` and `data`, whose remedy
is a rollback, and with Eve he may approve one; Ana has `triage`, and Wes has `auth`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.domain.alert import Alert, AlertRow, AlertStatus
from shared.domain.classify import classify
from shared.domain.event import AlertReceived
from shared.domain.incident import Incident, Rollback
from shared.domain.incident_state import State
from shared.domain.lane import Matcher, MatchOp, Route
from shared.domain.paging import MessageRef
from shared.domain.policy import (
    HealthCheck,
    Lane,
    Person,
    Policy,
    Remediation,
    RollbackPolicy,
    Service,
    StackPolicy,
    Team,
)
from shared.domain.rollback import (
    MoveResult,
    Plan,
    RollbackMode,
    ServiceOutcome,
    ServicePlan,
    Split,
    TrafficOutcome,
    TrafficTarget,
)
from shared.domain.rollback_phase import Phase
from shared.domain.series import last_incident, place
from shared.domain.severity import Severity
from shared.domain.snapshots import DataRules

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)
SECOND: Final = timedelta(seconds=1)
ANA, BEN, EVE, WES = "U0ANA", "U0BEN", "U0EVE", "U0WES"
"""Slack's ids of the four people."""
BACKEND, FRONTEND = "shop-backend", "shop-frontend"
LATEST: Final[Split] = (TrafficTarget(percent=100),)


def resource(service: str) -> str:
    """The service's full name at Cloud Run."""
    return f"projects/shop/locations/europe-west1/services/{service}"


def all_to(revision: str, *tagged: TrafficTarget) -> Split:
    """Everything to one revision, with further lines for tags."""
    return (TrafficTarget(percent=100, revision=revision), *tagged)


def policy() -> Policy:
    """Who is woken for what in the shop."""
    people = [
        Person(id=name.lower(), name=name, slack=slack)
        for name, slack in (("Ana", ANA), ("Ben", BEN), ("Eve", EVE), ("Wes", WES))
    ]
    teams = [_team("runtime", "ana"), _team("infra", "ben", "eve"), _team("web", "wes")]
    lanes = [
        Lane(id="infra", name="Infrastructure", owner="infra", remediation=Remediation.ROLLBACK),
        Lane(id="data", name="Databases", owner="infra", remediation=Remediation.ROLLBACK),
        Lane(id="auth", name="Sign-in", owner="web", runbook="https://runbook/auth"),
        Lane(id="triage", name="To be classified", owner="runtime"),
    ]
    shop = StackPolicy(
        id="shop",
        name="The shop",
        services=(
            _service(BACKEND, HealthCheck(path="/version", non_empty=True)),
            _service(FRONTEND, HealthCheck(path="/", expect_status=(200, 302))),
        ),
        rollback=RollbackPolicy(approvers=("infra",)),
    )
    return Policy(
        stacks={shop.id: shop},
        lanes={lane.id: lane for lane in lanes},
        teams={team.id: team for team in teams},
        people={person.id: person for person in people},
        routes=tuple(_route(lane.id) for lane in lanes if lane.id != "triage"),
    )


def policy_with(**rollback: object) -> Policy:
    """The shop's policy, but for these rules of its rollbacks."""
    rules = policy()
    shop = rules.stacks["shop"]
    changed = replace(shop.rollback, **rollback)  # type: ignore[arg-type]  # takes any field
    return replace(rules, stacks={"shop": replace(shop, rollback=changed)})


def policy_with_data(**rules: object) -> Policy:
    """The shop's policy, with snapshots: Ben and Eve may approve, so that Ana may ask."""
    known = policy()
    data = DataRules(source="folder", **rules)  # type: ignore[arg-type]  # takes any field
    return replace(known, stacks={"shop": replace(known.stacks["shop"], data=data)})


def _team(name: str, *members: str) -> Team:
    return Team(id=name, name=name.title(), channel=f"#{name}", on_call=members[0], members=members)


def _service(name: str, *health: HealthCheck) -> Service:
    return Service(name=name, project="shop", region="europe-west1", health=health)


def _route(lane: str) -> Route:
    matcher = Matcher(name="lane", op=MatchOp.EQUAL, value=lane)
    return Route(id=f"label-{lane}", lane=lane, stack="shop", matchers=(matcher,))


def alert(
    name: str = "ErrorsHigh",
    *,
    lane: str = "infra",
    severity: Severity = Severity.SEV2,
    status: AlertStatus = AlertStatus.FIRING,
    starts_at: datetime = NOON,
    labels: Mapping[str, str] | None = None,
) -> Alert:
    """An alert of the shop; its name is its fingerprint too."""
    return Alert(
        source="prometheus",
        fingerprint=name,
        status=status,
        starts_at=starts_at,
        name=name,
        summary=f"{name} in the shop",
        severity=severity,
        labels={"lane": lane, "service": BACKEND, **(labels or {})},
    )


def received(what: Alert, rows: Iterable[AlertRow] = (), now: datetime = NOON) -> AlertReceived:
    """The alert reached us; the rows are what the store has of its series."""
    newest = sorted(rows, key=lambda row: row.starts_at, reverse=True)
    told = place(what, newest, now)
    return AlertReceived(
        alert=told.alert,
        row=told.row,
        classification=classify(policy(), what),
        overtaken_by=told.overtaken_by,
        resumed=told.resumed,
        ends=told.ends,
        more=told.more,
        over=told.over,
        last=last_incident(newest),
    )


def incident(state: State = State.OPEN, **changes: object) -> Incident:
    """An incident in lane `infra` of the shop."""
    facts: dict[str, object] = {
        "id": "shop-0123456789",
        "stack": "shop",
        "lane": "infra",
        "team": "infra",
        "severity": Severity.SEV2,
        "state": state,
        "title": "ErrorsHigh",
        "summary": "Requests fail",
        "reasons": ("lane is infra",),
        "rule": "label-infra",
        "trigger": "alert-1",
        "opened_at": NOON,
    }
    return Incident(**{**facts, **changes})  # type: ignore[arg-type]  # a builder takes any field


def rollback(phase: Phase, **changes: object) -> Rollback:
    """A rollback that stands in this phase."""
    facts: dict[str, object] = {
        "mode": RollbackMode.PROPOSED,
        "phase": phase,
        "asked_at": NOON,
        "trigger": "alert-1",
    }
    return Rollback(**{**facts, **changes})  # type: ignore[arg-type]  # a builder takes any field


def plan(made_at: datetime = NOON) -> Plan:
    """Both services from LATEST, which is broken, back to the revision before it."""
    return Plan(
        stack="shop",
        services=(service_plan(BACKEND), service_plan(FRONTEND)),
        made_at=made_at,
        expires_at=made_at + 30 * MINUTE,
    )


def service_plan(service: str, before: Split = LATEST) -> ServicePlan:
    """One service from its revision `-bad` to its revision `-good`."""
    return ServicePlan(
        service=service,
        resource=resource(service),
        uri=f"https://{service}.example.com",
        generation=1,
        etag='"1"',
        before=before,
        after=all_to(f"{service}-good"),
        from_revision=f"{service}-bad",
        to_revision=f"{service}-good",
        latest_ready=f"{service}-bad",
        why="the newest Ready revision before the one that serves now",
    )


def outcome(
    backend: MoveResult,
    frontend: MoveResult | None = None,
    *,
    started_at: datetime = NOON,
    healthy_after: timedelta | None = None,
) -> TrafficOutcome:
    """How a change of both services ended, or of the backend alone."""
    both = ((BACKEND, backend), (FRONTEND, frontend))
    return TrafficOutcome(
        services=tuple(_ended(service, result) for service, result in both if result),
        started_at=started_at,
        served_at=started_at + SECOND,
        healthy_at=started_at + healthy_after if healthy_after is not None else None,
        health="2 checks passed" if healthy_after is not None else "/version answered 500",
    )


def _ended(service: str, result: MoveResult) -> ServiceOutcome:
    at_target = result in (MoveResult.MOVED, MoveResult.UNSERVED)
    return ServiceOutcome(
        service=service,
        result=result,
        detail=f"{service} says {result}",
        traffic=all_to(f"{service}-good") if at_target else LATEST,
    )


def message(ts: str = "1.000001") -> MessageRef:
    """Where a page stands in Slack."""
    return MessageRef("C-infra", ts)
