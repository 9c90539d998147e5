"""`switchman audit`: reads what people told Switchman to do."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from shared.cli.common import JsonOption, application, out, print_json

app = typer.Typer(no_args_is_help=True)
Limit = Annotated[int, typer.Option(min=1, help="How many of the newest lines.")]


@app.callback()
def _root() -> None:
    """Who told Switchman to do what."""


@app.command(epilog="Example: switchman audit log --json | jq '.[] | select(.choice == \"drill\")'")
def log(limit: Limit = 100, as_json: JsonOption = False) -> None:
    """What people told Switchman to do and what came of it, newest first; it is kept for ever."""
    from shared.wire import shown

    switchman = application()
    rows = [shown.audit(row, switchman.policy) for row in switchman.store.audit(limit)]
    if as_json:
        print_json(rows)
        return
    table = Table("at", "who", "told", "about", "what came of it", "by way of", box=None)
    for row in rows:
        about = row["incident"] or row["stack"]
        told = f"{row['choice']}: {row['asked']}" if row["asked"] else row["choice"]
        came = row["text"] or row["answer"]
        table.add_row(*map(Text, (row["at"], row["name"], told, about, came, row["via"])))
    out.print(table if rows else "Nobody has told Switchman to do anything yet.")
