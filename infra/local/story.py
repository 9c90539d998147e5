"""Tells on a terminal what happened: offsets, plain sentences, colour where there is some."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

from rich.console import Console
from rich.text import Text

from infra.local.judge import Claim, Seen
from infra.local.prober import outage
from infra.local.scenarios.traffic_claims import first

_Row = tuple[float, str, str]

_COLOURS = {
    "alert_fired": "red",
    "service_refused": "red",
    "verdict": "bold",
    "healthy": "green",
    "resolved": "green",
    "restored": "green",
    "service_moved": "green",
    "approved": "cyan",
    "acknowledged": "cyan",
    "proposed": "yellow",
    "paged": "magenta",
}


def tell(console: Console, seen: Seen, more: Sequence[str] = ()) -> None:
    """What happened, as the API gives it, with what the prober saw in between."""
    rows = sorted([*_from_timeline(seen), *_from_outside(seen)], key=itemgetter(0))
    zero = outage(seen.probes).failed_at or (rows[0][0] if rows else 0.0)
    console.print(f"\n[bold]{_title(seen)}[/bold]", soft_wrap=True)
    for at, kind, text in rows:
        console.print(_line(at - zero, kind, text), soft_wrap=True)
    _times(console, seen.rollback)
    for text in (*map(_drilled, seen.drills), *more):
        console.print(f"  {text}", markup=False, soft_wrap=True)


def _title(seen: Seen) -> str:
    if seen.incident is None:
        return "No incident was opened"
    lane, severity = seen.incident["lane"], seen.incident["severity"]
    return f"Incident {seen.incident['id']}: {seen.incident['title']}, lane {lane}, {severity}"


def _from_timeline(seen: Seen) -> list[_Row]:
    return [
        (datetime.fromisoformat(row["at"]).timestamp(), row["kind"], row["text"])
        for row in (seen.incident or {"timeline": ()})["timeline"]
    ]


def _from_outside(seen: Seen) -> list[_Row]:
    probed = outage(seen.probes)
    found = [
        (probed.failed_at, "the first request fails"),
        (first(seen.changes), "Cloud Run is asked to move traffic"),
        (probed.recovered_at, "every request succeeds again"),
    ]
    return [(at, "outside", f"seen from outside: {text}") for at, text in found if at]


def _drilled(drill: dict[str, Any]) -> str:
    result = "PASS" if drill["passed"] else "FAIL"
    return f"Drill {drill['id']}: {result}: {drill['text']}"


def _line(offset: float, kind: str, text: str) -> Text:
    line = Text(f"  {offset:+7.2f} s  ", style="dim")
    style = "dim italic" if kind == "outside" else _COLOURS.get(kind, "")
    return line.append(text, style=style)


def _times(console: Console, rollback: dict[str, Any]) -> None:
    rto, whole = rollback.get("rto_seconds"), rollback.get("decided_to_recovered_seconds")
    if rto is not None and whole is not None:
        console.print(
            f"  RTO [bold]{rto:.2f} s[/bold] (first traffic request until health), "
            f"{whole:.2f} s from the decision to page until health",
            soft_wrap=True,
        )


def judge(console: Console, claims: Sequence[Claim]) -> bool:
    """Print each claim with what was seen; whether all hold."""
    console.print("\n[bold]Judged from outside[/bold]")
    for claim in claims:
        mark = "[green]ok  [/green]" if claim.holds else "[red]FAIL[/red]"
        console.print(f"  {mark} {claim.text} [dim]({claim.seen})[/dim]", soft_wrap=True)
    return all(claim.holds for claim in claims)
