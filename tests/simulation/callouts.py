"""Nobody is forgotten: what is open has a timer, and what was held back a page to come."""

from __future__ import annotations

from collections.abc import Iterator

from shared.domain.event import TimerKind
from shared.domain.incident_state import OVER, State
from shared.domain.stack import Stack
from shared.ports import Commit
from tests.simulation.record import Record, timers_after

Wrong = tuple[str, str]


def forgotten(commit: Commit, record: Record) -> Iterator[Wrong]:
    """What this commit leaves without anybody who would be paged about it, sooner or later."""
    head = commit.stack or record.heads.get(commit.stack_id) or Stack(id=commit.stack_id)
    timers = timers_after(record.timers, commit)
    for incident in head.incidents:
        waits = f"{incident.id}:{TimerKind.REMIND}" in timers
        if incident.state is State.OPEN and not waits:
            yield "an open incident nobody has always has a page to come", incident.id
        if incident.held and incident.state not in OVER and not waits:
            yield "a page that is held back follows", incident.id
