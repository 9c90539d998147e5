"""`switchman simulate`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.text import Text

from shared.cli.common import JsonOption, PolicyOption, fail, load_policy, out, print_json

if TYPE_CHECKING:
    from shared.app.play.play import Play
    from shared.domain.play import Line

_STYLES: Final = {
    "page": "bold red",
    "proposed": "bold yellow",
    "approved": "green",
    "verdict": "bold green",
    "resolved": "green",
    "cloud_run": "dim",
    "alert": "cyan",
    "asked": "blue",
}


def simulate(
    timeline: Annotated[
        Path, typer.Argument(metavar="TIMELINE.jsonl", help="What happens, an entry a line.")
    ],
    policy: PolicyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Play a timeline on a virtual clock: every page, proposal, rollback and freeze, and why.

    Nothing is sent, stored or moved. docs/testing-your-policy.md says what a timeline may hold.
    """
    from shared.bootstrap.play import play
    from shared.policy import PolicyError
    from shared.policy.timeline.read import read_timeline
    from shared.wire.alerts import parse_any

    loaded = load_policy(policy)
    try:
        text = timeline.read_text(encoding="utf-8")
        start, steps = read_timeline(text, str(timeline), loaded, parse_any)
    except (PolicyError, OSError, UnicodeDecodeError) as error:
        fail(str(error))
    played = play(loaded, steps, start)
    played.run()
    if as_json:
        print_json(_document(played, start))
    else:
        _print(played, start)


def _document(played: Play, start: datetime) -> dict[str, Any]:
    from shared.wire import shown

    lines = played.course.lines
    return {
        "start": start.astimezone(UTC).isoformat(),
        "lines": [
            {
                "at": line.at.isoformat(),
                "after_seconds": (line.at - start).total_seconds(),
                "kind": line.kind,
                "text": line.text,
                "incident": line.incident,
            }
            for line in lines
        ],
        "incidents": [shown.incident(each.incident, each.alerts) for each in played.views()],
    }


def _print(played: Play, start: datetime) -> None:
    from shared.policy.timeline.build import since

    out.print(f"{start:%A, %Y-%m-%d %H:%M:%S} UTC is +0s", markup=False, style="dim")
    before = ""
    for line in played.course.lines:
        at = since(start, line.at)
        out.print(_row("" if at == before else at, line), soft_wrap=True)
        before = at
    pages = sum(page.wakes for each in played.incidents() for page in each.pages)
    ends = ", ".join(f"{i.lane} {i.severity} {i.state}" for i in played.incidents())
    out.print(f"\n{_count(pages, 'page')}; incidents: {ends or 'none'}", markup=False)


def _row(at: str, line: Line) -> Text:
    lane = Text(f"{at:>10}  ")
    lane.append(f"{line.kind:<17}", style=_STYLES.get(line.kind, ""))
    return lane.append(line.text)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
