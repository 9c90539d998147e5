"""`switchman audit`: reads what people told Switchman to do."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from shared.cli.common import JsonOption, application, out, print_json

if TYPE_CHECKING:
    from shared.domain.decision import AuditRow
    from shared.domain.policy import Policy

app = typer.Typer(no_args_is_help=True)
Limit = Annotated[int, typer.Option(min=1, help="How many of the newest lines.")]


@app.callback()
def _root() -> None:
    """Who told Switchman to do what."""


@app.command(epilog="Example: switchman audit log --json | jq '.[] | select(.choice == \"drill\")'")
def log(limit: Limit = 100, as_json: JsonOption = False) -> None:
    """What people told Switchman to do and what came of it, newest first; it is kept for ever."""
    switchman = application()
    rows = [_shown(row, switchman.policy) for row in switchman.store.audit(limit)]
    if as_json:
        print_json(rows)
        return
    table = Table("at", "who", "told", "about", "what came of it", box=None)
    for row in rows:
        about = row["incident"] or row["stack"]
        told = f"{row['choice']}: {row['asked']}" if row["asked"] else row["choice"]
        came = row["text"] or row["answer"]
        table.add_row(*map(Text, (row["at"], row["name"], told, about, came)))
    out.print(table if rows else "Nobody has told Switchman to do anything yet.")


def _shown(row: AuditRow, policy: Policy) -> dict[str, Any]:
    """One line; the name is the policy's today, or else the Slack member id."""
    person = policy.person_by_slack(row.person)
    return {
        "id": row.id,
        "at": row.at.astimezone(UTC).isoformat(timespec="seconds"),
        "person": row.person,
        "name": person.name if person else row.person,
        "choice": row.choice.value,
        "asked": row.asked,
        "stack": row.stack,
        "incident": row.incident,
        "plan": row.plan,
        "answer": row.answer,
        "text": row.text,
    }
