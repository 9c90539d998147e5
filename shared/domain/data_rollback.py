"""A data rollback as data: what replaces what, who agreed to it, and how far it has got."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from shared.domain.approval import Approval
from shared.domain.data_phase import DATA_ROLLBACK, DataPhase, DataStep
from shared.domain.ids import derive
from shared.domain.machine import Back, Refusal
from shared.domain.snapshots import Snapshot

if TYPE_CHECKING:
    from shared.domain.policy import Person, Policy

APPROVALS: Final = 2
"""So many people have to approve a data rollback, never whoever asked; no policy makes it fewer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPlan:
    """All data of a stack is replaced by one verified snapshot. Traffic is not touched.

    `asked_by` and `reason` are who asked and why, `checks` the health checks in words; `notes`
    is what people should know besides. `made_by` is the action that made it: no two plans are one,
    also where a clock stands still.
    """

    stack: str
    source: str
    snapshot: Snapshot
    verified_at: datetime
    made_at: datetime
    expires_at: datetime
    asked_by: str = ""
    reason: str = ""
    checks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    made_by: str = ""

    @property
    def hash(self) -> str:
        """What an approval is bound to: the snapshot's digest, and the moment of this plan."""
        s = self.snapshot
        facts = (s.id, s.digest, str(s.size), str(s.format), str(self.verified_at))
        when = str(self.made_at)
        return derive("data", self.stack, self.source, self.made_by, when, *facts, length=24)

    @property
    def export_key(self) -> str:
        """Names the export of the present state, so that it is made once for this plan."""
        return f"{self.hash}-export"

    @property
    def import_key(self) -> str:
        """Names the import, so that it is begun at most once for this plan."""
        return f"{self.hash}-import"


class DataResult(StrEnum):
    """How one step ended. `refused`: nothing was changed. `failed`: it was tried, and says so."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataOutcome:
    """How an export, an import, or the checks after it ended."""

    result: DataResult
    detail: str
    export: Snapshot | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRollback:
    """One data rollback of an incident's stack, from the wish to its end.

    `action` is the one under way: the end of any other counts for nothing. `snapshot` is what was
    asked for, empty for the newest that qualifies. `export` is the state that it replaced.
    """

    phase: DataPhase
    asked_at: datetime
    requested_by: str
    reason: str
    action: str = ""
    snapshot: str = ""
    plan: DataPlan | None = None
    approvals: tuple[Approval, ...] = ()
    approved_at: datetime | None = None
    export: Snapshot | None = None
    imported_at: datetime | None = None
    ended_at: datetime | None = None
    detail: str = ""

    def step(self, step: DataStep) -> DataRollback | Refusal:
        """This data rollback one step further, or why not."""
        answer = DATA_ROLLBACK.next(self.phase, step)
        if isinstance(answer, Refusal):
            return answer
        assert not isinstance(answer, Back)
        return replace(self, phase=answer)


def approvers(policy: Policy, stack: str, at: datetime) -> tuple[Person, ...]:
    """Everyone who may approve a data rollback of the stack `at`; whoever is on call then first."""
    return policy.of_teams(approver_teams(policy, stack), at)


def approver_names(policy: Policy, stack: str) -> str:
    """The teams that may, as people call them."""
    return (
        " or ".join(policy.teams[team].name for team in approver_teams(policy, stack)) or "nobody"
    )


def living(policy: Policy, stack: str, data: DataRollback) -> tuple[Approval, ...]:
    """The approvals that count: of different people who might by the policy, and did not ask."""
    first = {approval.by: approval for approval in reversed(data.approvals)}
    return tuple(
        each
        for each in data.approvals
        if first[each.by] is each
        and each.by != data.requested_by
        and each.by in {person.id for person in approvers(policy, stack, each.at)}
    )


def approver_teams(policy: Policy, stack: str) -> tuple[str, ...]:
    """The teams whose members may: those of `data`, or else those of `rollback`."""
    rules = policy.stack(stack)
    own = rules.data.approvers if rules.data is not None else ()
    return own or rules.rollback.approvers
