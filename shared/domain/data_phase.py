"""The life of one data rollback, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from shared.domain.machine import Back, Machine, Refusal


class DataPhase(StrEnum):
    """How far a data rollback has got. `held`: nobody knows whether data was replaced."""

    VERIFYING = "verifying"
    PROPOSED = "proposed"
    EXPORTING = "exporting"
    IMPORTING = "importing"
    CHECKING = "checking"
    DONE = "done"
    FAILED = "failed"
    HELD = "held"
    REFUSED = "refused"
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"

    @property
    def over(self) -> bool:
        """Whether nothing more will be done about this data rollback."""
        return self not in (DataPhase.VERIFYING, DataPhase.PROPOSED, *_BUSY)

    @property
    def busy(self) -> bool:
        """Whether it was approved, and its actions are being done."""
        return self in _BUSY


_BUSY: Final = (DataPhase.EXPORTING, DataPhase.IMPORTING, DataPhase.CHECKING)


class DataStep(StrEnum):
    """What can happen to a data rollback."""

    VERIFIED = "snapshot verified"
    UNUSABLE = "snapshot unusable"
    APPROVE = "approve"
    REJECT = "reject"
    EXPIRE = "expire"
    WITHDRAW = "withdraw"
    EXPORTED = "present state exported"
    IMPORTED = "imported"
    HEALTHY = "healthy"
    FAIL = "fail"
    DOUBT = "nobody knows"


_Row = dict[DataStep, DataPhase | Back[DataPhase] | Refusal]
_ASKED: Final = (DataStep.APPROVE, DataStep.REJECT, DataStep.EXPIRE, DataStep.WITHDRAW)


def _row(default: Refusal, moves: Mapping[DataStep, DataPhase] | None = None) -> _Row:
    """A complete row: `default` refuses what people ask for, `NO_ROLLBACK_RUNNING` the rest."""
    none: Refusal = Refusal.NO_ROLLBACK_RUNNING
    row: _Row = {step: default if step in _ASKED else none for step in DataStep}
    row[DataStep.VERIFIED] = row[DataStep.UNUSABLE] = Refusal.NO_PLAN_ASKED
    row.update(moves or {})
    return row


DATA_ROLLBACK: Machine[DataPhase, DataStep] = Machine(
    name="data rollback",
    states=DataPhase,
    triggers=DataStep,
    table={
        DataPhase.VERIFYING: _row(
            Refusal.PLANNING,
            {
                DataStep.VERIFIED: DataPhase.PROPOSED,
                DataStep.UNUSABLE: DataPhase.REFUSED,
                DataStep.WITHDRAW: DataPhase.WITHDRAWN,
            },
        ),
        DataPhase.PROPOSED: _row(
            Refusal.NO_PROPOSAL,
            {
                DataStep.APPROVE: DataPhase.EXPORTING,
                DataStep.REJECT: DataPhase.REJECTED,
                DataStep.EXPIRE: DataPhase.EXPIRED,
                DataStep.WITHDRAW: DataPhase.WITHDRAWN,
            },
        ),
        DataPhase.EXPORTING: _row(
            Refusal.ALREADY_APPROVED,
            {DataStep.EXPORTED: DataPhase.IMPORTING, DataStep.FAIL: DataPhase.FAILED},
        ),
        DataPhase.IMPORTING: _row(
            Refusal.ALREADY_APPROVED,
            {
                DataStep.IMPORTED: DataPhase.CHECKING,
                DataStep.FAIL: DataPhase.FAILED,
                DataStep.DOUBT: DataPhase.HELD,
            },
        ),
        DataPhase.CHECKING: _row(
            Refusal.ALREADY_APPROVED,
            {DataStep.HEALTHY: DataPhase.DONE, DataStep.FAIL: DataPhase.FAILED},
        ),
        DataPhase.DONE: _row(Refusal.ROLLBACK_OVER),
        DataPhase.FAILED: _row(Refusal.ROLLBACK_OVER),
        DataPhase.HELD: _row(Refusal.ROLLBACK_OVER),
        DataPhase.REFUSED: _row(Refusal.NO_PROPOSAL),
        DataPhase.REJECTED: _row(Refusal.ALREADY_REJECTED),
        DataPhase.EXPIRED: _row(Refusal.PLAN_EXPIRED),
        DataPhase.WITHDRAWN: _row(Refusal.NOTHING_FIRES),
    },
)
