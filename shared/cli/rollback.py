"""`switchman rollback`: the plan, asking for it, and deciding on it, without Slack."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from shared.cli import data, decisions, plans, releases
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
from shared.cli.common import JsonOption, application, out, print_json
from shared.cli.found import stack_named
from shared.cli.identity import AsOption, caller
from shared.cli.work import reason_of

if TYPE_CHECKING:
    from shared.bootstrap import Application
    from shared.domain.incident import Incident

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _root() -> None:
    """Plan, ask for, and decide on rollbacks, also while Slack is down."""


@app.command(epilog="Example: switchman rollback plan convex --json")
def plan(stack: StackName = "", as_json: JsonOption = False) -> None:
    """What a rollback would do, service by service. Asks Cloud Run and changes nothing.

    Every revision that was weighed is listed with what speaks for it or against it. Cloud Run
    validates each change, so that a missing permission shows here. Exit 1 if there is no plan.
    """
    switchman = application()
    found = plans.survey(switchman, stack_named(switchman, stack))
    if as_json:
        print_json(found.as_json())
    else:
        plans.show(found)
    raise typer.Exit(0 if found.has_plan else 1)


@app.command(
    epilog="Example: switchman rollback apply convex --reason 'answers 500 since noon' --apply"
)
def apply(
    stack: StackName = "",
    reason: ReasonOption = "",
    really: ApplyOption = False,
    who: AsOption = "",
    timeout: TimeoutOption = PATIENCE,
    as_json: JsonOption = False,
) -> None:
    """Ask for a rollback, which somebody else has to approve. Moves no traffic by itself.

    Without --apply the plan is shown and nothing is asked for. Exit 1 if refused, or if there
    is nothing to roll back to.
    """
    from shared.domain.paging import Choice

    switchman = application()
    stack = stack_named(switchman, stack)
    reason = reason_of(reason, "why with --reason")
    if not really:
        _rehearse(switchman, stack, as_json=as_json)
    told = instruction(switchman, caller(switchman, who), Choice.ROLLBACK)
    row = tell(switchman, replace(told, stack=stack, text=reason), timeout)
    asked = _planned(switchman, stack, timeout) if carried_out(row) else None
    proposed = asked is not None and asked.rollback is not None and asked.rollback.plan is not None
    if as_json:
        print_json(plans.answer_as_json(switchman, row, asked))
    elif not carried_out(row):
        say(row, "")
    elif asked is None:
        out.print("Asked for; its plan is still being made: `switchman incidents list` shows it.")
    else:
        _say_proposed(asked)
    raise typer.Exit(0 if proposed else 1)


app.command(epilog="Example: switchman rollback approve convex-3f09ab12cd --plan 0d2f... --follow")(
    decisions.approve
)
app.command(epilog="Example: switchman rollback reject convex-3f09ab12cd")(decisions.reject)


app.command(epilog="Example: switchman rollback data convex --snapshot known-good --json")(
    data.data
)


@app.command(epilog="Example: switchman rollback unlatch convex oa-convex-backend-nonprod")
def unlatch(
    stack: Annotated[str, typer.Argument(help="The stack.")],
    service: Annotated[str, typer.Argument(help="The service that a person took over.")],
    who: AsOption = "",
    timeout: TimeoutOption = PATIENCE,
    as_json: JsonOption = False,
) -> None:
    """Hand a service back to Switchman whose traffic a person changed. Exit 1 if refused."""
    from shared.domain.paging import Choice
    from shared.wire import shown

    switchman = application()
    told = instruction(switchman, caller(switchman, who), Choice.UNLATCH)
    told = replace(told, stack=stack_named(switchman, stack), text=service)
    row = tell(switchman, told, timeout)
    if as_json:
        print_json(shown.audit(row, switchman.policy))
    else:
        say(row, f"{service} is handed back")
    raise typer.Exit(0 if carried_out(row) else 1)


app.command(epilog="Example: switchman rollback release convex --reason '1.4.2 is out' --apply")(
    releases.release
)


def _rehearse(switchman: Application, stack: str, *, as_json: bool) -> None:
    """Show what --apply would ask for, and end."""
    found = plans.survey(switchman, stack)
    if as_json:
        print_json(found.as_json())
    else:
        plans.show(found)
        allowed = switchman.policy.approver_names(stack)
        out.print(
            "Nothing was asked for. With --apply this is proposed, and somebody else of"
            f" {allowed} has to approve it.",
            markup=False,
            soft_wrap=True,
        )
    raise typer.Exit(0 if found.has_plan else 1)


def _planned(switchman: Application, stack: str, timeout: float) -> Incident | None:
    """The incident that was asked for, once it is known what it could be rolled back to."""
    from shared.domain.rollback import RollbackMode
    from shared.domain.rollback_phase import Phase

    def made() -> Incident | None:
        head, _ = switchman.store.load(stack)
        asked = [
            (each.rollback.asked_at, each)
            for each in head.incidents
            if each.rollback and each.rollback.mode is RollbackMode.MANUAL
        ]
        newest = max(asked, key=lambda pair: pair[0])[1] if asked else None
        settled = newest and newest.rollback and newest.rollback.phase is not Phase.PLANNING
        return newest if settled else None

    return wait(made, timeout, "Waiting for the plan ...")


def _say_proposed(asked: Incident) -> None:
    rollback = asked.rollback
    if rollback is None or rollback.plan is None:
        why = rollback.why_not if rollback else ""
        out.print(f"No rollback: {why}", markup=False, soft_wrap=True)
        return
    plans.show_proposed(asked)
