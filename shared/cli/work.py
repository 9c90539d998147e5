"""`switchman incidents ack`, `resolve`, `declare` and so on: telling Switchman without Slack."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from shared.cli.ask import PATIENCE, TimeoutOption, carried_out, instruction, say, tell
from shared.cli.common import JsonOption, application, fail, print_json
from shared.cli.found import incident_named, stack_named
from shared.cli.identity import AsOption, caller

if TYPE_CHECKING:
    from shared.domain.decision import AuditRow
    from shared.domain.paging import Choice
    from shared.domain.severity import Severity

IncidentIds = Annotated[
    list[str], typer.Argument(metavar="INCIDENT", help="Ids, or how they begin.")
]


def ack(
    incidents: IncidentIds,
    who: AsOption = "",
    timeout: TimeoutOption = PATIENCE,
    as_json: JsonOption = False,
) -> None:
    """Acknowledge incidents: you have them, and nobody else is reminded. Exit 1 if refused."""
    from shared.domain.paging import Choice

    _about(incidents, Choice.ACKNOWLEDGE, "Acknowledged", who, timeout, as_json=as_json)


def resolve(
    incidents: IncidentIds,
    who: AsOption = "",
    timeout: TimeoutOption = PATIENCE,
    as_json: JsonOption = False,
) -> None:
    """Say that incidents are over.

    Where alerts still fire you are told which; say it again within ten minutes, and they count
    as ended. Exit 1 if refused.
    """
    from shared.domain.paging import Choice

    done = "Being checked once more, and then closed"
    _about(incidents, Choice.RESOLVE, done, who, timeout, as_json=as_json)


def repinned(
    incidents: IncidentIds,
    who: AsOption = "",
    timeout: TimeoutOption = PATIENCE,
    as_json: JsonOption = False,
) -> None:
    """Say that the provisioning names the known-good images. Exit 1 if refused."""
    from shared.domain.paging import Choice

    _about(incidents, Choice.REPINNED, "Re-pinned", who, timeout, as_json=as_json)


def review(
    incidents: IncidentIds,
    note: Annotated[str, typer.Option(help="What was learned; kept with the incident.")] = "",
    who: AsOption = "",
    timeout: TimeoutOption = PATIENCE,
    as_json: JsonOption = False,
) -> None:
    """Close incidents with a review. Refused (exit 1) while a rollback left something to do."""
    from shared.domain.paging import Choice

    note = reason_of(note, "what was learned with --note", "it is kept with the incident")
    _about(incidents, Choice.REVIEW, "Reviewed", who, timeout, note, as_json=as_json)


def declare(
    lane: Annotated[str, typer.Argument(metavar="LANE", help="It decides who is woken.")],
    what: Annotated[list[str], typer.Argument(metavar="WHAT", help="What is wrong.")],
    stack: Annotated[str, typer.Option(help="The stack; may be left out if there is one.")] = "",
    severity: Annotated[str, typer.Option(help="sev1 to sev4; default the policy's.")] = "",
    who: AsOption = "",
    timeout: TimeoutOption = PATIENCE,
    as_json: JsonOption = False,
) -> None:
    """Open an incident that no alert has reported. Exit 1 if refused."""
    from shared.domain.paging import Choice
    from shared.wire import shown

    switchman = application()
    stack = stack_named(switchman, stack, "--stack")
    if lane not in switchman.policy.lanes:
        fail(f"there is no lane {lane!r}; there is: {', '.join(switchman.policy.lanes)}")
    told = replace(
        instruction(switchman, caller(switchman, who), Choice.DECLARE),
        stack=stack,
        lane=lane,
        severity=severity_of(severity),
        text=reason_of(" ".join(what), "what is wrong"),
    )
    row = tell(switchman, told, timeout)
    head, _ = switchman.store.load(stack)
    opened = head.by_lane(lane)
    if as_json:
        print_json(shown.audit(row, switchman.policy) | {"opened": opened.id if opened else None})
    else:
        say(row, f"Opened {opened.id if opened else 'it'}; whoever owns {lane} is paged")
    raise typer.Exit(0 if carried_out(row) else 1)


def _about(
    incidents: list[str],
    choice: Choice,
    done: str,
    who: str,
    timeout: float,
    text: str = "",
    *,
    as_json: bool,
) -> None:
    """Tell the same about each incident."""
    from shared.wire import shown

    switchman = application()
    person = caller(switchman, who)
    named = [incident_named(switchman, each).incident.id for each in incidents]
    rows: list[AuditRow] = []
    for each in named:
        told = replace(instruction(switchman, person, choice), incident=each, text=text)
        row = tell(switchman, told, timeout)
        rows.append(row)
        if not as_json:
            say(row, f"{each}: {done}")
    if as_json:
        print_json([shown.audit(row, switchman.policy) for row in rows])
    raise typer.Exit(0 if all(map(carried_out, rows)) else 1)


def reason_of(text: str, what: str, why: str = "whoever is woken reads it") -> str:
    """The text without secrets, if it says something and is not too long for whoever reads it."""
    from shared.app.typed import LONGEST_TEXT
    from shared.domain.secrets import redacted

    if not text.strip():
        fail(f"say {what}: {why}")
    if len(text) > LONGEST_TEXT:
        fail(f"say {what} in at most {LONGEST_TEXT} characters")
    return redacted(text)


def severity_of(given: str) -> Severity | None:
    """The severity of this name, if one is named."""
    from shared.domain.severity import Severity

    if given and given not in list(Severity):
        fail(f"there is no severity {given!r}; there is: {', '.join(Severity)}")
    return Severity(given) if given else None
