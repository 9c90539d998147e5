"""The judge bites where traffic must stay: whatever ends otherwise than stated is a FAIL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from infra.local.scenarios import SCENARIOS
from tests.end_to_end import test_scenarios_judge_traffic
from tests.end_to_end.endings import ENDINGS, left_alone
from tests.end_to_end.spoilt import (
    Ways,
    failing,
    nothing_happened,
    nothing_said,
    one_request_failed,
    paged_elsewhere,
    paged_twice,
    posted_twice,
    rollback_offered,
    traffic_moved,
    traffic_moved_and_put_back,
    two_incidents,
    with_incident,
)

LEFT_ALONE: Ways = {
    "two pages": (paged_twice, "one page was sent"),
    "one page twice in Slack": (posted_twice, "one page was sent"),
    "two incidents": (two_incidents, "one incident was opened"),
    "traffic moved": (traffic_moved, "traffic is untouched"),
    "traffic moved and put back": (traffic_moved_and_put_back, "traffic is untouched"),
    "paged elsewhere": (paged_elsewhere, "nobody else anywhere"),
    "nothing at all": (nothing_happened, "one incident was opened"),
}
NOT_BY_ROLLBACK = LEFT_ALONE | {
    "a request failed": (one_request_failed, "no request failed"),
    "a rollback offered": (rollback_offered, "no rollback is offered"),
}
REASON_GIVEN = NOT_BY_ROLLBACK | {
    "the card does not say why": (nothing_said, "the page says"),
    "the timeline does not": (lambda seen: with_incident(seen, timeline=[]), "the timeline says"),
}
MANY_ALERTS = LEFT_ALONE | {
    "an alert lost": (
        lambda seen: with_incident(seen, alerts=(seen.incident or {})["alerts"] - 1),
        "it counts exactly",
    ),
}
WRONG: Mapping[str, Ways] = {
    "storm": MANY_ALERTS
    | {
        "a head written for each alert": (
            lambda s: replace(s, stacks=[{"stack": "convex", "writes": 11}]),
            "written at most 10 times",
        ),
        "paged when it was over": (
            lambda s: with_incident(s, opened_at="2026-11-22T09:59:50+00:00"),
            "the page was out within",
        ),
    },
    "flapping": MANY_ALERTS,
    "projector-drift": NOT_BY_ROLLBACK
    | {"no rebuild proposed": (nothing_said, "the page says: rebuild the projection")},
    "token-minting": NOT_BY_ROLLBACK
    | {
        "infra paged": (
            lambda _: left_alone("infra", "ines", "#oncall-infra"),
            "wanda was paged in #oncall-web",
        )
    },
    "cloud-sql-down": REASON_GIVEN,
    "no-good-revision": REASON_GIVEN,
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


def test_every_scenario_has_wrong_endings() -> None:
    """No scenario is judged by claims that were never seen to fail."""
    assert {*WRONG, *test_scenarios_judge_traffic.WRONG} == {*SCENARIOS}
