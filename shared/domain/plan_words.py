"""A plan as people read it, the same in Slack, on the command line and in a report."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from shared.domain.policy import HealthCheck, Service
from shared.domain.rollback import Plan, ServicePlan, Split

_SHORT: Final = len("sha256:") + 12
_ETAG: Final = 16


def describe_plan(plan: Plan) -> tuple[str, ...]:
    """Everything a plan binds, a line each; what belongs to a service is indented below it."""
    asked = f"Asked by {plan.asked_by}" if plan.asked_by else ""
    reason = " ".join(plan.reason.split())
    why = f"{': ' if asked else 'Why: '}{reason}" if reason else ""
    what = "Release plan" if plan.release else "Plan"
    health = plan.rto_target.total_seconds()
    return (
        f"{what} {plan.hash[:8]} for {plan.stack}, made {_time(plan.made_at)}",
        *((f"{asked}{why}",) if asked or why else ()),
        f"Limits: nothing moves after {_time(plan.expires_at)};"
        f" health back within {health:.0f} s of the first traffic request",
        *((f"Health: {'; '.join(plan.checks)}",) if plan.checks else ()),
        *(line for service in plan.services for line in _service(service)),
    )


def plan_markdown(plan: Plan) -> tuple[str, ...]:
    """The same for a report, as it stands."""
    return ("The whole plan:", "", *(f"    {line}" for line in describe_plan(plan)), "")


def checks_in_words(services: Iterable[Service]) -> tuple[str, ...]:
    """The health checks that have to pass."""
    return tuple(f"{s.name} {_check(check)}" for s in services for check in s.health)


def _check(check: HealthCheck) -> str:
    status = " or ".join(map(str, check.expect_status))
    filled = ", not empty" if check.non_empty else ""
    return f"{check.path} answers {status}{filled}"


def _service(plan: ServicePlan) -> tuple[str, ...]:
    return (
        f"{plan.service} (generation {plan.generation}, etag {_etag(plan.etag)})",
        f"  before: {_exact(plan.before, plan.latest_ready)}",
        f"  after: {_exact(plan.after, plan.latest_ready)}",
        f"  target: {plan.why}{_image(plan.to_digest)}",
        *((f"  smoke test: {plan.smoke}",) if plan.smoke else ()),
        *(f"  candidate {line}" for line in plan.candidates),
    )


def _etag(etag: str) -> str:
    """How it begins tells it from another; Cloud Run's fill two lines of a telephone."""
    return f"{etag[:_ETAG]}…" if len(etag) > _ETAG else etag or "none"


def _exact(split: Split, latest: str) -> str:
    """Every line of the split, those that only carry a tag too, and what LATEST means."""
    lines = (f"{t} [{latest}]" if latest and not t.revision else str(t) for t in split)
    return ", ".join(lines) or "no traffic"


def _image(digest: str) -> str:
    return f" (image {digest[:_SHORT]})" if digest else ""


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
