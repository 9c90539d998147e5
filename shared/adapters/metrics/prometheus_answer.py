"""What Prometheus' HTTP API answers to an instant query.

Format and codes: https://prometheus.io/docs/prometheus/latest/querying/api/. A sample's time in an
answer is when the query was evaluated, not when the sample was taken.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from shared.domain.errors import Refused, SwitchmanError, Transient

Labels = frozenset[tuple[str, str]]

_LONGEST_REASON: Final = 300
_HINTS: Final[Mapping[int, str]] = {
    HTTPStatus.BAD_REQUEST: "correct the expression",
    HTTPStatus.UNPROCESSABLE_ENTITY: "correct the expression, or ask for less",
    HTTPStatus.UNAUTHORIZED: "check the source's token",
    HTTPStatus.FORBIDDEN: "check what the source's token may read",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One series' value; its labels are without the metric's name, as `timestamp()` has them."""

    labels: Labels
    value: float


@dataclass(frozen=True, slots=True)
class Answer:
    """A scalar or a vector, when it was evaluated, and what the source warns about."""

    scalar: bool
    samples: tuple[Sample, ...]
    warnings: tuple[str, ...] = ()


def read_answer(status: int, body: bytes) -> Answer:
    """The answer with this HTTP status.

    Raises:
        Transient: The source is overloaded or away.
        Refused: It says no, or what answers is not Prometheus.
    """
    if status != HTTPStatus.OK:
        raise _sorted(status, body)
    try:
        document = json.loads(body)
        data = document["data"]
        kind, result = str(data["resultType"]), data["result"]
        warnings = tuple(str(each) for each in document.get("warnings") or ())
        if kind == "scalar":
            return Answer(True, (Sample(frozenset(), float(result[1])),), warnings)
        if kind == "vector":
            return Answer(False, tuple(_sample(each) for each in result), warnings)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise Refused("what answers is not Prometheus: check the source's address") from error
    raise Refused(f"the expression gives a {kind}: it must give a scalar or an instant vector")


def instant(seconds: float) -> datetime | None:
    """Unix seconds as an instant; None for what is none."""
    try:
        return datetime.fromtimestamp(seconds, UTC) if math.isfinite(seconds) else None
    except (OverflowError, ValueError, OSError):
        return None


def _sample(element: dict[str, Any]) -> Sample:
    labels = {(str(k), str(v)) for k, v in element["metric"].items() if k != "__name__"}
    if "histogram" in element:
        raise Refused("the expression gives histograms: ask for one of their quantiles")
    return Sample(frozenset(labels), float(element["value"][1]))


def _sorted(status: int, body: bytes) -> SwitchmanError:
    """The error for a status that is not 200; 422 is about this expression, 503 about now."""
    said = f"HTTP {status}{_reason(body)}"
    if status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS) or status >= 500:
        return Transient(said)
    hint = _HINTS.get(status, "check the source's address")
    return Refused(f"{said} ({hint})")


def _reason(body: bytes) -> str:
    """What the error's document says, cut short; nothing when it is no such document."""
    try:
        document = json.loads(body)
        reason = f": {document['errorType']}: {document['error']}"
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return reason[:_LONGEST_REASON]
