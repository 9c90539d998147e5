"""The judge bites where traffic moves: whatever ends otherwise than stated is a FAIL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from infra.local.prober import Probe
from tests.end_to_end.endings import ENDINGS
from tests.end_to_end.shapes import (
    BACKEND,
    DASHBOARD,
    LATEST,
    NEW,
    OLD,
    message,
    page,
    pinned,
    service,
)
from tests.end_to_end.spoilt import (
    Ways,
    failing,
    nothing_happened,
    one_request_failed,
    paged_elsewhere,
    paged_twice,
    rollback_offered,
    traffic_moved,
    with_drill,
    with_incident,
    with_rollback,
)

WRONG: Mapping[str, Ways] = {
    "bad-revision": {
        "two pages": (paged_twice, "one page was sent"),
        "nobody approved": (lambda s: with_rollback(s, approved_by=None), "approved it by button"),
        "served by the bad one": (
            lambda s: replace(s, services=[service(n, LATEST, NEW[n]) for n in NEW]),
            "Cloud Run serves every service",
        ),
        "moved twice": (lambda s: replace(s, requests=[*s.requests] * 2), "moved once"),
        "another verdict": (lambda s: with_rollback(s, verdict="unknown"), "the verdict is"),
        "a flattering RTO": (lambda s: with_rollback(s, rto_seconds=0.5), "the RTO is"),
        "still failing": (
            lambda s: replace(s, probes=[*s.probes, Probe(30.0, BACKEND, 500)]),
            "requests succeed",
        ),
        "buttons left": (rollback_offered, "used buttons are gone"),
        "nothing at all": (nothing_happened, "one incident was opened"),
    },
    "half-rollback": {
        "no second page": (
            lambda s: replace(with_incident(s, pages=[page("ines")]), messages=s.messages[1:]),
            "2 pages were sent",
        ),
        "called recovered": (lambda s: with_rollback(s, verdict="recovered"), "the verdict is"),
        "left half-way": (traffic_moved, "traffic is exactly as it was"),
        "states not told": (lambda s: replace(s, messages=[s.messages[0]] * 2), "both services"),
    },
    "slash-rollback": {
        "approved by who asked": (
            lambda s: with_rollback(s, approved_by="ines"),
            "carla was paged, and approved",
        ),
        "the refusal not told": (lambda s: with_incident(s, timeline=[]), "may not approve it"),
        "the reason not kept": (lambda s: with_incident(s, timeline=[]), "loses writes"),
        "paged in the wrong place": (paged_elsewhere, "nobody else anywhere"),
        "two pages": (paged_twice, "one page was sent"),
        "moved by nobody": (lambda s: replace(s, requests=[]), "moved once"),
        "only one service moved": (
            lambda s: replace(s, services=[s.services[0], service(DASHBOARD, LATEST, "x")]),
            "Cloud Run serves every service",
        ),
        "a flattering RTO": (lambda s: with_rollback(s, rto_seconds=0.5), "the RTO is"),
        "a request failed": (one_request_failed, "no request failed"),
        "not recovered": (lambda s: with_rollback(s, verdict="unknown"), "the verdict is"),
    },
    "drill": {
        "failed": (lambda s: with_drill(s, passed=False), "one report says PASS"),
        "only planned": (lambda s: with_drill(s, applied=False), "one report says PASS"),
        "above the target": (lambda s: with_drill(s, total_seconds=301.0), "below 300 s"),
        "not measured": (lambda s: with_drill(s, rto_seconds=None), "below 300 s"),
        "a flattering RTO": (lambda s: with_drill(s, rto_seconds=0.5), "are the prober's"),
        "a flattering restore": (lambda s: with_drill(s, restore_seconds=0.5), "are the prober's"),
        "never put back": (
            lambda s: replace(s, requests=s.requests[:2]),
            "moved to its target once, and back once",
        ),
        "put back on a pin": (
            lambda s: replace(s, services=[service(n, pinned(NEW[n]), NEW[n]) for n in NEW]),
            "traffic is exactly as it was",
        ),
        "left on the target": (
            lambda s: replace(s, services=[service(n, LATEST, OLD[n]) for n in OLD]),
            "served by the revision it had",
        ),
        "a request failed": (one_request_failed, "no request failed"),
        "somebody was woken": (
            lambda s: replace(s, messages=[message("#oncall-infra", "a drill")]),
            "nobody was paged",
        ),
        "nothing at all": (nothing_happened, "one report says PASS"),
    },
}

CASES = [(scenario, how) for scenario, ways in WRONG.items() for how in ways]


@pytest.mark.parametrize("scenario", WRONG)
def test_the_stated_ending_is_accepted(scenario: str) -> None:
    """What ended as stated is good in every claim, so that a FAIL below has one cause."""
    assert failing(scenario, ENDINGS[scenario]) == []


@pytest.mark.parametrize(("scenario", "how"), CASES, ids=lambda part: part)
def test_another_ending_is_not(scenario: str, how: str) -> None:
    """One thing spoilt, and the claim about it fails."""
    spoil, claim = WRONG[scenario][how]
    failed = failing(scenario, spoil(ENDINGS[scenario]))
    assert any(claim in text for text in failed), failed
