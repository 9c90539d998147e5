"""What an expression gives at an instant, as Prometheus would compute it.

The counters are exact: nothing is extrapolated, and every second counts as scraped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from infra.local.metrics.promql import BadQuery, Binary, Call, Expression, Number, Selector
from infra.local.metrics.samples import KEPT_SECONDS, Samples

REQUEST_COUNT = "run_googleapis_com:request_count"
LOOKBACK_SECONDS = 300.0
"""How old a sample may be and still be shown, as Prometheus has it."""


@dataclass(frozen=True, slots=True)
class Item:
    """One series' value, and when its newest sample was taken."""

    labels: Mapping[str, str]
    value: float
    at: float


Vector = list[Item]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation: at which instant, over what, and until when anything was scraped.

    `labels` are those that every series of requests has besides its own.
    """

    samples: Samples
    at: float
    scraped_until: float
    labels: Callable[[str], Mapping[str, str]]

    def of(self, expression: Expression) -> float | Vector:
        """The value: a scalar or an instant vector. Raises BadQuery."""
        if isinstance(expression, Number):
            return expression.value
        if isinstance(expression, Selector):
            return self._instant(expression)
        if isinstance(expression, Binary):
            return self._binary(expression)
        return self._call(expression)

    def _call(self, call: Call) -> float | Vector:
        if call.function in ("increase", "rate"):
            return self._increase(call)
        found = self.of(call.argument)
        if call.function == "vector":
            return [Item({}, _scalar(found), self.at)]
        vector = _vector(found)
        if call.function == "scalar":
            return vector[0].value if len(vector) == 1 else math.nan
        if call.function == "timestamp":
            plain = isinstance(call.argument, Selector)
            return [Item(i.labels, i.at if plain else self.at, self.at) for i in vector]
        return self._aggregated(call, vector)

    def _aggregated(self, call: Call, vector: Vector) -> Vector:
        groups: dict[tuple[tuple[str, str], ...], list[float]] = {}
        for item in vector:
            key = tuple((label, item.labels.get(label, "")) for label in call.by)
            groups.setdefault(key, []).append(item.value)
        reduce = sum if call.function == "sum" else max
        return [Item(dict(key), float(reduce(v)), self.at) for key, v in groups.items()]

    def _binary(self, binary: Binary) -> float | Vector:
        left, right = self.of(binary.left), self.of(binary.right)
        if binary.operator == "or":
            mine = _vector(left)
            known = [item.labels for item in mine]
            return mine + [item for item in _vector(right) if item.labels not in known]
        if isinstance(left, float):
            if isinstance(right, float):
                return _quotient(left, right)
            return [Item(i.labels, _quotient(left, i.value), self.at) for i in right]
        if isinstance(right, float):
            return [Item(i.labels, _quotient(i.value, right), self.at) for i in left]
        return [
            Item(mine.labels, _quotient(mine.value, other.value), self.at)
            for mine in left
            for other in right
            if mine.labels == other.labels
        ]

    def _instant(self, selector: Selector) -> Vector:
        if selector.seconds is not None:
            raise BadQuery("a range vector is no answer: use increase() or rate()")
        until = min(self.at, self.scraped_until)
        if selector.name == REQUEST_COUNT:
            if self.at - until > LOOKBACK_SECONDS:
                return []
            counted = self._counted(selector, until - KEPT_SECONDS, until)
            return [Item(labels, value, until) for labels, value in counted]
        newest = {
            tuple(sorted(each.labels.items())): Item(each.labels, each.value, each.at)
            for each in self.samples.gauges(selector.name, self.at - LOOKBACK_SECONDS, until)
        }
        return [i for i in newest.values() if all(m.holds(i.labels) for m in selector.matchers)]

    def _increase(self, call: Call) -> Vector:
        """A series that was ever counted has an increase, 0 too; nothing without any scrape."""
        wanted = call.argument
        if not isinstance(wanted, Selector) or wanted.seconds is None:
            raise BadQuery(f"{call.function}() needs a range vector")
        if wanted.name != REQUEST_COUNT:
            raise BadQuery(f"{wanted.name} is no counter")
        after, until = self.at - wanted.seconds, min(self.at, self.scraped_until)
        if until <= after:
            return []
        unit = wanted.seconds if call.function == "rate" else 1.0
        rose = self._counted(wanted, after, until)
        before = [labels for labels, _ in self._counted(wanted, after - KEPT_SECONDS, after)]
        zeros = [(labels, 0.0) for labels in before if labels not in [each for each, _ in rose]]
        return [Item(labels, value / unit, self.at) for labels, value in rose + zeros]

    def _counted(
        self, selector: Selector, after: float, until: float
    ) -> list[tuple[Mapping[str, str], float]]:
        totals: dict[tuple[tuple[str, str], ...], float] = {}
        for each in self.samples.counted(after, until):
            labels = {**self.labels(each.service), **each.labels}
            if all(matcher.holds(labels) for matcher in selector.matchers):
                key = tuple(sorted(labels.items()))
                totals[key] = totals.get(key, 0.0) + each.count
        return [(dict(key), total) for key, total in totals.items()]


def _scalar(found: float | Vector) -> float:
    if isinstance(found, list):
        raise BadQuery("expected a scalar, found an instant vector")
    return found


def _vector(found: float | Vector) -> Vector:
    if isinstance(found, float):
        raise BadQuery("expected an instant vector, found a scalar")
    return found


def _quotient(one: float, other: float) -> float:
    """As IEEE 754 has it: something by nothing is infinite, nothing by nothing is no number."""
    if other:
        return one / other
    return math.nan if not one or math.isnan(one) else math.copysign(math.inf, one)
