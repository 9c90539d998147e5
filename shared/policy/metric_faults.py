"""What is wrong with a metric of the policy that its keys alone do not show."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from shared.domain.metrics import PROMETHEUS, Over

if TYPE_CHECKING:
    from shared.policy.schema import MetricEntry

Fault = tuple[str, str]
"""The key at which it shows, empty for the whole entry, and what is wrong."""

_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`')
_SELECTOR: Final = re.compile(r"\s*(?:[a-zA-Z_:][\w:]*\s*(?:\{[^{}]*\})?|\{[^{}]*\})\s*")


def metric_faults(entry: MetricEntry) -> Iterator[Fault]:
    """Everything that is wrong with how its keys fit together."""
    yield from _budget(entry)
    if not any(map(int, re.findall(r"\d+", entry.window))):
        yield "window", "window must be longer than nothing: no sample is as new as that"
    if entry.source == PROMETHEUS:
        yield from _of_prometheus(entry)
    elif entry.newest:
        yield "newest", "newest is for PromQL: every point of Cloud Monitoring says when it was"


def _budget(entry: MetricEntry) -> Iterator[Fault]:
    given = [name for name in ("below", "above") if getattr(entry, name) is not None]
    if len(given) != 1:
        has = "has both below and above" if given else "has neither below nor above"
        yield "", f"a metric {has}: it must have one of them, the budget of its value"
    for name in given:
        if not math.isfinite(getattr(entry, name)):
            yield name, f"{name} must be a number that is not infinite"


def _of_prometheus(entry: MetricEntry) -> Iterator[Fault]:
    if entry.over is not Over.NEWEST:
        yield "over", "over is for Cloud Monitoring: in PromQL the query itself says it"
    if not entry.newest and not _SELECTOR.fullmatch(_STRING.sub('""', entry.query)):
        yield (
            "query",
            "a query that computes (a rate, a ratio, a sum) does not show when its newest sample "
            'was taken: add newest, such as "max(timestamp(METRIC))", or a late one looks new',
        )
