"""`switchman incidents merge`, `split`, `lane`, `severity` and `note`: what people say of incidents."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.cli.ask import PATIENCE, TimeoutOption, carried_out, instruction, say, tell
from shared.cli.common import JsonOption, application, fail, out, print_json
from shared.cli.found import incident_named
from shared.cli.identity import AsOption, caller
from shared.cli.work import reason_of, severity_of

if TYPE_CHECKING:
    from shared.bootstrap import Application
    from shared.domain.incident import Incident
    from shared.domain.paging import Choice

Named = Annotated[str, typer.Argument(metavar="INCIDENT", help="Its id, or how that begins.")]

_LISTED = 400


def merge(
    incident: Named,
    into: Annotated[str, typer.Option(metavar="OTHER", help="The incident that stays.")],
    who: AsOption = "",
    timeout: TimeoutOption = PATIENCE,
    as_json: JsonOption = False,
) -> None:
    """Two incidents are one: this one ends, and its alerts count for the other.

    New alerts of its lane go there too, while that is open. `split` takes it back. Exit 1 if
    refused.
    """
    from shared.domain.paging import Choice

    switchman = application()
    other = incident_named(switchman, into).incident.id
    done = f"Merged into {other}"
    _tell(switchman, incident, Choice.MERGE, who, timeout, done, as_json=as_json, into=other)


def split(
    incident: Named,
    alerts: Annotated[
        list[str],
        typer.Option("--alert", help="An alert that fires, by title or id; may be repeated."),
    ] = [],  # noqa: B006  # typer reads it, and nobody changes it
    merged: Annotated[
        str, typer.Option(help="Take this merge back: the incident that was merged.")
    ] = "",
    lane: Annotated[str, typer.Option(help="The new incident's lane.")] = "",
    who: AsOption = "",
    timeout: TimeoutOption = PATIENCE,
    as_json: JsonOption = False,
) -> None:
    """Alerts of an incident become one of their own, whose owner is paged. Exit 1 if refused.

    `switchman incidents alerts INCIDENT` names them. A lane has one open incident at a time.
    """
    from shared.domain.paging import Choice

    if bool(alerts) is bool(merged):
        fail("say which alerts with --alert, or which merge to take back with --merged")
    names = (merged,) if merged else tuple(alerts)
    _tell(
        application(),
        incident,
        Choice.SPLIT,
        who,
        timeout,
        "Split; `switchman incidents list` shows both",
        as_json=as_json,
        alerts=names,
        lane=lane,
    )


def change_lane(
    incident: Named,
    lane: Annotated[str, typer.Argument(metavar="LANE", help="The lane it belongs to.")],
    who: AsOption = "",
    timeout: TimeoutOption = PATIENCE,
    as_json: JsonOption = False,
) -> None:
    """An incident is of another kind: the owner of that lane is paged. Exit 1 if refused."""
    from shared.domain.paging import Choice

    done = f"Moved to lane {lane}; whoever owns that is paged"
    _tell(application(), incident, Choice.LANE, who, timeout, done, as_json=as_json, lane=lane)


def severity(
    incident: Named,
    how_bad: Annotated[str, typer.Argument(metavar="SEVERITY", help="sev1 to sev4.")],
    why: Annotated[str, typer.Option(help="Why; the channel reads it.")] = "",
    who: AsOption = "",
    timeout: TimeoutOption = PATIENCE,
    as_json: JsonOption = False,
) -> None:
    """An incident is worse (its owner is paged), or less bad (its channel is told why).

    Only its owners, and who may approve the stack's rollbacks, lower it. Exit 1 if refused.
    """
    from shared.domain.paging import Choice

    given = severity_of(how_bad)
    text = reason_of(why, "why with --why", "whoever has the incident reads it")
    _tell(
        application(),
        incident,
        Choice.SEVERITY,
        who,
        timeout,
        f"It is {how_bad} from now on",
        as_json=as_json,
        severity=given,
        text=text,
    )


def note(
    incident: Named,
    words: Annotated[list[str], typer.Argument(metavar="TEXT", help="What you found or did.")],
    who: AsOption = "",
    timeout: TimeoutOption = PATIENCE,
    as_json: JsonOption = False,
) -> None:
    """Write into an incident's timeline, be it closed; what looks like a secret is left out."""
    from shared.domain.paging import Choice

    text = reason_of(" ".join(words), "what to note", "it stands in the timeline")
    _tell(application(), incident, Choice.NOTE, who, timeout, "Noted", as_json=as_json, text=text)


def alerts(incident: Named, as_json: JsonOption = False) -> None:
    """The alerts of an incident that fire, each with the id by which `split` knows it."""
    switchman = application()
    found = incident_named(switchman, incident).incident
    rows = [
        {
            "id": row.id,
            "title": row.title,
            "lane": row.lane,
            "since": row.starts_at.isoformat(timespec="seconds"),
            "labels": dict(row.labels),
        }
        for each in found.alerts_of
        for row in switchman.store.firing_rows(each, _LISTED)
    ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        line = f"{row['id']}  {row['title']}  lane {row['lane']}, since {row['since']}"
        out.print(line, markup=False, soft_wrap=True)
    if not rows:
        out.print("None of its alerts fires.")


def _tell(
    switchman: Application,
    named: str,
    choice: Choice,
    who: str,
    timeout: float,
    done: str,
    *,
    as_json: bool,
    **about: Any,
) -> None:
    """Have it carried out, and say what came of it."""
    from shared.wire import shown

    incident: Incident = incident_named(switchman, named).incident
    told = instruction(switchman, caller(switchman, who), choice)
    row = tell(switchman, replace(told, incident=incident.id, **about), timeout)
    if as_json:
        print_json(shown.audit(row, switchman.policy))
    else:
        say(row, f"{incident.id}: {done}")
    raise typer.Exit(0 if carried_out(row) else 1)
