"""What a case of a policy expects at an instant of its play, and what it found instead."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from shared.domain.play import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What should be so at `at`; what is None or empty is not looked at.

    It is about the incident of the lane `of`, or the last one that was opened, or, where there
    is none, about where the last alert was sent. `paged` are the ids of people (perhaps with the
    time: `ines@+5m`) and `notified` channels, each in the order in which it happened.
    """

    at: datetime
    line: int
    of: str = ""
    incidents: int | None = None
    lane: str = ""
    team: str = ""
    severity: str = ""
    stack: str = ""
    rule: str | None = None
    state: str = ""
    paged: tuple[str, ...] | None = None
    notified: tuple[str, ...] | None = None
    rollback: str = ""
    verdict: str = ""
    frozen: bool | None = None
    says: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A timeline, and what should come of it."""

    name: str
    line: int
    start: datetime
    given: tuple[Step, ...] = field(default=())
    expected: tuple[Expectation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """Something is not as expected, and perhaps why."""

    line: int
    at: datetime
    what: str
    expected: str
    got: str
    why: str = ""
