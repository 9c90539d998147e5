"""`switchman drill`: the same drill as the scheduled one, started by hand."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from shared.cli.common import JsonOption, application, err, fail, out, print_json
from shared.cli.found import stack_named
from shared.cli.identity import AsOption, caller

if TYPE_CHECKING:
    from shared.bootstrap import Application
    from shared.domain.decision import DrillRow

app = typer.Typer(no_args_is_help=True)

_POLL_SECONDS: Final = 0.2


@app.callback()
def _root() -> None:
    """Drills that keep the way back honest."""


@app.command(
    epilog="Example: switchman drill rollback --stack convex --apply --as ines --report drill.md"
)
def rollback(
    stack: Annotated[str, typer.Option(help="The stack; may be left out if there is one.")] = "",
    apply: Annotated[
        bool, typer.Option("--apply", help="Move traffic and put it back; default is a plan only.")
    ] = False,
    who: AsOption = "",
    report: Annotated[Path | None, typer.Option(help="Write the Markdown report here.")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the result.")] = 600.0,
    as_json: JsonOption = False,
) -> None:
    """Drill the rollback of a stack. Exit 0 for PASS, 1 for FAIL or refused."""
    from shared.domain.evidence import drill_markdown
    from shared.wire import shown

    if report is not None and not report.parent.is_dir():
        fail(f"--report: there is no folder {report.parent}")
    switchman = application()
    stack = stack_named(switchman, stack, "--stack")
    asked_by = _person(switchman, stack, who, apply=apply)
    row = _run(switchman, stack, asked_by, apply=apply, timeout=timeout)
    if report is not None:
        report.write_text(drill_markdown(row))
        err.print(f"The report is in {report}.", markup=False)
    if as_json:
        print_json(shown.drill(row))
    else:
        out.print(drill_markdown(row), markup=False, soft_wrap=True)
    raise typer.Exit(0 if row.passed else 1)


def _person(switchman: Application, stack: str, who: str, *, apply: bool) -> str:
    """Who asks. Only those who may approve rollbacks may have a drill move traffic."""
    now = datetime.now(UTC)
    allowed = ", ".join(p.id for p in switchman.policy.approvers(stack, now))
    if not who and not apply:
        return "the command line"
    if not who and switchman.settings.sqlite is not None:
        fail(f"--apply moves traffic: say who you are with --as, one of {allowed}")
    person = caller(switchman, who).person
    if apply and not switchman.policy.may_approve(stack, person, now):
        fail(f"--apply moves traffic, which {person.name} may not; it takes one of {allowed}")
    return person.name


def _run(
    switchman: Application, stack: str, asked_by: str, *, apply: bool, timeout: float
) -> DrillRow:
    from shared.domain.event import DrillDue
    from shared.domain.ids import derive

    now = datetime.now(UTC)
    event = DrillDue(
        id=derive("drill", stack, asked_by, now.isoformat()),
        stack=stack,
        drill="rollback",
        asked_by=asked_by,
        apply=apply,
    )
    switchman.handle(event)
    until = time.monotonic() + timeout
    with err.status(f"Drilling the rollback of {stack} ..."):
        while not (found := _finished(switchman, event.drill_id)):
            if time.monotonic() > until:
                fail(f"no result after {timeout:.0f} s; it goes on, see /status", 1)
            time.sleep(_POLL_SECONDS)
    return found


def _finished(switchman: Application, drill: str) -> DrillRow | None:
    return next((row for row in switchman.store.drills() if row.id == drill), None)
