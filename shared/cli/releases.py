"""`switchman rollback release`: back to LATEST once the fix is out, without Slack."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from shared.cli import plans
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
    from shared.domain.incident import Incident
    from shared.domain.rollback import NoPlan, Plan


def release(
    stack: StackName = "",
    reason: ReasonOption = "",
    really: ApplyOption = False,
    again: Annotated[
        bool, typer.Option("--again", help="Also to an image that was rolled back from.")
    ] = False,
    who: AsOption = "",
    timeout: TimeoutOption = PATIENCE,
    as_json: JsonOption = False,
) -> None:
    """Put the services that a rollback left pinned back on LATEST. Somebody else has to approve.

    Without --apply the plan is shown and nothing is asked for. Exit 1 if refused, or if there
    is nothing to release.
    """
    from shared.domain.decide.releases import AGAIN, APPLY
    from shared.domain.paging import Choice
    from shared.domain.rollback import NoPlan

    switchman = application()
    stack = stack_named(switchman, stack)
    if really:
        reason = reason_of(reason, "why with --reason")
    plan = _survey(switchman, stack, again=again)
    if not really or isinstance(plan, NoPlan):
        _rehearsed(switchman, stack, plan, as_json=as_json)
    told = instruction(switchman, caller(switchman, who), Choice.RELEASE)
    options = (APPLY, *((AGAIN,) if again else ()))
    row = tell(switchman, replace(told, stack=stack, text=" ".join((*options, reason))), timeout)
    asked = _proposed(switchman, stack, timeout) if carried_out(row) else None
    if as_json:
        print_json(plans.answer_as_json(switchman, row, asked))
    elif not carried_out(row):
        say(row, "")
    elif asked is None:
        out.print("Asked for; `switchman incidents list` shows it once it is proposed.")
    else:
        plans.show_proposed(asked)
    raise typer.Exit(0 if asked else 1)


def _survey(switchman: Application, stack: str, *, again: bool) -> Plan | NoPlan:
    """The plan as the functions make it. Cloud Run validates it, and nothing is changed."""
    from shared.domain.action import PlanOrder
    from shared.domain.release import ReleaseAsk

    head, _ = switchman.store.load(stack)
    ask = ReleaseAsk(person="", again=again, pinned=head.pinned)
    order = PlanOrder(records=head.services, rolled_back=head.rolled_back, release=ask)
    with err.status(f"Asking Cloud Run what {stack} would be released to ..."):
        return switchman.make_plan.for_stack(stack, order)


def _rehearsed(switchman: Application, stack: str, plan: Plan | NoPlan, *, as_json: bool) -> None:
    """Show what --apply would ask for, or why there is nothing to ask for, and end."""
    from shared.domain.rollback import NoPlan
    from shared.wire import shown

    none = isinstance(plan, NoPlan)
    if as_json:
        why_not = plan.reason if isinstance(plan, NoPlan) else None
        made = None if isinstance(plan, NoPlan) else shown.plan(plan)
        print_json({"plan": made, "why_not": why_not})
    elif isinstance(plan, NoPlan):
        out.print(f"There is nothing to release: {plan.reason}", markup=False, soft_wrap=True)
    else:
        plans.show_plan(plan)
        out.print(
            "Nothing was asked for. With --apply this is proposed, and somebody else of"
            f" {switchman.policy.approver_names(stack)} has to approve it.",
            markup=False,
            soft_wrap=True,
        )
    raise typer.Exit(1 if none else 0)


def _proposed(switchman: Application, stack: str, timeout: float) -> Incident | None:
    """The incident in which the release is proposed, as soon as it is."""
    from shared.domain.rollback_phase import Phase

    def made() -> Incident | None:
        head, _ = switchman.store.load(stack)
        for each in head.incidents:
            wish = each.rollback
            if wish is not None and wish.release and wish.phase is Phase.PROPOSED:
                return each
        return None

    return wait(made, timeout, "Waiting for the plan ...")
