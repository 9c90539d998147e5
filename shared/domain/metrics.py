"""What a metric says about an incident: a reading, the budget it must keep, and how it stands.

A signal that is missing, late or not a number is never good: it says `unknown`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

PROMETHEUS: Final = "prometheus"
CLOUD_MONITORING: Final = "cloud_monitoring"
SOURCES: Final = (PROMETHEUS, CLOUD_MONITORING)
"""The names of the sources that can be configured."""


class Bound(StrEnum):
    """On which side of the threshold a value is good."""

    BELOW = "below"
    ABOVE = "above"


class Standing(StrEnum):
    """How a metric stands to its budget."""

    WITHIN = "within"
    OUTSIDE = "outside"
    UNKNOWN = "unknown"


class Over(StrEnum):
    """How the points of one series within a query's window become one value.

    Only where the expression does not say it itself: in PromQL it does.
    """

    NEWEST = "newest"
    MEAN = "mean"
    SUM = "sum"


@dataclass(frozen=True, slots=True)
class Budget:
    """What a value must keep to: strictly below, or strictly above, the threshold.

    Raises:
        ValueError: The threshold is not a finite number.
    """

    bound: Bound
    threshold: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.threshold):
            raise ValueError(f"a budget needs a finite threshold, not {self.threshold}")

    def __str__(self) -> str:
        return f"{self.bound} {self.threshold:g}"

    def holds(self, value: float) -> bool:
        """Whether the value is within; NaN never is."""
        return value < self.threshold if self.bound is Bound.BELOW else value > self.threshold

    def worst(self, values: Iterable[float]) -> float:
        """The value furthest on the wrong side. Raises ValueError when there is none."""
        return max(values) if self.bound is Bound.BELOW else min(values)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricQuery:
    """One question to a source of metrics.

    `source` is the configured source's name. `expression` is PromQL or a Cloud Monitoring filter,
    as the source understands it. A filter's points are looked up within `window` and become one
    value for each series by `over`. `newest` is PromQL for the time of the newest sample in Unix
    seconds, for expressions that hide it: `max(timestamp(x))` for `rate(x[5m])`; without it
    `timestamp(expression)` is asked.
    """

    source: str
    expression: str
    budget: Budget
    window: timedelta = timedelta(minutes=5)
    over: Over = Over.NEWEST
    newest: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """A value, and when its newest sample was taken."""

    value: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no value, and why."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What a query was answered, in a form that can be stored: a reading, or why there is none."""

    reading: Reading | None = None
    missing: str = ""

    @classmethod
    def of(cls, answer: Reading | Missing) -> Measurement:
        """JSON has no infinities: the largest number there is stands for one."""
        if isinstance(answer, Missing):
            return cls(missing=answer.reason)
        if math.isnan(answer.value):
            return cls(missing="a value that is not a number")
        most = sys.float_info.max
        return cls(reading=replace(answer, value=max(-most, min(most, answer.value))))

    @property
    def answer(self) -> Reading | Missing:
        """As the source gave it."""
        return self.reading or Missing(self.missing)


def combined(series: Iterable[Reading], budget: Budget) -> Reading | Missing:
    """What several series say together, one reading for each: the worst.

    Outside, as soon as one is: then its time is that of the newest that is outside. Otherwise all
    must be known, and the time is that of the oldest. An infinity counts only against: the quotient
    of something and nothing proves no recovery.
    """
    found = tuple(series)
    if not found:
        return Missing("no series")
    outside = [each for each in found if _is_outside(each.value, budget)]
    if outside:
        value = budget.worst(each.value for each in outside)
        return Reading(value, max(each.at for each in outside))
    if not all(math.isfinite(each.value) for each in found):
        return Missing("a value that is not a finite number")
    return Reading(budget.worst(each.value for each in found), min(each.at for each in found))


def standing(
    answer: Reading | Missing, budget: Budget, now: datetime, max_age: timedelta
) -> Standing:
    """How the answer stands to the budget at `now`.

    One further than `max_age` away says nothing: late, or of a clock that is not ours.
    """
    if isinstance(answer, Missing) or abs(now - answer.at) > max_age:
        return Standing.UNKNOWN
    if _is_outside(answer.value, budget):
        return Standing.OUTSIDE
    return Standing.WITHIN if math.isfinite(answer.value) else Standing.UNKNOWN


def _is_outside(value: float, budget: Budget) -> bool:
    return not math.isnan(value) and not budget.holds(value)
