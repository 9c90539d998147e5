"""Staying with an incident whose rollback was approved, until it is known whether it helped."""

from __future__ import annotations

import time
from datetime import UTC
from typing import TYPE_CHECKING, Final

from shared.cli.common import err, out
from shared.domain.data_phase import DataPhase
from shared.domain.rollback import Verdict

if TYPE_CHECKING:
    from shared.bootstrap import Application
    from shared.domain.incident import Incident

_POLL_SECONDS: Final = 0.5


def follow(switchman: Application, incident: str, timeout: float, *, quiet: bool) -> None:
    """Print what happens in the incident as it happens, until its rollback has a verdict."""
    until = time.monotonic() + timeout
    told: set[str] = set()
    with err.status("Rolling back ..."):
        while time.monotonic() < until:
            known = _known(switchman, incident)
            for row in switchman.store.timeline(incident):
                if row.id not in told and not quiet:
                    said = f"{row.at.astimezone(UTC):%H:%M:%S}  {row.text}"
                    out.print(said, markup=False, soft_wrap=True)
                told.add(row.id)
            if known is None or _ended(known):
                return
            time.sleep(_POLL_SECONDS)


def recovered(switchman: Application, incident: str) -> bool:
    """Whether the incident's rollback, of data or else of traffic, helped."""
    known = _known(switchman, incident)
    if known is None:
        return False
    if _data_is_newer(known):
        return known.data is not None and known.data.phase is DataPhase.DONE
    return known.rollback is not None and known.rollback.verdict is Verdict.RECOVERED


def _ended(incident: Incident) -> bool:
    if _data_is_newer(incident):
        return incident.data is None or incident.data.phase.over
    return incident.rollback is None or incident.rollback.verdict is not None


def _data_is_newer(incident: Incident) -> bool:
    """Whether what was asked for last is a rollback of data."""
    data, rollback = incident.data, incident.rollback
    return data is not None and (rollback is None or rollback.asked_at <= data.asked_at)


def _known(switchman: Application, incident: str) -> Incident | None:
    view = switchman.store.incident(incident)
    return view.incident if view else None
