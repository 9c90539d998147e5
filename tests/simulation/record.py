"""What was committed, kept beside the store, so that the store need not be asked about itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace

from shared.domain.action import Action, Outcome
from shared.domain.alert import AlertRow, AlertStatus
from shared.domain.decision import (
    AuditRow,
    DrillRow,
    IncidentRow,
    MovedAlert,
    RejectedRow,
    TimelineRow,
)
from shared.domain.event import Instruction, Timer
from shared.domain.incident import Incident, stack_of
from shared.domain.stack import Stack
from shared.ports import Commit


def timers_after(timers: Mapping[str, Timer], commit: Commit) -> dict[str, Timer]:
    """The timers that wait once this is written."""
    cleared = {timer.id: timer for timer in commit.cleared}
    left = {name: each for name, each in timers.items() if cleared.get(name) != each}
    return {**left, **{timer.id: timer for timer in commit.timers}}


class Record:
    """Every commit that was written, taken in, in order."""

    def __init__(self) -> None:
        self.events: set[str] = set()
        self.heads: dict[str, Stack] = {}
        self.closed: dict[str, Incident] = {}
        self.alerts: dict[str, AlertRow] = {}
        self.firing: defaultdict[str, set[str]] = defaultdict(set)
        self.timeline: dict[str, TimelineRow] = {}
        self.drills: dict[str, DrillRow] = {}
        self.rejected: dict[str, RejectedRow] = {}
        self.actions: dict[str, Action] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.instructions: dict[str, Instruction] = {}
        self.audit: dict[str, AuditRow] = {}
        self.timers: dict[str, Timer] = {}
        self.latches = self.proven = 0

    def take(self, commit: Commit) -> None:
        """This was written."""
        self.events.add(commit.event)
        self.timers = timers_after(self.timers, commit)
        if commit.stack is not None:
            self._take_ledger(commit.stack)
            self.heads[commit.stack_id] = commit.stack
        for row in commit.rows:
            match row:
                case AlertRow() | MovedAlert():
                    self._take_alert(row)
                case TimelineRow():
                    self.timeline[row.id] = row
                case IncidentRow(incident=incident):
                    self.closed[incident.id] = incident
                case DrillRow():
                    self.drills[row.id] = row
                case RejectedRow():
                    self.rejected[row.id] = row
                case AuditRow():
                    self.audit[row.id] = row
        self.actions.update({action.id: action for action in commit.actions})
        if commit.settles is not None:
            self.outcomes[commit.settles.action] = commit.settles.outcome

    def _take_ledger(self, stack: Stack) -> None:
        """Count the latches, and what proved itself."""
        before = self.heads.get(stack.id)
        for record in stack.services:
            known = before.record(record.service) if before else None
            self.latches += record.latch is not None and (known is None or known.latch is None)
            self.proven += len(set(record.good) - set(known.good if known else ()))

    def _take_alert(self, row: AlertRow | MovedAlert) -> None:
        if isinstance(row, MovedAlert):
            self._move(row)
            return
        known = self.alerts.get(row.id)
        if known is not None:
            row = known.told_as(row) or known
            self.firing[known.incident].discard(row.id)
        self.alerts[row.id] = row
        fires = row.status is AlertStatus.FIRING
        (self.firing[row.incident].add if fires else self.firing[row.incident].discard)(row.id)

    def _move(self, row: MovedAlert) -> None:
        """A person said that the alert belongs to another incident."""
        known = self.alerts[row.id]
        self.firing[known.incident].discard(row.id)
        self.alerts[row.id] = replace(known, incident=row.incident, lane=row.lane)
        if known.status is AlertStatus.FIRING:
            self.firing[row.incident].add(row.id)

    def firing_of(self, stack: str) -> Iterator[tuple[str, AlertRow]]:
        """Every alert of the stack that fires and went to an incident, by its id."""
        for incident, rows in self.firing.items():
            if incident and stack_of(incident) == stack:
                yield from ((each, self.alerts[each]) for each in rows)

    def incident(self, incident_id: str) -> Incident | None:
        """The incident as it is, or as it was when it was closed."""
        for head in self.heads.values():
            found = head.incident(incident_id)
            if found is not None:
                return found
        return self.closed.get(incident_id)

    def incidents(self) -> list[Incident]:
        """All of them, open and closed."""
        return [*(i for head in self.heads.values() for i in head.incidents), *self.closed.values()]

    def story(self, incident_id: str) -> list[TimelineRow]:
        """The incident's timeline by time; what happened at once, as it was written."""
        rows = [row for row in self.timeline.values() if row.incident == incident_id]
        return sorted(rows, key=lambda row: row.at)

    def unsettled(self) -> list[Action]:
        """Actions that are not done."""
        return [action for action in self.actions.values() if action.id not in self.outcomes]
