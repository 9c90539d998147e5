"""The life of one rollback, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from shared.domain.machine import Back, Machine, Refusal


class Phase(StrEnum):
    """How far a rollback has got."""

    PLANNING = "planning"
    PROPOSED = "proposed"
    APPLYING = "applying"
    RESTORING = "restoring"
    APPLIED = "applied"
    UNDONE = "undone"
    HELD = "held"
    REJECTED = "rejected"
    EXPIRED = "expired"
    UNAVAILABLE = "unavailable"
    WITHDRAWN = "withdrawn"

    @property
    def over(self) -> bool:
        """Whether nothing more will be done about this rollback."""
        return self not in _LIVE

    @property
    def may_be_wished_again(self) -> bool:
        """Whether traffic was never touched, so that a new alert may ask for a new plan."""
        return self in (Phase.EXPIRED, Phase.UNAVAILABLE, Phase.WITHDRAWN)

    @property
    def busy(self) -> bool:
        """Whether traffic is being moved."""
        return self in (Phase.APPLYING, Phase.RESTORING)

    @property
    def tried(self) -> bool:
        """Whether traffic was to be moved, and that is over, however it ended."""
        return self in (Phase.APPLIED, Phase.UNDONE, Phase.HELD)


_LIVE = frozenset({Phase.PLANNING, Phase.PROPOSED, Phase.APPLYING, Phase.RESTORING})


class Step(StrEnum):
    """What can happen to a rollback."""

    PLAN_READY = "plan ready"
    NO_PLAN = "no plan"
    APPROVE = "approve"
    REJECT = "reject"
    EXPIRE = "expire"
    WITHDRAW = "withdraw"
    MOVED = "all moved"
    PARTIAL = "some refused"
    UNWELL = "moved and not well"
    NOTHING_MOVED = "nothing moved"
    LEFT = "left alone"
    RESTORED = "restored"


_Row = dict[Step, Phase | Back[Phase] | Refusal]


def _row(default: Refusal, moves: Mapping[Step, Phase | Refusal]) -> _Row:
    """A complete row: `default` refuses what people ask for, `NO_ROLLBACK_RUNNING` the rest."""
    asked = (Step.APPROVE, Step.REJECT, Step.EXPIRE, Step.WITHDRAW)
    row: _Row = {step: default if step in asked else Refusal.NO_ROLLBACK_RUNNING for step in Step}
    row[Step.PLAN_READY] = row[Step.NO_PLAN] = Refusal.NO_PLAN_ASKED
    row.update(moves)
    return row


ROLLBACK: Machine[Phase, Step] = Machine(
    name="rollback",
    states=Phase,
    triggers=Step,
    table={
        Phase.PLANNING: _row(
            Refusal.PLANNING,
            {
                Step.PLAN_READY: Phase.PROPOSED,
                Step.NO_PLAN: Phase.UNAVAILABLE,
                Step.WITHDRAW: Phase.WITHDRAWN,
            },
        ),
        Phase.PROPOSED: _row(
            Refusal.NO_PROPOSAL,
            {
                Step.APPROVE: Phase.APPLYING,
                Step.REJECT: Phase.REJECTED,
                Step.EXPIRE: Phase.EXPIRED,
                Step.WITHDRAW: Phase.WITHDRAWN,
            },
        ),
        Phase.APPLYING: _row(
            Refusal.ALREADY_APPROVED,
            {
                Step.MOVED: Phase.APPLIED,
                Step.PARTIAL: Phase.RESTORING,
                Step.UNWELL: Phase.RESTORING,
                Step.NOTHING_MOVED: Phase.UNDONE,
                Step.LEFT: Phase.HELD,
            },
        ),
        Phase.RESTORING: _row(
            Refusal.ROLLBACK_RUNNING,
            {Step.RESTORED: Phase.UNDONE, Step.LEFT: Phase.HELD},
        ),
        Phase.APPLIED: _row(Refusal.ROLLBACK_OVER, {}),
        Phase.UNDONE: _row(Refusal.ROLLBACK_OVER, {}),
        Phase.HELD: _row(Refusal.ROLLBACK_OVER, {}),
        Phase.REJECTED: _row(Refusal.ALREADY_REJECTED, {}),
        Phase.EXPIRED: _row(Refusal.PLAN_EXPIRED, {}),
        Phase.UNAVAILABLE: _row(Refusal.NO_PROPOSAL, {}),
        Phase.WITHDRAWN: _row(Refusal.NOTHING_FIRES, {}),
    },
)
