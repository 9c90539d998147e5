"""Staying with an incident whose rollback was approved, until it is known whether it helped."""

from __future__ import annotations

import time
from datetime import UTC
from typing import TYPE_CHECKING, Final

from shared.cli.common import err, out
from shared.domain.rollback import Verdict

if TYPE_CHECKING:
    from shared.bootstrap import Application
    from shared.domain.incident import Rollback

_POLL_SECONDS: Final = 0.5


def follow(switchman: Application, incident: str, timeout: float, *, quiet: bool) -> None:
    """Print what happens in the incident as it happens, until its rollback has a verdict."""
    until = time.monotonic() + timeout
    told: set[str] = set()
    with err.status("Rolling back ..."):
        while time.monotonic() < until:
            rollback = _rollback(switchman, incident)
            for row in switchman.store.timeline(incident):
                if row.id not in told and not quiet:
                    said = f"{row.at.astimezone(UTC):%H:%M:%S}  {row.text}"
                    out.print(said, markup=False, soft_wrap=True)
                told.add(row.id)
            if rollback is None or rollback.verdict is not None:
                return
            time.sleep(_POLL_SECONDS)


def recovered(switchman: Application, incident: str) -> bool:
    """Whether the incident's rollback helped."""
    rollback = _rollback(switchman, incident)
    return rollback is not None and rollback.verdict is Verdict.RECOVERED


def _rollback(switchman: Application, incident: str) -> Rollback | None:
    view = switchman.store.incident(incident)
    return view.incident.rollback if view else None
