"""`switchman audit`: reads what people told Switchman to do."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from shared.cli.common import JsonOption, application, out, print_json

app = typer.Typer(no_args_is_help=True)
_AS_IT_IS: Final[dict[str, Any]] = {"markup": False, "soft_wrap": True}
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
    for row in rows:
        told = f"{row['choice']}: {row['asked']}" if row["asked"] else row["choice"]
        out.print(
            f"{row['at'][:19].replace('T', ' ')}  {row['name']} {told}", style="bold", **_AS_IT_IS
        )
        about, came = row["incident"] or row["stack"], row["text"] or row["answer"]
        out.print(f"    {about} ({row['via']}): {came}", **_AS_IT_IS)
    if not rows:
        out.print("Nobody has told Switchman to do anything yet.")
