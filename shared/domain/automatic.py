"""Whether a rollback may go without anybody's approval: the policy's rule, applied to one moment.

Whatever a careful person would ask about first is a reason to ask a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shared.domain.data_phase import DataPhase
from shared.domain.incident import Incident
from shared.domain.ledger import GAP, ServiceRecord, bare
from shared.domain.policy import AutomaticRules
from shared.domain.rollback import Plan, RollbackMode, ServicePlan, Verdict
from shared.domain.rollback_phase import Phase
from shared.domain.stack import Stack
from shared.domain.suspect import suspect

_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class MayGo:
    """It may go by itself; `why` names the revision under suspicion."""

    why: str


@dataclass(frozen=True, slots=True)
class NeedsApproval:
    """A person has to approve it, and why."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What else counts: the time, and whether the alert that set the rollback off fires."""

    now: datetime
    firing: bool


def judge(
    rules: AutomaticRules | None, stack: Stack, incident: Incident, plan: Plan, moment: Moment
) -> MayGo | NeedsApproval:
    """Whether this plan for this incident of the stack may go by itself."""
    if rules is None:
        return NeedsApproval("the policy lets no rollback of this stack go by itself")
    against = (
        _of_people(incident)
        or _not_urgent(rules, incident, moment)
        or _busy(stack, incident)
        or next((why for s in plan.services if (why := _unsure(stack, s, moment))), "")
        or _too_often(rules, stack, moment.now)
    )
    if against:
        return NeedsApproval(against)
    found = (_suspicion(rules, stack.record(s.service), incident, s) for s in plan.services)
    why = next((each for each in found if each), "")
    return MayGo(why) if why else NeedsApproval(_nothing_new(rules))


def _of_people(incident: Incident) -> str:
    """A person asked for it, or people have had to do with it before."""
    wish = incident.rollback
    if wish is None or wish.requested_by or wish.mode is RollbackMode.MANUAL or not wish.trigger:
        return "a person asked for it, and no alert"
    if wish.proposed_at is not None:
        return "people were asked about it before"
    return "a rollback of this incident was carried out before" if incident.earlier else ""


def _not_urgent(rules: AutomaticRules, incident: Incident, moment: Moment) -> str:
    if incident.severity not in rules.severities:
        wanted = " or ".join(rules.severities)
        return f"it is {incident.severity}, and only {wanted} goes by itself"
    return "" if moment.firing else "the alert that set it off does not fire any more"


def _busy(stack: Stack, incident: Incident) -> str:
    if stack.drill is not None:
        return f"drill {stack.drill.id} is under way"
    owner = stack.rollback_owner()
    if owner is not None and owner.id != incident.id:
        return f"incident {owner.id} has a rollback under way"
    in_doubt = (why for each in stack.open_incidents() if (why := _in_doubt(each)))
    return next(in_doubt, "")


def _in_doubt(incident: Incident) -> str:
    """What nobody knows, or not yet, of a rollback that was carried out before."""
    rollback, data = incident.rollback, incident.data
    if data is not None and data.phase is DataPhase.HELD:
        return f"nobody knows whether the data rollback of incident {incident.id} replaced data"
    if rollback is None:
        return ""
    awaited = rollback.phase is Phase.APPLIED and rollback.verdict is None
    if not awaited and rollback.verdict is not Verdict.UNKNOWN:
        return ""
    return f"nobody knows yet whether the rollback of incident {incident.id} helped"


def _unsure(stack: Stack, plan: ServicePlan, moment: Moment) -> str:
    """What is not known well enough of the service, or is in somebody else's hands."""
    record = stack.record(plan.service)
    if not plan.proven:
        return f"{plan.to_revision} is not known to be good"
    if record is None or not timedelta() <= moment.now - record.seen_at <= GAP:
        return f"nobody has looked at {plan.service} lately"
    if record.latch is not None:
        who = record.latch.by or "somebody"
        return f"{who} took over the traffic of {plan.service}, and has not given it back"
    if record.main != plan.from_revision or bare(record.traffic) != bare(plan.before):
        return f"the traffic of {plan.service} has changed since it was last looked at"
    return ""


def _too_often(rules: AutomaticRules, stack: Stack, now: datetime) -> str:
    """A clock that was set back only makes it wait for longer."""
    last = max(stack.automatic, default=None)
    if last is not None and now < last + rules.cooldown:
        return f"the last one that went by itself was at {last:%H:%M:%S}, which is too lately"
    lately = sum(now < at + _HOUR for at in stack.automatic)
    if lately < rules.per_hour:
        return ""
    return f"the policy lets {rules.per_hour} an hour go by itself, and that is used up"


def _suspicion(
    rules: AutomaticRules, record: ServiceRecord | None, incident: Incident, plan: ServicePlan
) -> str:
    """Why the revision that serves is suspected; empty where it is not."""
    found = suspect(record, incident.opened_at, rules.suspect_within) if record else None
    if found is None or found.revision != plan.from_revision or found.share <= rules.beyond:
        return ""
    before = (incident.opened_at - found.since) // timedelta(minutes=1)
    return (
        f"{found.revision} took over {found.share} % of {found.service} at"
        f" {found.since:%H:%M:%S}, {before} min before this began"
    )


def _nothing_new(rules: AutomaticRules) -> str:
    minutes = rules.suspect_within // timedelta(minutes=1)
    return (
        f"no revision took over more than {rules.beyond} % of a service within the"
        f" {minutes} min before it"
    )
