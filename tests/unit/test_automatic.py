"""When a rollback may go without an approval, and the named reason whenever it may not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from shared.domain.automatic import MayGo, Moment, NeedsApproval, judge
from shared.domain.data_phase import DataPhase
from shared.domain.data_rollback import DataRollback
from shared.domain.incident import Incident
from shared.domain.ledger import Good, Latch, ServiceRecord
from shared.domain.policy import AutomaticRules
from shared.domain.rollback import Plan, RollbackMode, TrafficTarget, Verdict
from shared.domain.rollback_phase import Phase
from shared.domain.severity import Severity
from shared.domain.stack import DrillPhase, DrillRun, Stack
from tests.builders import BACKEND, FRONTEND, LATEST, MINUTE, NOON, incident, plan, rollback

DEPLOYED = NOON - 20 * MINUTE
PLANNED = NOON + timedelta(seconds=20)
HOUR = timedelta(hours=1)
RULES = AutomaticRules()
JUST_PLANNED = Moment(now=PLANNED, firing=True)


def record(service: str, **changes: object) -> ServiceRecord:
    """The service was seen a moment ago with what serves now, as it always was."""
    facts: dict[str, object] = {
        "service": service,
        "traffic": LATEST,
        "seen_at": NOON,
        "main": f"{service}-bad",
    }
    return ServiceRecord(**{**facts, **changes})  # type: ignore[arg-type]  # takes any field


def proven(split: tuple[TrafficTarget, ...] = LATEST) -> Plan:
    """Both services from this split to what is known to be good."""
    services = tuple(replace(s, proven=True, before=split) for s in plan().services)
    return replace(plan(), services=services)


def shop(*records: ServiceRecord, **changes: object) -> Stack:
    """The backend's bad revision took over 20 minutes before; records replace what is known."""
    known = Stack(id="shop").with_record(record(BACKEND, main_since=DEPLOYED))
    known = known.with_record(record(FRONTEND))
    for each in records:
        known = known.with_record(each)
    return replace(known, **changes)  # type: ignore[arg-type]  # takes any field


@dataclass(frozen=True, kw_only=True)
class Case:
    """Everything a judgement rests on; as it stands, all of it speaks for going."""

    rules: AutomaticRules | None = RULES
    stack: Stack = field(default_factory=shop)
    incident: Incident = field(
        default_factory=lambda: incident(
            severity=Severity.SEV1, rollback=rollback(Phase.PROPOSED, plan=proven())
        )
    )
    plan: Plan = field(default_factory=proven)
    now: Moment = JUST_PLANNED

    def judged(self) -> MayGo | NeedsApproval:
        """The answer."""
        return judge(self.rules, self.stack, self.incident, self.plan, self.now)


def wish(**changes: object) -> Case:
    """The case, but for these facts of the rollback."""
    case = Case()
    assert case.incident.rollback is not None
    changed = replace(case.incident.rollback, **changes)  # type: ignore[arg-type]  # takes any
    return replace(case, incident=replace(case.incident, rollback=changed))


def test_it_goes_where_a_new_revision_is_to_be_suspected() -> None:
    """The answer names the suspect, its share, and how long before the incident it took over."""
    answer = Case().judged()
    assert answer == MayGo(
        "shop-backend-bad took over 100 % of shop-backend at 11:40:00, 20 min before this began"
    )


DRILL = DrillRun(
    id="drill-1",
    drill="rollback",
    apply=True,
    phase=DrillPhase.PLANNING,
    asked_by="the schedule",
    started_at=NOON,
)
OTHER = incident(id="shop-other", lane="data", rollback=rollback(Phase.PROPOSED))
BUSY = shop().with_incident(OTHER)
UNKNOWN = rollback(Phase.APPLIED, verdict=Verdict.UNKNOWN)
IN_DOUBT = shop().with_incident(replace(OTHER, rollback=UNKNOWN))
AWAITED = rollback(Phase.APPLIED, healthy_at=NOON)
DATA_HELD = DataRollback(phase=DataPhase.HELD, asked_at=NOON, requested_by="ana", reason="garbled")
LATCH = Latch(at=NOON, by="ana@example.com", found=LATEST)
PROVED_BEFORE = Good(revision=f"{BACKEND}-bad", digest="", proven_at=DEPLOYED - MINUTE, requests=12)

AGAINST: dict[str, tuple[Callable[[], Case], str]] = {
    "no rule": (lambda: Case(rules=None), "the policy lets no rollback"),
    "asked for": (lambda: wish(requested_by="ben"), "a person asked for it"),
    "manual": (lambda: wish(mode=RollbackMode.MANUAL), "a person asked for it"),
    "no alert": (lambda: wish(trigger=""), "a person asked for it"),
    "asked before": (lambda: wish(proposed_at=NOON), "people were asked about it before"),
    "tried before": (
        lambda: replace(
            Case(), incident=replace(Case().incident, earlier=(rollback(Phase.APPLIED),))
        ),
        "carried out before",
    ),
    "not so bad": (
        lambda: replace(Case(), incident=replace(Case().incident, severity=Severity.SEV2)),
        "it is sev2, and only sev1 goes by itself",
    ),
    "it ended": (
        lambda: Case(now=Moment(now=PLANNED, firing=False)),
        "does not fire any more",
    ),
    "a drill": (lambda: Case(stack=shop(drill=DRILL)), "drill drill-1 is under way"),
    "another rollback": (lambda: Case(stack=BUSY), "incident shop-other has a rollback"),
    "one in doubt": (
        lambda: Case(stack=IN_DOUBT),
        "nobody knows yet whether the rollback of incident shop-other helped",
    ),
    "one awaited": (
        lambda: Case(stack=shop().with_incident(replace(OTHER, rollback=AWAITED))),
        "nobody knows yet whether the rollback of incident shop-other helped",
    ),
    "data in doubt": (
        lambda: Case(stack=shop().with_incident(replace(OTHER, rollback=None, data=DATA_HELD))),
        "nobody knows whether the data rollback of incident shop-other replaced data",
    ),
    "unproven": (lambda: Case(plan=plan()), "shop-backend-good is not known to be good"),
    "one unproven": (
        lambda: Case(plan=replace(proven(), services=(proven().services[0], plan().services[1]))),
        "shop-frontend-good is not known to be good",
    ),
    "never looked at": (
        lambda: Case(stack=replace(shop(), services=(shop().services[0],))),
        "nobody has looked at shop-frontend lately",
    ),
    "not looked at lately": (
        lambda: Case(now=Moment(now=NOON + 6 * MINUTE, firing=True)),
        "nobody has looked at shop-backend lately",
    ),
    "seen in the future": (
        lambda: Case(now=Moment(now=NOON - MINUTE, firing=True)),
        "nobody has looked at shop-backend lately",
    ),
    "latched": (
        lambda: Case(stack=shop(record(FRONTEND, latch=LATCH))),
        "ana@example.com took over the traffic of shop-frontend",
    ),
    "deployed since": (
        lambda: Case(stack=shop(record(BACKEND, main="shop-backend-mid", main_since=DEPLOYED))),
        "the traffic of shop-backend has changed since",
    ),
    "moved since": (
        lambda: Case(plan=proven((TrafficTarget(percent=100, revision="shop-backend-bad"),))),
        "the traffic of shop-backend has changed since",
    ),
    "cooldown": (
        lambda: Case(stack=shop(automatic=(NOON - 29 * MINUTE,))),
        "the last one that went by itself was at 11:31:00",
    ),
    "cooldown, clock set back": (
        lambda: Case(stack=shop(automatic=(NOON + 29 * MINUTE,))),
        "the last one that went by itself was at 12:29:00",
    ),
    "per hour": (
        lambda: Case(stack=shop(automatic=(NOON - 31 * MINUTE,))),
        "the policy lets 1 an hour go by itself",
    ),
    "nothing new": (
        lambda: Case(stack=shop(record(BACKEND))),
        "no revision took over more than 10 % of a service within the 120 min before it",
    ),
    "long ago": (
        lambda: Case(stack=shop(record(BACKEND, main_since=NOON - 2 * HOUR - MINUTE))),
        "no revision took over",
    ),
    "after it began": (
        lambda: Case(stack=shop(record(BACKEND, main_since=NOON + timedelta(seconds=1)))),
        "no revision took over",
    ),
    "canary": (
        lambda: Case(rules=AutomaticRules(beyond=100)),
        "no revision took over more than 100 %",
    ),
    "returned to": (
        lambda: Case(stack=shop(record(BACKEND, main_since=DEPLOYED, good=(PROVED_BEFORE,)))),
        "no revision took over",
    ),
}


@pytest.mark.parametrize(("case", "why"), AGAINST.values(), ids=AGAINST)
def test_any_one_thing_against_it_is_a_reason_to_ask(case: Callable[[], Case], why: str) -> None:
    """Each rule alone is enough, and is named."""
    answer = case().judged()
    assert isinstance(answer, NeedsApproval)
    assert why in answer.reason


def test_a_suspect_is_one_whose_share_is_beyond_the_canary_cohort() -> None:
    """At just the cohort's share the blast radius is no larger than planned."""
    split = (
        TrafficTarget(percent=60, revision="shop-backend-bad"),
        TrafficTarget(percent=40, revision="shop-backend-good"),
    )
    stack = shop(record(BACKEND, traffic=split, main_since=DEPLOYED))
    services = (replace(proven().services[0], before=split), proven().services[1])
    case = Case(stack=stack, plan=replace(proven(), services=services))
    assert isinstance(replace(case, rules=AutomaticRules(beyond=59)).judged(), MayGo)
    assert isinstance(replace(case, rules=AutomaticRules(beyond=60)).judged(), NeedsApproval)


def test_the_limits_end_when_their_time_is_over() -> None:
    """After the cooldown and the hour, the next one may go."""
    assert isinstance(Case(stack=shop(automatic=(NOON - HOUR,))).judged(), MayGo)
    often = AutomaticRules(per_hour=2)
    once = shop(automatic=(NOON - 31 * MINUTE,))
    assert isinstance(Case(rules=often, stack=once).judged(), MayGo)


def test_a_revision_that_proved_itself_only_after_it_took_over_is_suspected() -> None:
    """Known-good for half an hour is no alibi for what goes wrong in the next."""
    proof = replace(PROVED_BEFORE, proven_at=DEPLOYED + MINUTE)
    stack = shop(record(BACKEND, main_since=DEPLOYED, good=(proof,)))
    assert isinstance(Case(stack=stack).judged(), MayGo)


def test_only_as_many_past_ones_are_remembered_as_the_policy_counts() -> None:
    """The head stays small, however long a stack lives."""
    stack = Stack(id="shop")
    for minute in range(5):
        stack = stack.with_automatic(NOON + minute * MINUTE, remember=2)
    assert stack.automatic == (NOON + 4 * MINUTE, NOON + 3 * MINUTE)
