"""What must hold of data: who allowed its replacement, what was exported before, how often it was sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from shared.domain.action import Action, ActionKind, DataOrder
from shared.domain.data_phase import DataPhase
from shared.domain.data_rollback import DataOutcome, DataPlan, DataResult
from shared.domain.decision import Reason
from shared.domain.errors import UnknownOutcome
from shared.domain.incident import Incident
from shared.domain.paging import Choice, PageStep
from shared.domain.snapshots import Snapshot
from tests.simulation.record import Record
from tests.simulation.schedule import Worker
from tests.simulation.shop import PEOPLE, may_approve_data, slack

Wrong = tuple[str, str]
UNAPPROVED: Final = "no data is replaced without two approvals of others for that snapshot"
SENT_AGAIN: Final = "an import that may have been begun is not asked for again"
_PAGES: Final = {DataPhase.FAILED: PageStep.DATA_FAILED, DataPhase.HELD: PageStep.DATA_HELD}


class Restores:
    """Every request to replace data, judged by what is recorded."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._maybe: set[str] = set()

    def wrong_to_ask(
        self, worker: Worker, snapshot: Snapshot, key: str, now: datetime
    ) -> Iterator[Wrong]:
        """Every invariant that asking for this breaks."""
        action = self._record.actions[worker.action]
        order = action.order
        assert isinstance(order, DataOrder)
        if action.kind is not ActionKind.IMPORT_DATA or action.not_after is None:
            yield "only an import replaces data", action.id
        elif now > action.not_after:
            yield "no import is begun after its approval has run out", action.id
        if not self._exported(action, order):
            yield "the present state is exported before data is replaced", action.id
        if len(self._approvers(action, order.plan)) < 2 or snapshot != order.plan.snapshot:
            yield UNAPPROVED, action.id
        if key in self._maybe:
            yield SENT_AGAIN, action.id
        self._maybe.add(key)

    def failed(self, key: str, error: Exception) -> None:
        """The request came back with an error: unless nobody knows, nothing was begun."""
        if not isinstance(error, UnknownOutcome):
            self._maybe.discard(key)

    def wrong_in_the_end(self) -> Iterator[Wrong]:
        """Every data rollback has come to an end, and whoever has to look at it was paged."""
        for incident in self._record.incidents():
            data = incident.data
            if data is None:
                continue
            if not data.phase.over:
                yield "a data rollback comes to an end", f"{incident.id} is {data.phase}"
            wanted = _PAGES.get(data.phase)
            if wanted and not _paged(incident, wanted):
                yield "no data rollback fails without a page", incident.id

    def _exported(self, action: Action, order: DataOrder) -> bool:
        """Whether an export of this plan ended well, and made what the import names."""
        made = [
            outcome.export
            for other, outcome in self._record.outcomes.items()
            if isinstance(outcome, DataOutcome)
            and outcome.result is DataResult.DONE
            and self._record.actions[other].kind is ActionKind.EXPORT_DATA
            and _plan_of(self._record.actions[other]) == order.plan
        ]
        return order.export is not None and order.export in made

    def _approvers(self, action: Action, plan: DataPlan) -> set[str]:
        """Who approved this plan, may, and did not ask for it."""
        incident = self._record.incident(action.incident)
        asked = incident.data.requested_by if incident and incident.data else ""
        return {
            row.person
            for row in self._record.audit.values()
            if row.choice is Choice.APPROVE
            and row.plan == plan.hash
            and row.answer == Reason.CARRIED_OUT.value
            and row.person in _allowed(row.at) - {slack(asked)}
        }


def _allowed(at: datetime) -> set[str]:
    return {slack(person) for person in PEOPLE if may_approve_data(person, at)}


def _plan_of(action: Action) -> DataPlan | None:
    return action.order.plan if isinstance(action.order, DataOrder) else None


def _paged(incident: Incident, step: PageStep) -> bool:
    return any(page.step is step for page in incident.pages)
