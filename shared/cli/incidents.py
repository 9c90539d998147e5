"""`switchman incidents`: reads the incidents of a store."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from shared.cli.common import JsonOption, application, fail, out, print_json

app = typer.Typer(no_args_is_help=True)
IncidentId = Annotated[str, typer.Argument(help="The incident's id, such as convex-3f09ab12cd.")]


@app.command("list", epilog="Example: switchman incidents list --json")
def list_incidents(as_json: JsonOption = False) -> None:
    """All incidents, newest first."""
    from shared.wire import shown

    views = application().store.incidents()
    rows = [shown.incident(view.incident, view.alerts) for view in views]
    if as_json:
        print_json(rows)
        return
    table = Table("incident", "severity", "lane", "state", "alerts", "opened", "what", box=None)
    for row in rows:
        cells = ("id", "severity", "lane", "state", "alerts", "opened_at", "title")
        table.add_row(*(Text(str(row[cell])) for cell in cells))
    out.print(table if rows else "There are no incidents.")


@app.command(epilog="Example: switchman incidents show convex-3f09ab12cd")
def show(incident: IncidentId, as_json: JsonOption = False) -> None:
    """One incident: what fails, who was paged, the rollback, and its timeline."""
    found = _found(incident)
    if as_json:
        print_json(found)
        return
    head = f"{found['title']}  {found['severity']}  {found['state']}"
    out.print(head, markup=False, soft_wrap=True, style="bold")
    out.print(f"lane {found['lane']}, {found['alerts']} alerts: {found['summary']}", markup=False)
    for page in found["pages"]:
        acknowledged = page["acknowledged_at"] or "not acknowledged"
        out.print(f"paged {page['person']} in {page['channel']} ({acknowledged})", markup=False)
    _print_timeline(found)


@app.command(epilog="Example: switchman incidents timeline convex-3f09ab12cd --json")
def timeline(incident: IncidentId, as_json: JsonOption = False) -> None:
    """What happened, in order, with offsets from the first line."""
    found = _found(incident)
    if as_json:
        print_json(found["timeline"])
        return
    _print_timeline(found)


@app.command(epilog="Example: switchman incidents rejected")
def rejected(as_json: JsonOption = False) -> None:
    """Messages that nobody could read: from whom, why, and a piece of each without secrets."""
    rows = [
        {
            "at": row.at.astimezone(UTC).isoformat(timespec="seconds"),
            "source": row.source,
            "reason": row.reason,
            "snippet": row.snippet,
        }
        for row in application().store.rejected()
    ]
    if as_json:
        print_json(rows)
        return
    table = Table("at", "from", "why", "what was sent", box=None)
    for row in rows:
        table.add_row(*map(Text, row.values()))
    out.print(table if rows else "Nothing was rejected.")


def _found(incident: str) -> dict[str, Any]:
    from shared.wire import shown

    store = application().store
    view = store.incident(incident)
    if view is None:
        fail(f"there is no incident {incident}; `switchman incidents list` names them all", 1)
    return shown.incident(view.incident, view.alerts, store.timeline(incident))


def _print_timeline(found: dict[str, Any]) -> None:
    rows = found["timeline"]
    first = datetime.fromisoformat(rows[0]["at"]) if rows else None
    for row in rows:
        offset = (datetime.fromisoformat(row["at"]) - first).total_seconds() if first else 0.0
        out.print(f"  {offset:+9.2f} s  {row['text']}", markup=False, soft_wrap=True)
