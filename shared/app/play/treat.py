"""Recorded alerts, played: how each of them is treated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Final

from shared.app.play.play import Play
from shared.domain.alert import AlertStatus
from shared.domain.comparison import Change, Treatment, compare
from shared.domain.decision import Reason
from shared.domain.incident import Incident
from shared.domain.play import Answered
from shared.domain.rollback_phase import Phase

_AT_ONCE: Final = timedelta(minutes=1)
_OPENS: Final = (Reason.OPENED, Reason.REOPENED)


def changes(old: Play, new: Play) -> Iterator[Change]:
    """What differs between two plays of one recording, alert by alert."""
    before, after = _incidents(old), _incidents(new)
    for first, second in zip(_told(old), _told(new), strict=True):
        change = compare(
            first.line,
            first.alert.title,
            first.alert.severity,
            _treatment(first, before.get(first.incident)),
            _treatment(second, after.get(second.incident)),
        )
        if change is not None:
            yield change


def _told(of: Play) -> Iterable[Answered]:
    """The first word of each alert: that it fires."""
    seen: set[str] = set()
    for each in of.answered:
        if each.alert.status is AlertStatus.FIRING and each.alert.row_id not in seen:
            seen.add(each.alert.row_id)
            yield each


def _incidents(of: Play) -> Mapping[str, Incident]:
    return {each.id: each for each in of.incidents()}


def _treatment(told: Answered, incident: Incident | None) -> Treatment:
    """Who has been called by the minute after the alert; if nobody, who is the first after that."""
    woke = (page for page in (incident.pages if incident else ()) if page.wakes)
    pages = sorted(woke, key=lambda page: page.decided_at)
    soon = [page for page in pages if page.decided_at <= told.at + _AT_ONCE]
    first = soon or pages[:1]
    return Treatment(
        lane=told.found.lane,
        stack=told.found.stack,
        severity=told.found.severity,
        reasons=told.found.reasons,
        paged=tuple(dict.fromkeys(page.person for page in first)),
        waited=max(timedelta(), first[0].decided_at - told.at) if first else timedelta(),
        rollback=_rollback(told, incident),
    )


def _rollback(told: Answered, incident: Incident | None) -> str:
    rollback = incident.rollback if incident and told.reason in _OPENS else None
    if rollback is None:
        return "none"
    return "unavailable" if rollback.phase is Phase.UNAVAILABLE else rollback.mode.value
