"""`switchman rollback approve` and `reject`: deciding on the plan that is shown, and no other."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final

import typer

from shared.cli import data, plans
from shared.cli.ask import PATIENCE, TimeoutOption, carried_out, instruction, say, tell
from shared.cli.common import JsonOption, application, fail, print_json
from shared.cli.follow import follow, recovered
from shared.cli.found import rollback_named
from shared.cli.identity import AsOption, caller

if TYPE_CHECKING:
    from shared.bootstrap import Application
    from shared.cli.identity import Caller
    from shared.domain.data_rollback import DataPlan
    from shared.domain.incident import Incident
    from shared.domain.paging import Choice
    from shared.domain.rollback import Plan

Named = Annotated[str, typer.Argument(metavar="INCIDENT|STACK", help="Whose rollback.")]
PlanHash = Annotated[
    str, typer.Option("--plan", metavar="HASH", help="The plan you have seen; another is refused.")
]

_FOLLOW_SECONDS: Final = 1200.0
_SHORTENED: Final = 4
"""So many characters of a hash are meant as its beginning."""


def approve(
    named: Named,
    plan: PlanHash = "",
    who: AsOption = "",
    following: Annotated[
        bool, typer.Option("--follow", help="Stay until it is known whether it helped.")
    ] = False,
    timeout: TimeoutOption = PATIENCE,
    as_json: JsonOption = False,
) -> None:
    """Approve a rollback that is proposed: exactly the plan that is shown, and no other.

    Without --plan you are asked at the terminal. Exit 1 if refused; with --follow also if the
    services did not recover.
    """
    from shared.domain.paging import Choice

    switchman, incident = _decide(named, plan, who, timeout, Choice.APPROVE, as_json=as_json)
    if not following:
        return
    follow(switchman, incident, _FOLLOW_SECONDS, quiet=as_json)
    raise typer.Exit(0 if recovered(switchman, incident) else 1)


def reject(
    named: Named,
    plan: PlanHash = "",
    who: AsOption = "",
    timeout: TimeoutOption = PATIENCE,
    as_json: JsonOption = False,
) -> None:
    """Reject a rollback that is proposed; traffic stays where it is. Exit 1 if refused."""
    from shared.domain.paging import Choice

    _decide(named, plan, who, timeout, Choice.REJECT, as_json=as_json)


def _decide(
    named: str, seen: str, who: str, timeout: float, choice: Choice, *, as_json: bool
) -> tuple[Application, str]:
    """Show the plan as it stands, and have the decision on it carried out."""
    from shared.domain.data_rollback import DataPlan
    from shared.domain.rollback import Plan

    switchman = application()
    person = caller(switchman, who)
    incident = rollback_named(switchman, named)
    plan = _proposed(incident, named=bool(seen))
    if not as_json and isinstance(plan, Plan):
        plans.show_plan(plan)
    elif not as_json and isinstance(plan, DataPlan):
        data.show_plan(plan)
    if len(seen) >= _SHORTENED and plan.hash.startswith(seen) and plan.hash != seen:
        fail(f"--plan {seen} is how it begins; say all of it: --plan {plan.hash}")
    bound = seen or _seen(plan, choice, may_ask=not as_json and sys.stdin.isatty())
    told = instruction(switchman, person, choice)
    row = tell(switchman, replace(told, incident=incident.id, plan=bound), timeout)
    if as_json:
        print_json(plans.answer_as_json(switchman, row, incident))
    else:
        say(row, _done(switchman, incident.id, person, choice))
    if not carried_out(row):
        raise typer.Exit(1)
    return switchman, incident.id


def _proposed(incident: Incident, *, named: bool) -> Plan | DataPlan:
    """What is to be decided on; without anything the command ends.

    Who names a plan that is over is refused by the same words as in Slack, and stands in the audit.
    """
    wish, rollback = incident.data, incident.rollback
    if wish is not None and wish.plan is not None and not wish.phase.over:
        return wish.plan
    if rollback is None or rollback.plan is None:
        why = f": {rollback.why_not}" if rollback and rollback.why_not else ""
        fail(f"no rollback of incident {incident.id} is proposed{why}", 1)
    if rollback.phase.over and not named:
        fail(f"the {rollback.called} of incident {incident.id} is over: it is {rollback.phase}", 1)
    return rollback.plan


def _seen(plan: Plan | DataPlan, choice: Choice, *, may_ask: bool) -> str:
    """The hash of the plan that was shown just now, if the person means that one."""
    from shared.domain.paging import Choice

    if choice is Choice.APPROVE:
        if not may_ask:
            fail(f"nobody is there to be asked: say --plan {plan.hash} if you mean this one")
        typer.confirm("Approve exactly this plan?", abort=True, err=True)
    return plan.hash


def _done(switchman: Application, incident: str, caller: Caller, choice: Choice) -> str:
    """What the decision led to."""
    from shared.domain.data_phase import DataPhase
    from shared.domain.paging import Choice
    from shared.domain.rollback_phase import Phase

    who = caller.person.name
    if choice is Choice.REJECT:
        return f"{incident}: rejected by {who}; everything stays as it is"
    view = switchman.store.incident(incident)
    rollback = view.incident.rollback if view else None
    wish = view.incident.data if view else None
    waits = rollback and rollback.phase is Phase.PROPOSED
    if waits or (wish and wish.phase is DataPhase.PROPOSED):
        return f"{incident}: approved by {who}; somebody else has to approve it as well"
    return f"{incident}: approved by {who}; `switchman incidents show {incident}` tells how it goes"
