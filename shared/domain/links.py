"""How incidents of one stack hang together: one lane fails because another does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.domain.severity import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """The incident that this one is a symptom of, and the team that has it.

    `holds`: whoever has the cause has this too, so that nobody else is reminded.
    """

    incident: str
    lane: str
    team: str
    since: datetime
    holds: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptom:
    """Another lane that fails because of this incident's, one for each lane.

    `joined`: its alerts are counted with this incident. `incident` is the lane's own, where it
    has one. The rest is what the lane's own incident would be opened with: of the worst alert
    that joined, or of the incident that was there first.
    """

    lane: str
    title: str
    severity: Severity
    since: datetime
    joined: bool = False
    incident: str = ""
    summary: str = ""
    rule: str = ""
    trigger: str = ""
    runbook: str = ""
    reasons: tuple[str, ...] = ()
    no_rollback: str = ""
