"""Looking at a stack's services each minute, and what a look teaches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from shared.domain.action import ActionKind, GaveUp, ObserveOrder, Ripe, Sights, TrafficOrder
from shared.domain.decide.draft import Draft
from shared.domain.decide.latches import say_latched
from shared.domain.decide.tagging import tag_known_good
from shared.domain.decision import Reason
from shared.domain.event import ActionFinished, LookDue
from shared.domain.ledger import (
    Circumstances,
    LedgerRules,
    Look,
    OwnChange,
    ServiceRecord,
    bare,
    learn,
)
from shared.domain.release import Pinned
from shared.domain.rollback import (
    MoveResult,
    Plan,
    ServiceOutcome,
    ServicePlan,
    Split,
    TrafficOutcome,
)
from shared.domain.rollback_phase import Phase
from shared.domain.severity import CRITICAL
from shared.domain.stack import DrillPhase, Stack
from shared.domain.targets import pinned_split

_NEVER_BEGUN: Final = (
    Phase.PLANNING,
    Phase.PROPOSED,
    Phase.REJECTED,
    Phase.EXPIRED,
    Phase.UNAVAILABLE,
    Phase.WITHDRAWN,
)
_STANDS: Final = (MoveResult.MOVED, MoveResult.UNSERVED)


def on_look_due(draft: Draft, event: LookDue) -> Reason:
    """Have the services looked at, unless the last look has not ended: none ever queue up."""
    if not draft.policy.stack(event.stack).services:
        return Reason.STALE
    if draft.stack.observing:
        return Reason.STILL_LOOKING
    order = ObserveOrder(ripe=tuple(_ripe(draft)))
    observing = draft.act(ActionKind.OBSERVE, "", order)
    draft.stack = replace(draft.stack, observing=observing)
    return Reason.LOOKING


def on_sights(draft: Draft, event: ActionFinished) -> Reason:
    """Learn from every look; say who took over; tag what proved itself when all is calm."""
    draft.stack = replace(draft.stack, observing="")
    sights = event.outcome
    if not isinstance(sights, Sights):
        return Reason.RECORDED
    rules = draft.policy.stack(draft.stack.id).rollback.ledger
    _forget_strangers(draft)
    looks = [look for look in sights.looks if look.service in _known(draft)]
    for look in looks:
        _learn(draft, look, rules)
    for unseen in sights.unseen:
        record = draft.stack.record(unseen.service)
        if record is not None:
            draft.stack = draft.stack.with_record(replace(record, trouble=unseen.why))
    tag_known_good(draft, looks)
    return Reason.RECORDED


def note_own(draft: Draft, event: ActionFinished) -> None:
    """Remember what our change of traffic may have left, so that nobody takes it for another's."""
    action, outcome = event.action, event.outcome
    restoring = action.kind is ActionKind.RESTORE
    if not (restoring or action.kind is ActionKind.APPLY):
        return
    assert isinstance(action.order, TrafficOrder)
    known = outcome.services if isinstance(outcome, TrafficOutcome) else ()
    for plan in action.order.plan.services:
        record = draft.stack.record(plan.service)
        ended = next((o for o in known if o.service == plan.service), None)
        if record is not None and (ended is not None or isinstance(outcome, GaveUp)):
            own = OwnChange(at=draft.now, splits=_splits(plan))
            stands = _left(plan, restoring=restoring) if _stood(ended) else record.traffic
            draft.stack = draft.stack.with_record(replace(record, own=own, traffic=stands))
        if restoring and ended is not None and ended.result is MoveResult.MOVED:
            draft.stack = draft.stack.with_pinned(_pinned(plan, ended))


def _pinned(plan: ServicePlan, ended: ServiceOutcome) -> tuple[Pinned, ...]:
    """What a restore left pinned that had LATEST before, because that means another revision now."""
    had, has = bare(plan.before), bare(ended.traffic)
    if ("", 100) not in had or has != {(plan.latest_ready, 100)}:
        return ()
    return (Pinned(service=plan.service, revision=plan.latest_ready),)


def _stood(ended: ServiceOutcome | None) -> bool:
    return ended is not None and ended.result in _STANDS


def _left(plan: ServicePlan, *, restoring: bool) -> Split:
    """What was asked for last. A restore may have pinned LATEST; `own` knows that as well."""
    return plan.before if restoring else plan.after


def _ripe(draft: Draft) -> Iterator[Ripe]:
    """What could prove itself at this look."""
    soak = draft.policy.stack(draft.stack.id).rollback.ledger.soak
    for record in draft.stack.services:
        for each in record.soaks:
            if draft.now - each.since >= soak and record.proof(each.revision) is None:
                yield Ripe(service=record.service, revision=each.revision, since=each.since)


def _learn(draft: Draft, look: Look, rules: LedgerRules) -> None:
    before = draft.stack.record(look.service)
    around = Circumstances(critical=_critical(draft.stack), ours=_ours(draft.stack), now=draft.now)
    learned = learn(before, look, rules, around)
    draft.stack = draft.stack.with_record(learned.record)
    if learned.latched is not None and before is not None:
        say_latched(draft, before, learned.latched)


def _critical(stack: Stack) -> bool:
    """Whether something bad is open; an alert that fires belongs to an incident as bad as it."""
    return any(incident.severity in CRITICAL for incident in stack.open_incidents())


def _ours(stack: Stack) -> tuple[Split, ...]:
    """What stood before and after every change that we were told to make."""
    return tuple(split for plan in _begun(stack) for s in plan.services for split in _splits(s))


def _begun(stack: Stack) -> Iterator[Plan]:
    for incident in (each for each in stack.incidents if not each.aside):
        rollbacks = (*incident.earlier, *((incident.rollback,) if incident.rollback else ()))
        for rollback in rollbacks:
            if rollback.plan is not None and rollback.phase not in _NEVER_BEGUN:
                yield rollback.plan
    drill = stack.drill
    if drill is not None and drill.plan is not None and drill.phase is not DrillPhase.PLANNING:
        yield drill.plan


def _splits(plan: ServicePlan) -> tuple[Split, ...]:
    """Before, after, and what was found with LATEST pinned, which a restore may have written."""
    return plan.before, plan.after, pinned_split(plan.reversed())


def _known(draft: Draft) -> frozenset[str]:
    return frozenset(each.name for each in draft.policy.stack(draft.stack.id).services)


def _forget_strangers(draft: Draft) -> None:
    """Services that the policy no longer has."""
    known: tuple[ServiceRecord, ...] = tuple(
        record for record in draft.stack.services if record.service in _known(draft)
    )
    draft.stack = replace(draft.stack, services=known)
