"""Telling Switchman what to do without Slack: the same stored instruction, and its answer."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import typer

from shared.cli.common import err, fail, out

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.bootstrap import Application
    from shared.cli.identity import Caller
    from shared.domain.decision import AuditRow
    from shared.domain.event import Instruction
    from shared.domain.paging import Choice

TimeoutOption = Annotated[
    float, typer.Option(min=0, help="Seconds to wait until it has been carried out.")
]
StackName = Annotated[str, typer.Argument(help="The stack; may be left out if there is one.")]
ReasonOption = Annotated[str, typer.Option(help="Why; whoever approves it reads this.")]
ApplyOption = Annotated[
    bool, typer.Option("--apply", help="Ask for it; default is to show the plan only.")
]
PATIENCE: Final = 60.0

T = TypeVar("T")
_POLL_SECONDS: Final = 0.25
_NEWEST: Final = 20


def instruction(switchman: Application, caller: Caller, choice: Choice) -> Instruction:
    """What the person tells Switchman now; what it is about, and so its id, is still to come."""
    from shared.domain.event import Instruction

    return Instruction(
        id="",
        choice=choice,
        person=caller.reference,
        channel="",
        at=switchman.clock.now(),
        via=caller.via,
    )


def tell(switchman: Application, told: Instruction, timeout: float) -> AuditRow:
    """Have the instruction carried out, or refused; what came of it, as the audit has it."""
    from shared.domain.ids import derive, stamp

    about = (told.stack, told.lane, told.incident, told.plan, told.snapshot, told.text)
    named = (told.into, *told.alerts)
    said = (told.person, stamp(told.at), told.choice.value, *about, *named)
    told = replace(told, id=derive("command line", *said))
    switchman.store_instruction(told)

    def audited() -> AuditRow | None:
        return next((row for row in switchman.store.audit(_NEWEST) if row.id == told.id), None)

    row = wait(audited, timeout, "Waiting for the answer ...")
    if row is None:
        fail(
            f"It is stored, and nothing has acted on it in {timeout:.0f} s: is Switchman running?"
            " It takes effect when it does; `switchman audit log` shows what came of it",
            1,
        )
    return row


def wait(ask: Callable[[], T | None], timeout: float, doing: str) -> T | None:
    """Ask until there is an answer; None when there was none in `timeout` seconds."""
    until = time.monotonic() + timeout
    with err.status(doing):
        while (answer := ask()) is None and time.monotonic() < until:
            time.sleep(_POLL_SECONDS)
    return answer


def say(row: AuditRow, done: str) -> None:
    """Print what came of it: `done` where it was carried out, else why not."""
    out.print(row.text or done, markup=False, soft_wrap=True)


def carried_out(row: AuditRow) -> bool:
    """Whether it was; who is refused something is always told why."""
    return not row.text
