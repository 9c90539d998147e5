"""The policy's metrics: what they are read as, and each fault with its line."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import get_args

import pytest

from shared.domain.metrics import SOURCES, Bound, Budget, MetricQuery, Over
from shared.policy import PolicyError, loads
from shared.policy.kinds import MetricSource

HEAD = """\
version: 1
people:
  ana: {name: Ana, slack: U0ANA00001}
teams:
  ops: {channel: "#ops", on_call: ana, members: [ana]}
lanes:
  triage: {owner: ops}
stacks:
  shop:
    project: p
    region: r
    services: {shop-front: {}}
    rollback:
      metrics:
"""
LINE = HEAD.count("\n") + 1
RATE = 'rate(errors{a="b"}[5m])'


def metrics(*entries: str) -> tuple[MetricQuery, ...]:
    """What these entries, one a line, are read as."""
    text = HEAD + "".join(f"        - {{{entry}}}\n" for entry in entries)
    return loads(text, "p.yaml").stack("shop").rollback.metrics


def fault(entry: str) -> str:
    """The one thing that is wrong with this entry, which is the second."""
    with pytest.raises(PolicyError) as caught:
        metrics("query: up, above: 0", entry)
    (only,) = caught.value.faults
    assert only.line == LINE + 1
    return only.text


def test_a_metric_is_read_with_its_budget_window_and_source() -> None:
    """Everything but the query and its budget has a default."""
    plain, whole = metrics(
        "query: errors, below: 5",
        "query: 'metric.type = \"x\"', source: cloud_monitoring, above: 0.5, window: 10m, over: sum",
    )
    assert plain == MetricQuery(
        source="prometheus", expression="errors", budget=Budget(Bound.BELOW, 5)
    )
    assert whole == MetricQuery(
        source="cloud_monitoring",
        expression='metric.type = "x"',
        budget=Budget(Bound.ABOVE, 0.5),
        window=timedelta(minutes=10),
        over=Over.SUM,
    )


def test_a_budget_of_nothing_is_a_budget() -> None:
    """Zero is a number, and not a missing one."""
    (query,) = metrics("query: errors, below: 0")
    assert query.budget == Budget(Bound.BELOW, 0)


@pytest.mark.parametrize("query", ["up", 'errors{a="}", b=~"x{2}"}', "{job='a'}", " up "])
def test_a_plain_metric_tells_its_own_time(query: str) -> None:
    """Prometheus knows when the sample of a plain metric was taken."""
    assert metrics(f"query: {json.dumps(query)}, above: 0")


@pytest.mark.parametrize("query", [RATE, "a / b", "sum(errors)", "errors or vector(0)", "-up"])
def test_what_is_computed_hides_when_its_newest_sample_was_taken(query: str) -> None:
    """A rate over samples that stopped coming looks new: `newest` has to say."""
    assert "newest" in fault(f"query: '{query}', below: 1")
    assert metrics(f"query: '{query}', below: 1, newest: max(timestamp(errors))")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("query: up", "neither below nor above"),
        ("query: up, below: 1, above: 0", "both below and above"),
        ("query: up, below: .inf", "not infinite"),
        ("query: up, above: .nan", "not infinite"),
        ("query: up, below: few", "must be a number, not 'few'"),
        ("query: up, below: 1, source: datadog", "must be prometheus or cloud_monitoring"),
        ("query: up, below: 1, window: 0s", "longer than nothing"),
        ("query: up, below: 1, window: soon", "a duration such as"),
        ("query: up, below: 1, over: sum", "over is for Cloud Monitoring"),
        ("query: x, below: 1, source: cloud_monitoring, newest: y", "newest is for PromQL"),
        ("below: 1", "lacks query"),
    ],
)
def test_each_fault_is_named_with_its_line(entry: str, said: str) -> None:
    """Whoever wrote the file learns what would be right."""
    assert said in fault(entry)


def test_every_fault_is_named_at_once() -> None:
    """Nobody corrects a file fault by fault."""
    with pytest.raises(PolicyError) as caught:
        metrics("query: up", "query: 'a / b', below: 1, above: 2")
    assert [each.line for each in caught.value.faults] == [LINE, LINE + 1, LINE + 1]


def test_every_source_that_can_be_configured_can_be_named() -> None:
    """The schema has the same names as the bootstrap."""
    assert get_args(get_args(MetricSource)[0]) == SOURCES


def test_rules_for_automatic_rollbacks_may_be_left_out_or_given() -> None:
    """A section that may be nothing is read as what it is where it is something."""
    given = HEAD.replace("      metrics:\n", "      automatic: {beyond: 20}\n")
    rules = loads(given, "p.yaml").stack("shop").rollback.automatic
    assert rules is not None
    assert rules.beyond == 20
