"""What a rollback would do: made and weighed now, and shown as it is everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.cli.common import err, out

if TYPE_CHECKING:
    from shared.bootstrap import Application
    from shared.domain.candidates import Candidate
    from shared.domain.decision import AuditRow
    from shared.domain.incident import Incident
    from shared.domain.ledger import Latch
    from shared.domain.policy import RollbackPolicy, Service
    from shared.domain.rollback import NoPlan, Plan
    from shared.domain.stack import Stack


@dataclass(frozen=True, slots=True)
class Weighed:
    """A service's candidates, newest first, or why there are none; and who took it over, if so."""

    service: str
    candidates: tuple[Candidate, ...]
    why_none: str
    latch: Latch | None

    def as_json(self) -> dict[str, Any]:
        """The same as people's programs read it."""
        return {
            "service": self.service,
            "latched_by": self.latch.by if self.latch else None,
            "why_none": self.why_none or None,
            "candidates": [
                {
                    "revision": each.revision.name,
                    "created_at": each.revision.created_at.isoformat(timespec="seconds"),
                    "digest": each.revision.digest or None,
                    "eligible": each.eligible,
                    "proven": each.proven,
                    "why": each.why,
                }
                for each in self.candidates
            ],
        }


@dataclass(frozen=True, slots=True)
class Survey:
    """A plan that nobody has asked for, and everything that was weighed for it."""

    plan: Plan | NoPlan
    services: tuple[Weighed, ...]
    rules: RollbackPolicy
    approvers: str
    frozen: str = ""

    @property
    def has_plan(self) -> bool:
        """Whether there is somewhere to go back to."""
        from shared.domain.rollback import Plan

        return isinstance(self.plan, Plan)

    def frozen_in_words(self) -> str:
        """Why releases and drills wait; empty if they do not."""
        return (
            f"Besides: {self.frozen}. A rollback is none the less carried out."
            if self.frozen
            else ""
        )

    def limits(self) -> str:
        """Who has to agree, and what happens where one service refuses."""
        people = "one person" if self.rules.approvals == 1 else f"{self.rules.approvals} people"
        automatic = "never" if self.rules.automatic is None else "where the policy allows it"
        return (
            f"Approval: {people} of {self.approvers}, never whoever asked; without asking:"
            f" {automatic}; if a service refuses: {self.rules.on_partial}"
        )

    def as_json(self) -> dict[str, Any]:
        """The same as people's programs read it."""
        from shared.domain.rollback import NoPlan
        from shared.wire import shown

        plan = self.plan
        return {
            "plan": None if isinstance(plan, NoPlan) else shown.plan(plan),
            "frozen": self.frozen or None,
            "why_not": plan.reason if isinstance(plan, NoPlan) else None,
            "services": [each.as_json() for each in self.services],
            "limits": {
                "approvals": self.rules.approvals,
                "approvers": self.approvers,
                "automatic": self.rules.automatic is not None,
                "on_partial": self.rules.on_partial.value,
                "approval_valid_seconds": self.rules.approval_valid.total_seconds(),
                "rto_target_seconds": self.rules.rto_target.total_seconds(),
            },
        }


def survey(switchman: Application, stack: str) -> Survey:
    """Make the plan as the functions do. Cloud Run validates it, and nothing is changed.

    Raises `Transient` when the store or Cloud Run is away.
    """
    from shared.domain.action import PlanOrder

    head, _ = switchman.store.load(stack)
    policy = switchman.policy.stack(stack)
    order = PlanOrder(records=head.services, rolled_back=head.rolled_back)
    with err.status(f"Asking Cloud Run what {stack} could be rolled back to ..."):
        plan = switchman.make_plan.for_stack(stack, order)
        services = tuple(_weighed(switchman, head, service) for service in policy.services)
    approvers = switchman.policy.approver_names(stack)
    return Survey(plan, services, policy.rollback, approvers, head.frozen)


def _weighed(switchman: Application, head: Stack, service: Service) -> Weighed:
    from shared.domain.candidates import candidates
    from shared.domain.errors import Refused
    from shared.domain.rollback import NoPlan

    record = head.record(service.name)
    latch = record.latch if record else None
    try:
        state = switchman.traffic.look(service.resource)
        revisions = switchman.traffic.revisions(service.resource)
    except Refused as refused:
        return Weighed(service.name, (), str(refused), latch)
    found = candidates(state, revisions, record, frozenset(head.rolled_back))
    if isinstance(found, NoPlan):
        return Weighed(service.name, (), found.reason, latch)
    return Weighed(service.name, found, "" if found else "there is no older revision", latch)


def show(found: Survey) -> None:
    """Print the plan; without one why not, and every revision that was weighed."""
    from shared.domain.rollback import NoPlan

    if isinstance(found.plan, NoPlan):
        out.print(f"There is no plan: {found.plan.reason}", markup=False, soft_wrap=True)
        for each in found.services:
            _line(each.service)
            _line(f"  {each.why_none}" if each.why_none else "")
            for candidate in each.candidates:
                _line(f"  candidate {candidate.in_words()}")
    else:
        show_plan(found.plan)
        _line("(A rehearsal: what is asked for is planned anew, and has a hash of its own.)")
    for each in found.services:
        if each.latch:
            at, by = f"{each.latch.at:%Y-%m-%d %H:%M} UTC", each.latch.by or "somebody"
            _line(
                f"{each.service}: {by} changed its traffic at {at}; nothing automatic until cleared"
            )
    _line(found.limits())
    if found.frozen:
        _line(found.frozen_in_words())


def show_plan(plan: Plan) -> None:
    """Print a plan as it is printed everywhere, and the whole hash."""
    from shared.domain.plan_words import describe_plan

    for line in describe_plan(plan):
        _line(line)
    _line(f"Hash: {plan.hash}")


def show_proposed(asked: Incident) -> None:
    """Print the plan that an incident proposes, and how somebody else approves exactly that."""
    if asked.rollback is None or asked.rollback.plan is None:
        return
    plan = asked.rollback.plan
    show_plan(plan)
    _line(f"Proposed in incident {asked.id}. Somebody else approves it in Slack, or with")
    _line(f"  switchman rollback approve {asked.id} --plan {plan.hash}")


def answer_as_json(
    switchman: Application, row: AuditRow, incident: Incident | None
) -> dict[str, Any]:
    """What came of an instruction about a rollback, and the plan that it was about."""
    from shared.wire import shown, shown_data

    rollback = incident.rollback if incident else None
    return {
        "incident": incident.id if incident else None,
        "plan": shown.plan(rollback.plan) if rollback and rollback.plan else None,
        "data": shown_data.data(incident.data) if incident and incident.data else None,
        "why_not": (rollback.why_not if rollback else "") or None,
        "answer": shown.audit(row, switchman.policy),
    }


def _line(text: str) -> None:
    if text:
        out.print(text, markup=False, soft_wrap=True)
