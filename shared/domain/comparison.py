"""How one alert was treated under two policies, and what that means for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from shared.domain.severity import Severity

LATE: Final = timedelta(minutes=15)
"""A page that comes so much later than before is as good as lost."""

_CRITICAL: Final = (Severity.SEV1, Severity.SEV2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """What one alert led to. `paged` are those who were called first, `waited` for how long.

    `rollback` is that of the incident, where the alert opened it: its mode, or `none`.
    """

    lane: str
    stack: str
    severity: Severity
    reasons: tuple[str, ...]
    paged: tuple[str, ...] = ()
    waited: timedelta = timedelta()
    rollback: str = "none"


class Difference(StrEnum):
    """Everything that can differ for an alert."""

    LANE = "lane"
    STACK = "stack"
    SEVERITY = "severity"
    PAGE_LOST = "page lost"
    PAGE_LATE = "page late"
    PAGE_GAINED = "page gained"
    PAGE_MOVED = "page goes to another person"
    ROLLBACK = "rollback"


LOSSES: Final = (Difference.PAGE_LOST, Difference.PAGE_LATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An alert that the new policy treats otherwise. `critical`: by either policy, or its sender."""

    line: int
    alert: str
    old: Treatment
    new: Treatment
    differences: tuple[Difference, ...]
    critical: bool

    @property
    def lost(self) -> bool:
        """Whether nobody hears in time any more of something critical."""
        return self.critical and any(each in LOSSES for each in self.differences)


def compare(
    line: int, alert: str, said: Severity | None, old: Treatment, new: Treatment
) -> Change | None:
    """What changes for an alert whose sender said it was this bad; None for nothing."""
    differences = tuple(_differences(old, new))
    if not differences:
        return None
    critical = any(each in _CRITICAL for each in (said, old.severity, new.severity))
    return Change(
        line=line, alert=alert, old=old, new=new, differences=differences, critical=critical
    )


def _differences(old: Treatment, new: Treatment) -> Iterator[Difference]:
    for what in (Difference.LANE, Difference.STACK, Difference.SEVERITY, Difference.ROLLBACK):
        if getattr(old, what.value) != getattr(new, what.value):
            yield what
    if old.paged and not new.paged:
        yield Difference.PAGE_LOST
    elif new.paged and not old.paged:
        yield Difference.PAGE_GAINED
    elif old.paged:
        if set(old.paged) != set(new.paged):
            yield Difference.PAGE_MOVED
        if new.waited >= old.waited + LATE:
            yield Difference.PAGE_LATE
