"""`switchman rollback data`: which snapshots there are, and asking to go back to one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.cli.ask import (
    PATIENCE,
    ApplyOption,
    ReasonOption,
    StackName,
    TimeoutOption,
    carried_out,
    instruction,
    say,
    tell,
    wait,
)
from shared.cli.common import JsonOption, application, err, out, print_json
from shared.cli.found import stack_named
from shared.cli.identity import AsOption, caller
from shared.cli.work import reason_of

if TYPE_CHECKING:
    from shared.bootstrap import Application
    from shared.domain.data_rollback import DataPlan
    from shared.domain.incident import Incident
    from shared.domain.rollback import NoPlan
    from shared.domain.snapshots import Weighed


@dataclass(frozen=True, slots=True)
class Survey:
    """A plan that nobody has asked for, and every snapshot that was weighed for it."""

    plan: DataPlan | NoPlan
    weighed: tuple[Weighed, ...]
    approvers: str

    @property
    def has_plan(self) -> bool:
        """Whether there is a snapshot to go back to."""
        from shared.domain.rollback import NoPlan

        return not isinstance(self.plan, NoPlan)

    def as_json(self) -> dict[str, Any]:
        """The same as people's programs read it."""
        from shared.domain.data_rollback import APPROVALS
        from shared.domain.rollback import NoPlan
        from shared.wire import shown_data

        plan = self.plan
        return {
            "plan": None if isinstance(plan, NoPlan) else shown_data.plan(plan),
            "why_not": plan.reason if isinstance(plan, NoPlan) else None,
            "snapshots": [shown_data.weighed(each) for each in self.weighed],
            "limits": {"approvals": APPROVALS, "approvers": self.approvers},
        }


def data(
    stack: StackName = "",
    snapshot: Annotated[
        str, typer.Option(help="Which snapshot; default the newest that qualifies.")
    ] = "",
    reason: ReasonOption = "",
    really: ApplyOption = False,
    who: AsOption = "",
    timeout: TimeoutOption = PATIENCE,
    as_json: JsonOption = False,
) -> None:
    """Go back to a snapshot of the data, once two others have approved it.

    Without --apply the snapshots are listed, the one that would be taken is verified, and nothing
    is asked for. Exit 1 if refused, or if no snapshot qualifies.
    """
    switchman = application()
    stack = stack_named(switchman, stack)
    if not really:
        _rehearse(switchman, stack, snapshot, as_json=as_json)
    from shared.domain.paging import Choice

    reason = reason_of(reason, "why with --reason")
    told = instruction(switchman, caller(switchman, who), Choice.DATA_ROLLBACK)
    row = tell(switchman, replace(told, stack=stack, text=reason, snapshot=snapshot), timeout)
    asked = _planned(switchman, stack, timeout) if carried_out(row) else None
    if as_json:
        from shared.wire import shown, shown_data

        wish = asked.data if asked else None
        answer = {"incident": asked.id if asked else None}
        known = shown_data.data(wish) if wish else None
        print_json({**answer, "data": known, "answer": shown.audit(row, switchman.policy)})
    elif not carried_out(row):
        say(row, "")
    else:
        _say_asked(asked)
    raise typer.Exit(0 if asked and asked.data and asked.data.plan else 1)


def show_plan(plan: DataPlan) -> None:
    """Print a plan as it is printed everywhere, and the whole hash."""
    from shared.domain.data_words import describe_data_plan

    for line in (*describe_data_plan(plan), f"Hash: {plan.hash}"):
        out.print(line, markup=False, soft_wrap=True)


def _survey(switchman: Application, stack: str, snapshot: str) -> Survey:
    """Weigh and verify as the functions do; nothing is changed."""
    from shared.domain.action import DataWish
    from shared.domain.data_rollback import approver_names
    from shared.domain.errors import Refused
    from shared.domain.rollback import NoPlan

    with err.status(f"Verifying what {stack} could go back to ..."):
        allowed = approver_names(switchman.policy, stack)
        try:
            weighed = switchman.propose_data.weighed(stack)
        except Refused as refused:
            return Survey(NoPlan(reason=str(refused)), (), allowed)
        plan = switchman.propose_data.for_stack(stack, DataWish(snapshot=snapshot))
    return Survey(plan, weighed, allowed)


def _rehearse(switchman: Application, stack: str, snapshot: str, *, as_json: bool) -> None:
    """Show what --apply would ask for, and end."""
    found = _survey(switchman, stack, snapshot)
    if as_json:
        print_json(found.as_json())
    else:
        _show(found)
    raise typer.Exit(0 if found.has_plan else 1)


def _show(found: Survey) -> None:
    from shared.domain.data_words import snapshot_in_words
    from shared.domain.rollback import NoPlan

    for each in found.weighed:
        verdict = each.why_not or (
            "qualifies" if each.chosen else "was exported before a data rollback: only by name"
        )
        out.print(f"{snapshot_in_words(each.snapshot)}: {verdict}", markup=False, soft_wrap=True)
    if isinstance(found.plan, NoPlan):
        out.print(f"There is no plan: {found.plan.reason}", markup=False, soft_wrap=True)
        return
    show_plan(found.plan)
    out.print(
        "Nothing was asked for. With --apply this is verified and proposed anew, and two others"
        f" of {found.approvers} have to approve it.",
        markup=False,
        soft_wrap=True,
    )


def _planned(switchman: Application, stack: str, timeout: float) -> Incident | None:
    """The incident that was asked for, once its snapshot is verified or refused."""
    from shared.domain.data_phase import DataPhase

    def made() -> Incident | None:
        head, _ = switchman.store.load(stack)
        asked = [(each.data.asked_at, each) for each in head.incidents if each.data]
        newest = max(asked, key=lambda pair: pair[0])[1] if asked else None
        settled = newest and newest.data and newest.data.phase is not DataPhase.VERIFYING
        return newest if settled else None

    return wait(made, timeout, "Waiting for the snapshot to be verified ...")


def _say_asked(asked: Incident | None) -> None:
    wish = asked.data if asked else None
    if asked is None or wish is None:
        text = "Asked for; its snapshot is still being verified: see `switchman incidents list`."
    elif wish.plan is None:
        text = f"No data rollback: {wish.detail}"
    else:
        show_plan(wish.plan)
        text = (
            f"Proposed in incident {asked.id}. Two others approve it in Slack, or with\n"
            f"  switchman rollback approve {asked.id} --plan {wish.plan.hash}"
        )
    out.print(text, markup=False, soft_wrap=True)
