"""Endings with one thing spoilt, and the claims that then do not hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from infra.local.judge import Seen
from infra.local.prober import Probe
from infra.local.scenarios import SCENARIOS
from tests.end_to_end.shapes import BACKEND, LATEST, OLD, change, message, page, pinned, service

Spoil = Callable[[Seen], Seen]
Ways = dict[str, tuple[Spoil, str]]
"""What is spoilt, how, and words of the claim that must notice."""


def failing(scenario: str, seen: Seen) -> list[str]:
    """The claims of the scenario that do not hold."""
    claims = [check(seen) for check in SCENARIOS[scenario].claims]
    return [claim.text for claim in claims if not claim.holds]


def with_incident(seen: Seen, **changes: Any) -> Seen:
    """The same ending with another incident."""
    incident = {**(seen.incident or {}), **changes}
    return replace(seen, incident=incident, incidents=[incident])


def with_rollback(seen: Seen, **changes: Any) -> Seen:
    """The same ending with another rollback."""
    return with_incident(seen, rollback={**seen.rollback, **changes})


def with_drill(seen: Seen, **changes: Any) -> Seen:
    """The same ending with another report."""
    return replace(seen, drills=[{**seen.drills[0], **changes}])


def paged_twice(seen: Seen) -> Seen:
    """Somebody was woken again."""
    pages = [*(seen.incident or {"pages": []})["pages"], page("ines", "reopened")]
    again = [*seen.messages, message("#oncall-infra", "again")]
    return replace(with_incident(seen, pages=pages), messages=again)


def posted_twice(seen: Seen) -> Seen:
    """Slack has the page twice, though one is recorded."""
    return replace(seen, messages=[*seen.messages, seen.messages[0]])


def two_incidents(seen: Seen) -> Seen:
    """A second incident was opened."""
    return replace(seen, incidents=[*seen.incidents, *seen.incidents])


def traffic_moved(seen: Seen) -> Seen:
    """The backend's traffic was moved, and stayed there."""
    moved = service(BACKEND, pinned(OLD[BACKEND]), OLD[BACKEND])
    asked = change(BACKEND, 12.0, LATEST, pinned(OLD[BACKEND]))
    return replace(seen, services=[moved, *seen.services[1:]], requests=[asked])


def traffic_moved_and_put_back(seen: Seen) -> Seen:
    """Traffic looks the same at the end, and was touched all the same."""
    return replace(seen, requests=[change(BACKEND, 12.0, LATEST, pinned(OLD[BACKEND]))])


def one_request_failed(seen: Seen) -> Seen:
    """One single request came back with an error."""
    return replace(seen, probes=[*seen.probes, Probe(11.0, BACKEND, 503, OLD[BACKEND])])


def rollback_offered(seen: Seen) -> Seen:
    """The card has a button to approve a rollback."""
    offer = message(
        seen.messages[0]["channel"], str(seen.messages[0]["blocks"]), "approve_rollback"
    )
    return replace(seen, messages=[offer])


def nothing_said(seen: Seen) -> Seen:
    """The card is silent about what to do, or why nothing is proposed."""
    return replace(seen, messages=[message(seen.messages[0]["channel"], "It fails")])


def paged_elsewhere(seen: Seen) -> Seen:
    """The page went to another team's channel."""
    return replace(seen, messages=[message("#product", str(seen.messages[0]["blocks"]))])


def nothing_happened(seen: Seen) -> Seen:
    """Switchman slept through it."""
    return replace(seen, incident=None, incidents=[], messages=[], drills=(), requests=[])
