"""Books about every change of traffic: who approved that very plan, or which rule allowed it.

They are kept beside `decide`, from the presses and the head alone, and ask about each change as it
is decided.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain.action import Action, ActionKind, TrafficOrder
from shared.domain.alert import AlertStatus
from shared.domain.decision import Decision
from shared.domain.event import ActionFinished, Event, Instructed
from shared.domain.incident import Incident
from shared.domain.ledger import LedgerRules
from shared.domain.paging import Choice
from shared.domain.policy import AutomaticRules, OnPartial, Policy
from shared.domain.rollback import Plan, ServicePlan
from shared.domain.severity import Severity
from shared.domain.stack import Stack
from tests.builders import ANA, BEN, EVE, MINUTE, policy_with
from tests.story import Story

OURS, DEPLOYER, PERSON = "switchman@test", "deploys@example.com", "ana@example.com"
LEDGER = LedgerRules(soak=timedelta(minutes=2), deployers=(OURS, DEPLOYER))
AUTOMATIC = AutomaticRules(
    severities=(Severity.SEV1, Severity.SEV2), cooldown=45 * MINUTE, per_hour=2
)
MAY_APPROVE = {BEN: "ben", EVE: "eve", ANA: "ana"}


def three_approvers(**rollback: object) -> Policy:
    """The shop's policy with these rules, and Ana among those who may approve."""
    rules = policy_with(ledger=LEDGER, **rollback)
    infra = replace(rules.teams["infra"], members=("ben", "eve", "ana"))
    return replace(rules, teams={**rules.teams, "infra": infra})


@dataclass(frozen=True, slots=True)
class Press:
    """Somebody pressed *Approve* on a plan."""

    person: str
    plan: str
    at: datetime


class Books(Story):
    """A story that keeps its own books, and looks every change of traffic up in them."""

    def __init__(self, rules: Policy, counted: Counter[str]) -> None:
        super().__init__(rules)
        self.presses_made: list[Press] = []
        self.went_by_themselves: list[datetime] = []
        self.ended: set[str] = set()
        self._counted = counted

    def take(self, event: Event) -> Decision:
        """Let the event take effect, and ask about each change of traffic that follows."""
        before = self.stack
        if isinstance(event, Instructed) and event.instruction.choice is Choice.APPROVE:
            asked = event.instruction
            self.presses_made.append(Press(asked.person, asked.plan, self.now))
        if isinstance(event, ActionFinished):
            self.ended.add(event.action.id)
        decision = super().take(event)
        for action in decision.actions:
            if isinstance(action.order, TrafficOrder):
                self._ask(event, before, action, action.order)
        return decision

    def _ask(self, event: Event, before: Stack, action: Action, order: TrafficOrder) -> None:
        incident = before.incident(action.incident)
        assert incident is not None, "traffic of no incident, and no drill was ordered"
        if action.kind is ActionKind.RESTORE:
            assert self._undoes(event, order), "only our own change is put back"
            self._counted["put back"] += 1
        elif isinstance(event, Instructed):
            assert self._approved(incident, order.plan), "without enough live approvals"
            needed = self.policy.stack("shop").rollback.approvals
            self._counted[f"approved by {needed}"] += 1
        else:
            assert isinstance(event, ActionFinished), f"traffic moves because of {event}"
            why = self._not_allowed(before, incident, order.plan)
            assert not why, f"it went by itself, although {why}"
            self.went_by_themselves.append(self.now)
            self._counted["by itself"] += 1
        if action.kind is ActionKind.APPLY:
            assert action.not_after is not None
            assert self.now < action.not_after <= order.plan.expires_at

    def _undoes(self, event: Event, order: TrafficOrder) -> bool:
        assert isinstance(event, ActionFinished)
        applied = event.action.order
        assert self.policy.stack("shop").rollback.on_partial is OnPartial.RESTORE
        return isinstance(applied, TrafficOrder) and applied.plan == order.plan

    def _approved(self, incident: Incident, plan: Plan) -> bool:
        """Whether enough people, none of them the one who asked, approved just this plan."""
        assert incident.rollback is not None
        approvals = {
            MAY_APPROVE[press.person]
            for press in self.presses_made
            if press.person in MAY_APPROVE and press.plan == plan.hash
            if plan.made_at <= press.at < plan.expires_at
        }
        others = approvals - {incident.rollback.requested_by}
        alive = self.now < plan.expires_at
        return alive and len(others) >= self.policy.stack("shop").rollback.approvals

    def _not_allowed(self, stack: Stack, incident: Incident, plan: Plan) -> str:
        """What the rule has against it; said here in other words than the engine's."""
        rules = self.policy.stack("shop").rollback.automatic
        if rules is None:
            return "the policy never lets it"
        wish = incident.rollback
        row = self.alerts.get(wish.trigger) if wish else None
        lately = [at for at in self.went_by_themselves if self.now - at < timedelta(hours=1)]
        live = [i for i in stack.incidents if i.rollback and not i.rollback.phase.over]
        held = [r.service for r in stack.services if r.latch]
        against = {
            "a person asked": wish is None or bool(wish.requested_by),
            "no alert fires": row is None or row.status is not AlertStatus.FIRING,
            "it is not so bad": incident.severity not in rules.severities,
            "another is under way": live != [incident],
            "a drill is under way": stack.drill is not None,
            "one was tried before": bool(incident.earlier),
            "one went just now": any(self.now - at < rules.cooldown for at in lately),
            "too many went": len(lately) >= rules.per_hour,
            "somebody took over": bool(held),
            "a target is unproven": not all(self._is_good(stack, s) for s in plan.services),
            "nothing is new": not any(self._is_new(stack, incident, s) for s in plan.services),
        }
        return ", ".join(why for why, holds in against.items() if holds)

    def _is_good(self, stack: Stack, plan: ServicePlan) -> bool:
        record = stack.record(plan.service)
        return record is not None and plan.to_revision in {g.revision for g in record.good}

    def _is_new(self, stack: Stack, incident: Incident, plan: ServicePlan) -> bool:
        record = stack.record(plan.service)
        if record is None or record.main_since is None:
            return False
        took_over_before = incident.opened_at - record.main_since
        return timedelta() <= took_over_before <= AUTOMATIC.suspect_within
