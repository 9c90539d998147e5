"""`switchman oncall`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from shared.cli.common import JsonOption, PolicyOption, fail, load_policy, out, print_json

EXAMPLES = (
    "Example: switchman oncall; switchman oncall --at 2026-12-24T09:00+01:00; "
    "switchman oncall --json"
)

AtOption = Annotated[
    str,
    typer.Option(
        "--at", metavar="TIME", help="Then, not now: 2026-12-24T09:00+01:00; without offset UTC."
    ),
]


def oncall(policy: PolicyOption = None, at: AtOption = "", as_json: JsonOption = False) -> None:
    """Who is on call for each team now or then, when that changes, and who is paged after them."""
    from shared.wire import duty

    when = _time(at) if at else datetime.now(UTC)
    rows = duty.on_call(load_policy(policy), when)
    if as_json:
        print_json(rows)
        return
    title = f"On call at {when:%Y-%m-%d %H:%M} UTC"
    table = Table(
        "team", "on call", "then", "after that", "channel", "lanes", title=title, box=None
    )
    for row in rows:
        lanes = ", ".join(row["lanes"])
        table.add_row(row["name"], _now(row), _then(row), _steps(row), row["channel"], lanes)
    out.print(table)


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        fail(f"--at must be a time such as 2026-12-24T09:00+01:00, not {text!r}")
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _now(row: dict[str, Any]) -> str:
    gap = f"\n{row['gap']}" if row["gap"] else ""
    return f"{row['person_name']}{gap}"


def _then(row: dict[str, Any]) -> str:
    """Who takes over, and when."""
    then = row["next"]
    if then is None:
        return ""
    at = datetime.fromisoformat(then["at"])
    return f"{then['person_name'] or 'nobody'} from {at:%Y-%m-%d %H:%M} UTC"


def _steps(row: dict[str, Any]) -> str:
    """Who is paged while nobody acknowledges, each so long after the one before."""
    steps: Sequence[dict[str, Any]] = row["escalation"]
    return "\n".join(f"{_wait(each)} {each['person_name']}" for each in steps)


def _wait(step: dict[str, Any]) -> str:
    return f"+{step['after_seconds'] / 60:g} min"
