"""What a drill proved: judged against the target, and written down for people."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from shared.domain.decision import DrillRow
from shared.domain.evidence import drill_markdown, judge_drill
from shared.domain.plan_words import plan_markdown
from shared.domain.rollback import MoveResult, Plan, ServicePlan, TrafficOutcome, TrafficTarget
from shared.domain.stack import DrillPhase, DrillRun
from tests.builders import BACKEND, FRONTEND, NOON, SECOND, all_to, outcome, plan, service_plan

MOVED, REFUSED, FOREIGN = MoveResult.MOVED, MoveResult.REFUSED, MoveResult.FOREIGN
TARGET: Final = 300.0


def seen(service: str, at_start: str, target: str, *tagged: TrafficTarget) -> ServicePlan:
    """One service of the drill in the seeds' report, by the ends of its revisions' names."""
    found = (TrafficTarget(percent=100), *tagged)
    return replace(
        service_plan(service, before=found),
        from_revision=f"{service}-{at_start}",
        to_revision=f"{service}-{target}",
        latest_ready=f"{service}-{at_start}",
    )


AS_REPORTED: Final = replace(
    plan(),
    services=(
        seen(BACKEND, "00011-v4r", "00010-kpf"),
        seen(FRONTEND, "00002-hwm", "00001-8rs"),
    ),
)
"""The revisions and targets of the drill that the seeds report."""


def with_plan(report: str) -> str:
    """The report with the whole plan below its services, as it reads everywhere."""
    above, measured, rest = report.partition("\n## Measured")
    return above + "\n" + "\n".join(plan_markdown(AS_REPORTED)) + measured + rest


def row(**facts: object) -> DrillRow:
    """A drill that moves traffic, before it is judged."""
    known: dict[str, object] = {
        "id": "drill-7",
        "stack": "shop",
        "drill": "rollback",
        "at": NOON,
        "passed": False,
        "text": "",
        "plan": AS_REPORTED,
        "applied": True,
        "asked_by": "Ben",
        "target_seconds": TARGET,
    }
    return DrillRow(**{**known, **facts})  # type: ignore[arg-type]  # a builder takes any field


def judged(
    applied: TrafficOutcome | None, restored: TrafficOutcome | None, made: Plan = AS_REPORTED
) -> DrillRow:
    """The drill as it is judged after these two changes of traffic."""
    run = DrillRun(
        id="drill-7",
        drill="rollback",
        apply=True,
        phase=DrillPhase.RESTORING,
        asked_by="Ben",
        started_at=NOON,
        plan=made,
        applied=applied,
    )
    return judge_drill(row(plan=made), run, restored, TARGET)


def back(*results: MoveResult, healthy: timedelta | None = 18 * SECOND) -> TrafficOutcome:
    """How putting traffic back ended, which began 20 seconds after noon."""
    return outcome(*results, started_at=NOON + 20 * SECOND, healthy_after=healthy)


ROLLED_BACK: Final = outcome(MOVED, MOVED, healthy_after=20 * SECOND)
"""As fast as the drill that the seeds report."""

PASSED: Final = """\
# Rollback drill of shop: PASS

- Drill: `drill-7`, asked for by Ben
- Started: 2026-03-01T12:00:00+00:00
- Mode: apply (traffic is moved and put back)
- Result: PASS: rolled back in 20.0 s and put back in 18.0 s
- RTO target: 300 s

## Services

| service | revision at start | rollback target | traffic put back |
|---|---|---|---|
| shop-backend | shop-backend-00011-v4r | shop-backend-00010-kpf | 100 % LATEST (shop-backend-00011-v4r) |
| shop-frontend | shop-frontend-00002-hwm | shop-frontend-00001-8rs | 100 % LATEST (shop-frontend-00002-hwm) |

## Measured

| what | value |
|---|---|
| Rollback RTO (first traffic request until health) | 20.0 s |
| Restore (first request to put back until health) | 18.0 s |
| Whole drill | 38.0 s |
| RTO within 300 s | PASS |

## What was seen

- rollback: shop-backend: shop-backend says moved
- rollback: shop-frontend: shop-frontend says moved
- rollback: 2 checks passed
- restore: shop-backend: shop-backend says moved
- restore: shop-frontend: shop-frontend says moved
- restore: 2 checks passed
"""

HELD: Final = """\
# Rollback drill of shop: FAIL

- Drill: `drill-7`, asked for by Ben
- Started: 2026-03-01T12:00:00+00:00
- Mode: apply (traffic is moved and put back)
- Result: FAIL: not every service could be rolled back
- RTO target: 300 s

## Services

| service | revision at start | rollback target | traffic put back |
|---|---|---|---|
| shop-backend | shop-backend-00011-v4r | shop-backend-00010-kpf | 100 % LATEST (shop-backend-00011-v4r) |
| shop-frontend | shop-frontend-00002-hwm | shop-frontend-00001-8rs | 100 % LATEST (shop-frontend-00002-hwm) |

## Measured

| what | value |
|---|---|
| Rollback RTO (first traffic request until health) | not measured |
| Restore (first request to put back until health) | not measured |
| Whole drill | not measured |
| RTO within 300 s | FAIL |

## What was seen

- rollback: shop-backend: shop-backend says moved
- rollback: shop-frontend: shop-frontend says foreign
- rollback: /version answered 500
"""

DRY: Final = """\
# Rollback drill of shop: PASS

- Drill: `drill-7`, asked for by the schedule
- Started: 2026-03-01T12:00:00+00:00
- Mode: plan only
- Result: PASS: dry run: would move shop-backend from 00011-v4r to 00010-kpf
- RTO target: 300 s

## Services

| service | revision at start | rollback target | traffic put back |
|---|---|---|---|
| shop-backend | shop-backend-00011-v4r | shop-backend-00010-kpf | 100 % LATEST (shop-backend-00011-v4r) |
| shop-frontend | shop-frontend-00002-hwm | shop-frontend-00001-8rs | 100 % LATEST (shop-frontend-00002-hwm) |
"""


def test_the_report_of_a_drill_that_passed_has_every_row_people_file_it_by() -> None:
    """Revisions at start, targets, RTO, restore, total, and the verdict against 300 seconds."""
    assert drill_markdown(judged(ROLLED_BACK, back(MOVED, MOVED))) == with_plan(PASSED)


def test_the_report_of_a_drill_that_failed_says_what_was_not_measured() -> None:
    """No number is made up, and what was seen of each service is there."""
    unknown = outcome(MOVED, FOREIGN)
    assert drill_markdown(judged(unknown, None)) == with_plan(HELD)


def test_the_report_of_a_dry_run_measures_nothing() -> None:
    """Only what would be moved, and where from."""
    text = "dry run: would move shop-backend from 00011-v4r to 00010-kpf"
    dry = row(passed=True, applied=False, asked_by="", text=text)
    assert drill_markdown(dry) == with_plan(DRY)


def test_the_report_of_a_refused_drill_has_no_services() -> None:
    """There was no plan: the reason is all there is to say."""
    refused = row(plan=None, applied=False, text="refused: incident shop-1 is open")
    report = drill_markdown(refused)
    assert "- Result: FAIL: refused: incident shop-1 is open" in report
    assert "|" not in report


def test_a_drill_within_the_target_has_passed() -> None:
    """The numbers of the seeds' report: 20 s, 18 s and 38 s against 300 s."""
    found = judged(ROLLED_BACK, back(MOVED, MOVED))
    assert (found.rto_seconds, found.restore_seconds, found.total_seconds) == (20, 18, 38)
    assert (found.passed, found.text) == (True, "rolled back in 20.0 s and put back in 18.0 s")


@pytest.mark.parametrize(("seconds", "passed"), [(300, True), (301, False)])
def test_the_target_itself_is_still_within_it(seconds: int, passed: bool) -> None:
    """At most five minutes is what the target says."""
    slow = outcome(MOVED, MOVED, healthy_after=seconds * SECOND)
    found = judged(slow, back(MOVED, MOVED))
    assert found.passed is passed
    assert f"| RTO within 300 s | {'PASS' if passed else 'FAIL'} |" in drill_markdown(found)


def test_a_slow_restore_does_not_spoil_the_target() -> None:
    """The target is about getting back to health in an incident; the restore is measured too."""
    found = judged(ROLLED_BACK, back(MOVED, MOVED, healthy=400 * SECOND))
    assert (found.passed, found.restore_seconds) == (True, 400)


@pytest.mark.parametrize(
    ("applied", "restored", "why"),
    [
        (None, None, "not every service could be rolled back"),
        (outcome(MOVED, REFUSED), back(MOVED), "not every service could be rolled back"),
        (outcome(MOVED, MOVED), back(MOVED, MOVED), "not healthy after the rollback: /version"),
        (ROLLED_BACK, None, "not every service could be put back"),
        (ROLLED_BACK, back(MOVED, FOREIGN), "not every service could be put back"),
        (ROLLED_BACK, back(MOVED, MOVED, healthy=None), "after it was put back: /version answered"),
    ],
    ids=["nothing", "refused", "unhealthy", "not put back", "foreign", "unhealthy after"],
)
def test_a_drill_passes_only_if_everything_worked(
    applied: TrafficOutcome | None, restored: TrafficOutcome | None, why: str
) -> None:
    """The first thing that went wrong is the reason."""
    found = judged(applied, restored)
    assert found.passed is False
    assert why in found.text


def test_the_report_says_what_share_was_put_back() -> None:
    """A split with tags is named as it was found; lines without traffic are left out."""
    canary = TrafficTarget(percent=0, revision="shop-backend-00009-abc", tag="canary")
    split = replace(
        seen(BACKEND, "00011-v4r", "00010-kpf", canary),
        before=(*all_to(f"{BACKEND}-00011-v4r"), canary),
    )
    report = drill_markdown(row(plan=replace(plan(), services=(split,))))
    assert "| 100 % shop-backend-00011-v4r |" in report
    assert "canary" not in report.partition("The whole plan:")[0]
