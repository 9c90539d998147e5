"""Tagging what is known-good, while all is calm: the way back is there before it is needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

from shared.domain.action import ActionKind, TrafficOrder
from shared.domain.decide.draft import Draft
from shared.domain.decide.drills import plan_drill
from shared.domain.decide.notices import notify
from shared.domain.decide.opening import plan_what_waits
from shared.domain.decision import Reason
from shared.domain.event import ActionFinished
from shared.domain.ledger import Look, ServiceRecord
from shared.domain.rollback import (
    MoveResult,
    Plan,
    ServiceOutcome,
    ServicePlan,
    TrafficOutcome,
)
from shared.domain.tags import GOOD, calm, tag_plan, tags, worth_tagging

SEND_WITHIN: Final = timedelta(minutes=1)
"""A tag that cannot be sent so soon after the look is not sent: much may have happened since."""

AGAIN_AFTER: Final = timedelta(minutes=10)
"""How long a service is left alone that did not take its tag."""


def tag_known_good(draft: Draft, looks: Iterable[Look]) -> None:
    """Have the tags set that are missing, all at once, if nothing is open on the stack."""
    if draft.stack.tagging or not calm(draft.stack):
        return
    plans = tuple(_missing(draft, looks))
    if not plans:
        return
    latest = draft.now + SEND_WITHIN
    plan = Plan(stack=draft.stack.id, services=plans, made_at=draft.now, expires_at=latest)
    tagging = draft.act(ActionKind.TAG, "", TrafficOrder(plan=plan), not_after=latest)
    draft.stack = replace(draft.stack, tagging=tagging)


def on_tagged(draft: Draft, event: ActionFinished) -> Reason:
    """Note the tags; what came up meanwhile was waiting for this to end."""
    order, outcome = event.action.order, event.outcome
    assert isinstance(order, TrafficOrder)
    ended = outcome.services if isinstance(outcome, TrafficOutcome) else ()
    moved = {each.service for each in ended if each.result is MoveResult.MOVED}
    for plan in order.plan.services:
        record = draft.stack.record(plan.service)
        if record is not None:
            noted = _noted(draft, record, plan, done=plan.service in moved)
            draft.stack = draft.stack.with_record(noted)
    for each in ended:
        if each.result is MoveResult.UNSERVED:
            _say_unserved(draft, each)
    draft.stack = replace(draft.stack, tagging="")
    if draft.stack.drill is not None:
        plan_drill(draft, draft.stack.drill)
    plan_what_waits(draft)
    return Reason.RECORDED


def _say_unserved(draft: Draft, ended: ServiceOutcome) -> None:
    """Cloud Run took the tag and could not set it: the service may not be Ready, through us."""
    service = ended.service
    what = f"Cloud Run took the tag {GOOD} for {service} and did not set it: {ended.detail}."
    gone = f"`gcloud run services update-traffic {service} --remove-tags {GOOD}` takes it away."
    shares = "No revision's share of the traffic was changed."
    notify(draft, f"{service}: look at its tag", what, shares, gone)


def _noted(draft: Draft, record: ServiceRecord, plan: ServicePlan, *, done: bool) -> ServiceRecord:
    if done:
        return replace(record, tagged=plan.to_revision)
    return replace(record, tag_after=draft.now + AGAIN_AFTER)


def _missing(draft: Draft, looks: Iterable[Look]) -> Iterator[ServicePlan]:
    """What has to be asked for; a tag that a person took away stays away until the next proof."""
    stack = draft.policy.stack(draft.stack.id)
    seen = {look.service: look for look in looks}
    for service in stack.services:
        record, look = draft.stack.record(service.name), seen.get(service.name)
        if record is None or look is None or _waits(draft, record):
            continue
        good = worth_tagging(record, stack.rollback.ledger, draft.now)
        if not good or good == record.tagged:
            continue
        if tags(look.state.traffic, good):
            draft.stack = draft.stack.with_record(replace(record, tagged=good))
        elif plan := tag_plan(service, look, good):
            yield plan


def _waits(draft: Draft, record: ServiceRecord) -> bool:
    return record.tag_after is not None and draft.now < record.tag_after
