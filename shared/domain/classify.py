"""The classifier: it answers with its reasons, and abstains into `triage`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.domain.alert import Alert
from shared.domain.lane import Classification, Route
from shared.domain.policy import TRIAGE, UNASSIGNED, Policy
from shared.domain.severity import Severity

_LONGEST_VALUE: Final = 120
_SPOKEN: Final = {
    "alert:signal": "what it measures reads",
    "alert:words": "its names read",
    "alert:target": "it is about",
}


def classify(policy: Policy, alert: Alert) -> Classification:
    """The lane, owner, severity and stack of an alert, with reasons in words.

    The first matching route wins. Later matches that name another lane are listed under
    `considered` and change nothing.
    """
    facts = alert.facts()
    matching = policy.index.matching(facts)
    if not matching:
        return _abstain(policy, alert, facts)
    first = matching[0]
    severity, why_severity = _severity(policy, alert, first, facts)
    lane = policy.lane(first.lane)
    return Classification(
        stack=first.stack or _stack(policy, facts),
        lane=lane.id,
        team=lane.owner,
        severity=severity,
        rule=first.id,
        reasons=(*_reasons(first, facts), *why_severity),
        considered=tuple(
            f"{route.id} would have said {route.lane}"
            for route in matching[1:]
            if route.lane != first.lane
        ),
        no_rollback=first.no_rollback,
    )


def _abstain(policy: Policy, alert: Alert, facts: Mapping[str, str]) -> Classification:
    severity, why_severity = _severity(policy, alert, None, facts)
    lane = policy.lane(TRIAGE)
    return Classification(
        stack=_stack(policy, facts),
        lane=lane.id,
        team=lane.owner,
        severity=severity,
        rule="",
        reasons=(
            f"none of the {len(policy.routes)} routes fits, so a person classifies it",
            *why_severity,
        ),
    )


def _reasons(route: Route, facts: Mapping[str, str]) -> tuple[str, ...]:
    """The route's own sentence, then what it found in the alert, each fact once."""
    names = dict.fromkeys(matcher.name for matcher in route.matchers if matcher.wanted)
    found = tuple(_found(name, facts.get(name, "")) for name in names)
    return (route.why, *found) if route.why else found or (f"route {route.id} takes it",)


def _found(name: str, value: str) -> str:
    """What the alert says under this name, in words."""
    if not value:
        return f"{name} is not given"
    shown = value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}…"
    return f'{_SPOKEN.get(name, f"{name} is")} "{shown}"'


def _stack(policy: Policy, facts: Mapping[str, str]) -> str:
    return policy.stack_of_service(frozenset(facts.values())) or UNASSIGNED


def _severity(
    policy: Policy, alert: Alert, route: Route | None, facts: Mapping[str, str]
) -> tuple[Severity, tuple[str, ...]]:
    """The worst of what the sender, the route and the rules say, with each reason that counted."""
    severity, why = _said(policy, alert, route)
    reasons = [why]
    for rule in policy.severity_rules:
        if rule.severity.worse_than(severity) and rule.matches(facts):
            severity = rule.severity
            reasons.append(f"{severity} because {rule.why}")
    return severity, tuple(reasons)


def _said(policy: Policy, alert: Alert, route: Route | None) -> tuple[Severity, str]:
    """The sender's own word, raised to the route's if that is worse; else the policy's default."""
    least, own = route.severity if route else None, alert.severity
    if route is not None and least is not None and (own is None or least.worse_than(own)):
        return least, f"{least} because route {route.id} says at least that"
    if own is not None:
        return own, f"{own} because the sender says so"
    return policy.default_severity, f"{policy.default_severity} because nobody says otherwise"
