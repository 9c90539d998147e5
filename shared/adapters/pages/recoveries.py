"""Recovery times against their target: those of real rollbacks, and those of drills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.domain.policy import Policy

_SHOWN: Final = 8
_LEAST: Final = 0.6
"""No bar is narrower than this share of the picture, or it could not be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """One measured RTO against its target, in seconds, on an axis of `axis` seconds.

    `incident` is the id of the incident that was recovered from, empty for a drill.
    """

    what: str
    stack: str
    at: str
    seconds: float
    target: float
    axis: float
    incident: str = ""

    @property
    def in_time(self) -> bool:
        """Whether the target was met."""
        return self.seconds <= self.target

    @property
    def width(self) -> float:
        """The bar's share of the axis, in percent."""
        return max(round(self.seconds / self.axis * 100, 2), _LEAST)

    @property
    def target_x(self) -> float:
        """Where the target is on the axis, in percent."""
        return round(self.target / self.axis * 100, 2)


def recoveries(
    policy: Policy, incidents: Sequence[dict[str, Any]], drills: Sequence[dict[str, Any]]
) -> tuple[Recovery, ...]:
    """The newest recoveries whose time was measured, newest first, all on one axis."""
    measured = [*_of_incidents(policy, incidents), *_of_drills(drills)]
    measured.sort(key=lambda facts: str(facts["at"]), reverse=True)
    del measured[_SHOWN:]
    axis = max((max(f["seconds"], f["target"] * 1.15) for f in measured), default=1.0)
    return tuple(Recovery(axis=axis, **facts) for facts in measured)


def _of_incidents(policy: Policy, incidents: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "what": f"{rollback['mode']} rollback",
            "stack": incident["stack"],
            "at": rollback["started_at"],
            "seconds": rollback["rto_seconds"],
            "target": policy.stack(incident["stack"]).rollback.rto_target.total_seconds(),
            "incident": incident["id"],
        }
        for incident in incidents
        if (rollback := incident["rollback"])
        and rollback["rto_seconds"] is not None
        and not rollback["release"]
    ]


def _of_drills(drills: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "what": f"{drill['drill']} drill",
            "stack": drill["stack"],
            "at": drill["at"],
            "seconds": drill["rto_seconds"],
            "target": drill["target_seconds"],
        }
        for drill in drills
        if drill["rto_seconds"] is not None
    ]
