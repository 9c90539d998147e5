"""Budgets, and how a reading stands to one."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.metrics import Bound, Budget, Missing, Reading, Standing, combined, standing

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ERRORS = Budget(Bound.BELOW, 0.05)
AVAILABLE = Budget(Bound.ABOVE, 0.99)


def stands(value: float, budget: Budget = ERRORS, age: timedelta = timedelta()) -> Standing:
    """How a reading of this age stands, when a minute is the most that is allowed."""
    return standing(Reading(value, NOW - age), budget, NOW, MINUTE)


@pytest.mark.parametrize(
    ("value", "budget", "expected"),
    [
        (0.0, ERRORS, Standing.WITHIN),
        (0.05, ERRORS, Standing.OUTSIDE),
        (0.2, ERRORS, Standing.OUTSIDE),
        (1.0, AVAILABLE, Standing.WITHIN),
        (0.99, AVAILABLE, Standing.OUTSIDE),
        (0.0, AVAILABLE, Standing.OUTSIDE),
    ],
)
def test_a_value_is_held_against_its_threshold(
    value: float, budget: Budget, expected: Standing
) -> None:
    """On the threshold is outside, whichever side is the good one."""
    assert stands(value, budget) is expected


def test_a_late_reading_says_nothing() -> None:
    """Exactly as old as allowed still counts; older does not, good or bad."""
    assert stands(0.0, age=MINUTE) is Standing.WITHIN
    assert stands(0.0, age=MINUTE * 1.01) is Standing.UNKNOWN
    assert stands(1.0, age=MINUTE * 1.01) is Standing.UNKNOWN


def test_a_reading_from_a_clock_that_is_ahead_says_nothing() -> None:
    """A little ahead is a clock; far ahead is a fault."""
    assert stands(0.0, age=-MINUTE / 2) is Standing.WITHIN
    assert stands(0.0, age=-MINUTE * 2) is Standing.UNKNOWN


def test_what_is_missing_is_unknown() -> None:
    """Never good, and never bad either."""
    assert standing(Missing("no series"), ERRORS, NOW, MINUTE) is Standing.UNKNOWN


def test_what_is_no_number_is_unknown() -> None:
    """No requests at all make the error ratio 0/0."""
    assert stands(math.nan) is Standing.UNKNOWN
    assert stands(math.nan, AVAILABLE) is Standing.UNKNOWN


def test_an_infinity_counts_only_against() -> None:
    """Errors by no requests are too many; a share of nothing proves no availability."""
    assert stands(math.inf) is Standing.OUTSIDE
    assert stands(-math.inf) is Standing.UNKNOWN
    assert stands(math.inf, AVAILABLE) is Standing.UNKNOWN
    assert stands(-math.inf, AVAILABLE) is Standing.OUTSIDE


def test_a_budget_needs_a_number() -> None:
    """Nothing could ever be outside a budget of infinity."""
    for threshold in (math.inf, -math.inf, math.nan):
        with pytest.raises(ValueError, match="finite"):
            Budget(Bound.BELOW, threshold)


def test_several_series_are_as_good_as_the_worst() -> None:
    """Within, only when all are; the value shown is the worst on the budget's own side."""
    series = [Reading(0.995, NOW), Reading(0.5, NOW), Reading(1.0, NOW)]
    assert combined(series, AVAILABLE) == Reading(0.5, NOW)
    assert combined(series, Budget(Bound.BELOW, 2)) == Reading(1.0, NOW)


def test_several_good_series_are_as_fresh_as_the_oldest() -> None:
    """One that is late could hide anything."""
    series = [Reading(0.0, NOW), Reading(0.01, NOW - MINUTE)]
    assert combined(series, ERRORS) == Reading(0.01, NOW - MINUTE)


def test_a_fresh_bad_series_is_not_hidden_by_an_old_one() -> None:
    """What is outside now is outside, whatever else is late or unknown."""
    old = NOW - MINUTE * 9
    series = [Reading(0.0, old), Reading(0.9, old), Reading(0.1, NOW), Reading(math.nan, NOW)]
    assert combined(series, ERRORS) == Reading(0.9, NOW)


def test_one_unknown_series_makes_good_ones_unknown() -> None:
    """A shard that says nothing is not a shard that is well."""
    assert isinstance(combined([Reading(0.0, NOW), Reading(math.nan, NOW)], ERRORS), Missing)
    assert isinstance(combined([], ERRORS), Missing)


VALUES = st.floats(allow_nan=True, allow_infinity=True)
BUDGETS = st.builds(
    Budget, st.sampled_from(Bound), st.floats(allow_nan=False, allow_infinity=False)
)


@given(st.lists(VALUES, max_size=5), BUDGETS)
def test_nothing_but_finite_good_values_is_within(values: list[float], budget: Budget) -> None:
    """Whatever is measured, `within` means that every series is there, finite and good."""
    answer = combined([Reading(value, NOW) for value in values], budget)
    good = bool(values) and all(math.isfinite(v) and budget.holds(v) for v in values)
    assert (standing(answer, budget, NOW, MINUTE) is Standing.WITHIN) is good
