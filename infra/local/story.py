"""Tells on a terminal what happened: offsets, plain sentences, colour where there is some."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from infra.local.judge import Claim, Seen, first_traffic_request
from infra.local.prober import outage

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


def tell(console: Console, seen: Seen) -> None:
    """The incident's timeline as the API gives it, with what the prober saw in between."""
    incident, probed = seen.incident, outage(seen.probes)
    rows = [
        (datetime.fromisoformat(row["at"]).timestamp(), row["kind"], row["text"])
        for row in incident["timeline"]
    ]
    if probed.failed_at:
        rows.append((probed.failed_at, "prober", "prober: the first request fails"))
    if began := first_traffic_request(seen.requests):
        rows.append((began, "prober", "Cloud Run: the first traffic request arrives"))
    if probed.recovered_at:
        rows.append((probed.recovered_at, "prober", "prober: every request succeeds again"))
    rows.sort(key=lambda row: row[0])
    zero = probed.failed_at or rows[0][0]
    title = f"Incident {incident['id']}: {incident['title']}, lane {incident['lane']}"
    console.print(f"\n[bold]{title}, {incident['severity']}[/bold]")
    for at, kind, text in rows:
        console.print(_line(at - zero, kind, text), soft_wrap=True)
    _times(console, incident["rollback"] or {})


def _line(offset: float, kind: str, text: str) -> Text:
    line = Text(f"  {offset:+7.2f} s  ", style="dim")
    style = "dim italic" if kind == "prober" else _COLOURS.get(kind, "")
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
