"""Which phases an incident went through, read from its timeline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from shared.adapters.pages.words import parse

_OVER: Final = ("resolved", "reviewed")


class Ending(StrEnum):
    """How a phase ended, if it did."""

    DONE = "done"
    FAILED = "failed"
    RUNNING = "running"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A stretch of an incident. A running one reaches until now."""

    name: str
    starts: datetime
    ends: datetime
    ending: Ending

    @property
    def seconds(self) -> float:
        """How long it took so far; clocks that disagree make it no shorter than nothing."""
        return max((self.ends - self.starts).total_seconds(), 0.0)


@dataclass(frozen=True, slots=True)
class _Step:
    """A phase, and the kinds of timeline lines that end it; the first of them does."""

    name: str
    meaning: str
    good: tuple[str, ...]
    bad: tuple[str, ...] = ()


_DETECT: Final = _Step("Detect", "from the alert's start until it was received", ("opened",))
_WITH_ROLLBACK: Final = (
    _DETECT,
    _Step("Decide", "until a rollback was proposed", ("proposed",), ("not_proposed", "resolved")),
    _Step(
        "Approve", "until a person approved it", ("approved",), ("rejected", "expired", "resolved")
    ),
    _Step(
        "Move",
        "until traffic was served as planned",
        ("service_moved",),
        ("service_refused", "held"),
    ),
    _Step("Heal", "until the health checks passed", ("healthy",), ("unhealthy",)),
    _Step("Settle", "until the alert ended, or the verdict was given", ("verdict", "resolved")),
)
_WITHOUT: Final = (
    _DETECT,
    _Step("Page", "until the first page was delivered", ("paged",), ("resolved",)),
    _Step("Acknowledge", "until somebody took it", ("acknowledged",), ("resolved",)),
    _Step("Recover", "until nothing fired any more", ("resolved",)),
)


def phases(incident: dict[str, Any], now: datetime) -> tuple[Phase, ...]:
    """The incident's phases in order; the last one runs until now if it has not ended.

    After a phase that ended badly, only recovery is left.
    """
    rows, steps, at = _beginning(incident)
    found: list[Phase] = []
    failed = False
    for step in steps:
        if failed and step is not steps[-1]:
            continue
        place = next((n for n, r in enumerate(rows) if r["kind"] in step.good + step.bad), None)
        if place is None:
            if incident["state"] not in _OVER:
                found.append(Phase(name=step.name, starts=at, ends=now, ending=Ending.RUNNING))
            break
        ending, ends = _ending(incident, step, rows[place]["kind"]), parse(rows[place]["at"])
        found.append(Phase(name=step.name, starts=at, ends=ends, ending=ending))
        failed = failed or ending is Ending.FAILED
        at, rows = ends, rows[place + 1 :]
    return tuple(found)


def meanings(shown: tuple[Phase, ...]) -> tuple[tuple[str, str], ...]:
    """What each of these phases is, in words; each is counted from the end of the one before."""
    names = {phase.name for phase in shown}
    steps = _WITHOUT if names & {"Page", "Acknowledge"} else _WITH_ROLLBACK
    return tuple((step.name, step.meaning) for step in steps if step.name in names)


def _beginning(
    incident: dict[str, Any],
) -> tuple[list[dict[str, Any]], tuple[_Step, ...], datetime]:
    """The lines that count, the steps they are held against, and when the first one starts.

    What no alert set off has nothing to detect; nor has a rollback that was asked for later.
    """
    rows = _without_earlier_endings(incident["timeline"])
    rollback = incident["rollback"]
    planned = rollback and (rollback["plan"] or rollback["phase"] == "planning")
    steps = _WITH_ROLLBACK if planned else _WITHOUT
    if planned and parse(rollback["asked_at"]) > parse(incident["opened_at"]):
        asked_at = parse(rollback["asked_at"])
        return [row for row in rows if parse(row["at"]) >= asked_at], steps[1:], asked_at
    if rows and rows[0]["kind"] == "alert_fired":
        return rows, steps, parse(rows[0]["at"])
    return rows, steps[1:], parse(incident["opened_at"])


def _without_earlier_endings(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The timeline without each "resolved" that was followed by "reopened"."""
    again = max((n for n, row in enumerate(rows) if row["kind"] == "reopened"), default=-1)
    return [row for n, row in enumerate(rows) if n > again or row["kind"] != "resolved"]


def _ending(incident: dict[str, Any], step: _Step, kind: str) -> Ending:
    """How a line of this kind ends the step; half a move and a bad verdict are no good end."""
    rollback = incident["rollback"]
    half_moved = step.name == "Move" and any(o["result"] != "moved" for o in rollback["outcomes"])
    bad_verdict = kind == "verdict" and rollback["verdict"] != "recovered"
    return Ending.FAILED if kind in step.bad or half_moved or bad_verdict else Ending.DONE
