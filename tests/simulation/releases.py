"""Who let a rollback go: enough people, or the policy's rule. Judged from what is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.action import Action, ActionKind, TrafficOrder
from shared.domain.alert import AlertStatus
from shared.domain.decide.releases import AGAIN
from shared.domain.decision import AuditRow, Reason
from shared.domain.incident import Incident
from shared.domain.ledger import bare
from shared.domain.paging import Choice
from shared.domain.policy import AutomaticRules, Policy
from shared.domain.rollback import Plan, ServicePlan
from shared.domain.severity import CRITICAL
from shared.domain.stack import Stack
from shared.ports import Commit
from tests.simulation.gauges import Gauges
from tests.simulation.record import Record

Wrong = tuple[str, str]
NOT_NOW = "nothing is released while something critical is open"
NOT_OURS = "a release takes back what a rollback left, and nothing else"
NOT_MENDED = "no image is released that was rolled back from, unless somebody means it"
UNALLOWED = "no traffic moves without a live approval or a rule that allowed it"
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Release:
    """A plan may be carried out: so many people approved it, or none had to."""

    action: Action
    people: frozenset[str]

    @property
    def automatic(self) -> bool:
        """Whether it went by itself."""
        return not self.people


class Releases:
    """Every decision to move an incident's traffic, and what allowed it at that moment."""

    def __init__(self, record: Record, policy: Policy, gauges: Gauges) -> None:
        self.by_plan: dict[str, Release] = {}
        self._record = record
        self._policy = policy
        self._gauges = gauges
        self._fired: dict[int, frozenset[str]] = {}

    def loaded(self, worker: object) -> None:
        """A worker has read a head: what it reads next of the alerts is no older than this."""
        self._fired[id(worker)] = self._firing()

    def wrong_with(self, worker: object, commit: Commit) -> Iterator[Wrong]:
        """What the commit has moved that nobody and nothing allowed; the record is as before."""
        for action in commit.actions:
            order = action.order
            if action.kind is not ActionKind.APPLY or not isinstance(order, TrafficOrder):
                continue
            if order.drill:
                continue
            if order.plan.hash in self.by_plan:
                yield "a plan is carried out once", action.id
            people = self._people(commit, action, order.plan)
            enough = len(people) >= self._policy.stack(action.stack).rollback.approvals
            against = self._not_automatic(worker, action, order.plan) if not enough else ""
            if against:
                yield UNALLOWED, f"{action.id}: approved by {sorted(people)}, and {against}"
            yield from self._not_releasable(action, order.plan)
            self.by_plan[order.plan.hash] = Release(action, people if enough else frozenset())

    def _not_releasable(self, action: Action, plan: Plan) -> Iterator[Wrong]:
        """A release takes back what is ours and mended, while nothing bad is open."""
        head = self._record.heads.get(action.stack)
        if not plan.release or head is None:
            return
        for incident in head.open_incidents():
            if incident.id != action.incident and incident.severity in CRITICAL:
                yield NOT_NOW, f"{action.id}: {incident.id} is {incident.severity}"
        for service in plan.services:
            ours = [each.revision for each in head.pinned if each.service == service.service]
            if bare(service.before) != {(revision, 100) for revision in ours}:
                yield NOT_OURS, f"{action.id}: {service.before}, and ours is {ours}"
            if service.to_digest in head.rolled_back and not self._meant(action.stack):
                yield NOT_MENDED, f"{action.id}: {service.to_revision}"

    def _meant(self, stack: str) -> bool:
        """Whether some person said that an image may be released that was rolled back from."""
        asked = self._record.instructions.values()
        return any(
            told.choice is Choice.RELEASE and told.stack == stack and AGAIN in told.text.split()
            for told in asked
        )

    def _people(self, commit: Commit, action: Action, plan: Plan) -> frozenset[str]:
        """Who approved this plan, and may, and did not ask for it; nobody once it has expired."""
        head = self._record.heads.get(action.stack)
        incident = head.incident(action.incident) if head else None
        if incident is None or incident.rollback is None or action.decided_at >= plan.expires_at:
            return frozenset()
        if any(self._rejects(row, plan) for row in self._record.audit.values()):
            return frozenset()
        found: set[str] = set()
        for told in self._record.instructions.values():
            person = self._policy.person_by_slack(told.person)
            heard = told.id in self._record.events or told.id == commit.event
            about_it = told.incident == action.incident and told.plan == plan.hash
            if told.choice is not Choice.APPROVE or not heard or not about_it or person is None:
                continue
            if self._policy.may_approve(action.stack, person, told.at):
                found.add(person.id)
        return frozenset(found - {incident.rollback.requested_by})

    @staticmethod
    def _rejects(row: AuditRow, plan: Plan) -> bool:
        done = row.answer == Reason.CARRIED_OUT
        return done and row.choice is Choice.REJECT and row.plan == plan.hash

    def _not_automatic(self, worker: object, action: Action, plan: Plan) -> str:
        """Why it may not go by itself; empty if it may."""
        rules = self._policy.stack(action.stack).rollback.automatic
        head = self._record.heads.get(action.stack)
        incident = head.incident(action.incident) if head else None
        if rules is None or head is None or incident is None:
            return "the policy lets none go by itself"
        return (
            self._of_incident(worker, rules, incident)
            or _of_stack(head, incident)
            or next((why for s in plan.services if (why := self._of_target(head, s))), "")
            or self._too_soon(rules, action)
            or _nothing_suspected(rules, head, incident, plan)
        )

    def _of_incident(self, worker: object, rules: AutomaticRules, incident: Incident) -> str:
        wish = incident.rollback
        if wish is None or wish.requested_by or not wish.trigger:
            return "a person asked for it"
        if incident.severity not in rules.severities:
            return f"it is {incident.severity} only"
        if any(each.action.incident == incident.id for each in self.by_plan.values()):
            return "a rollback of the incident was carried out before"
        row = self._record.alerts[wish.trigger]
        fired = self._fired.get(id(worker), frozenset()) | self._firing()
        return "" if fired & {row.id, row.series} else "its alert does not fire"

    def _of_target(self, head: Stack, plan: ServicePlan) -> str:
        known = head.record(plan.service)
        if known is None or known.proof(plan.to_revision) is None:
            return f"{plan.to_revision} is not recorded as known-good"
        if (plan.resource, plan.to_revision) not in self._gauges.answered:
            return f"{plan.to_revision} never answered a request"
        return f"{plan.service} is latched" if known.latch is not None else ""

    def _too_soon(self, rules: AutomaticRules, action: Action) -> str:
        earlier = [
            each.action.decided_at
            for each in self.by_plan.values()
            if each.automatic and each.action.stack == action.stack
        ]
        if any(action.decided_at < at + rules.cooldown for at in earlier):
            return "the cooldown is not over"
        lately = sum(action.decided_at < at + _HOUR for at in earlier)
        return "" if lately < rules.per_hour else f"{lately} went by themselves within an hour"

    def _firing(self) -> frozenset[str]:
        """Rows and series that fire."""
        rows = (r for r in self._record.alerts.values() if r.status is AlertStatus.FIRING)
        return frozenset(name for row in rows for name in (row.id, row.series) if name)


def _of_stack(head: Stack, incident: Incident) -> str:
    """What else is going on there."""
    if head.drill is not None:
        return "a drill is under way"
    others = (each.rollback for each in head.incidents if each.id != incident.id)
    return "another rollback is under way" if any(r and not r.phase.over for r in others) else ""


def _nothing_suspected(rules: AutomaticRules, head: Stack, incident: Incident, plan: Plan) -> str:
    found = any(_suspected(rules, head, incident.opened_at, each) for each in plan.services)
    return "" if found else "no revision is suspected"


def _suspected(rules: AutomaticRules, head: Stack, began: datetime, plan: ServicePlan) -> bool:
    """Whether what serves took over lately, before the incident, and had not proved itself."""
    known = head.record(plan.service)
    since = known.main_since if known else None
    if known is None or since is None or known.main != plan.from_revision:
        return False
    shares = [t.percent for t in plan.before if (t.revision or plan.latest_ready) == known.main]
    proof = known.proof(known.main)
    new = proof is None or proof.proven_at > since
    return new and sum(shares) > rules.beyond and since <= began <= since + rules.suspect_within
