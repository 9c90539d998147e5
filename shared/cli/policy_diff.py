"""`switchman policy diff`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.progress import track

from shared.cli.common import JsonOption, err, fail, load_policy, out, print_json

if TYPE_CHECKING:
    from shared.app.play.play import Play
    from shared.domain.comparison import Change, Treatment
    from shared.domain.play import Answered, Step

_SHOWN_LINES: Final = 5


def diff(
    old: Annotated[Path, typer.Argument(help="The policy as it is.")],
    new: Annotated[Path, typer.Argument(help="The policy as it would be.")],
    on: Annotated[
        Path, typer.Option("--on", metavar="RECORDED.jsonl", help="Alerts, a message a line.")
    ],
    as_json: JsonOption = False,
) -> None:
    """How recorded alerts would be treated otherwise: lane, severity, who is paged, rollback.

    Both policies are played on a virtual clock. Exit code 1 when a page for a critical alert
    (sev1, sev2, or so its sender says) would be lost, or come 15 minutes later; 2 when something
    cannot be read.
    """
    from shared.app.play.treat import changes

    steps = _recorded(on)
    plays = [_played(path, steps) for path in (old, new)]
    told = len({each.alert.row_id for each in plays[0].answered if _fires(each)})
    found = list(changes(*plays))
    if as_json:
        print_json({"alerts": told, "counts": _counts(found), "changes": list(map(_shown, found))})
    else:
        _print(found, told, on)
    if any(change.lost for change in found):
        raise typer.Exit(1)


def _recorded(path: Path) -> tuple[Step, ...]:
    """The recording as a timeline; every line that cannot be read ends the command."""
    from shared.domain.errors import BadMessage
    from shared.domain.play import Step, Told
    from shared.wire.alerts import parse_any

    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    steps, faults = [], []
    for number, line in enumerate(lines, 1):
        try:
            alerts = parse_any(line, "") if line.strip() else ()
        except BadMessage as error:
            faults.append(f"{path}:{number}: {error}; each line is one message of alerts")
            continue
        steps += [
            Step(at=each.published_at or each.starts_at, what=Told(alert=each), line=number)
            for each in alerts
        ]
    if faults or not steps:
        fail("\n".join(faults) or f"{path}:1: there is no alert in it")
    return tuple(sorted(steps, key=lambda step: step.at))


def _played(path: Path, steps: tuple[Step, ...]) -> Play:
    from shared.bootstrap.play import play

    made = play(load_policy(path), steps, steps[0].at)
    instants = sorted({step.at for step in steps})
    quick = len(instants) < 500
    for at in track(instants, path.name, console=err, transient=True, disable=quick):
        made.run_to(at)
    made.run()
    return made


def _fires(answered: Answered) -> bool:
    from shared.domain.alert import AlertStatus

    return answered.alert.status is AlertStatus.FIRING


def _counts(found: list[Change]) -> dict[str, int]:
    counted = Counter(each.value for change in found for each in change.differences)
    return {**counted, "critical lost": sum(change.lost for change in found)}


def _print(found: list[Change], told: int, on: Path) -> None:
    from shared.domain.comparison import Difference

    words = {
        Difference.PAGE_LOST: "pages lost",
        Difference.PAGE_LATE: "pages late",
        Difference.PAGE_GAINED: "pages gained",
        Difference.PAGE_MOVED: "go to another person",
        Difference.SEVERITY: "change severity",
        Difference.STACK: "change stack",
        Difference.ROLLBACK: "change rollback",
    }
    counts = Counter(each for change in found for each in change.differences)
    parts = [f"{counts[each]} {text}" for each, text in words.items() if counts[each]]
    lane = counts[Difference.LANE]
    out.print(
        f"{lane} of {told} change lane; {', '.join(parts) or 'no page is lost'}", markup=False
    )
    for group in _grouped(found):
        _print_group(group, on)
    lost = sum(change.lost for change in found)
    if lost:
        text = f"{lost} pages for critical alerts would be lost or late."
        err.print(text, markup=False, style="bold red")


def _grouped(found: list[Change]) -> Iterator[list[Change]]:
    """Alerts of one name that change alike, together; what is lost comes first."""
    groups: dict[tuple[Any, ...], list[Change]] = {}
    for each in found:
        old, new = each.old, each.new
        alike = (old.lane, old.severity, old.paged, new.lane, new.severity, new.paged)
        groups.setdefault((each.alert, each.differences, alike), []).append(each)
    yield from sorted(groups.values(), key=lambda group: (not group[0].lost, group[0].line))


def _print_group(group: list[Change], on: Path) -> None:
    first = group[0]
    many = f" ({len(group)} alerts)" if len(group) > 1 else ""
    style = "bold red" if first.lost else "bold"
    what = ", ".join(first.differences)
    out.print(f"\n{first.alert}{many}: {what}", markup=False, soft_wrap=True, style=style)
    lines = ", ".join(str(each.line) for each in group[:_SHOWN_LINES])
    more = ", ..." if len(group) > _SHOWN_LINES else ""
    out.print(f"    {on}:{lines}{more}", markup=False, soft_wrap=True, style="dim")
    for name, treatment in (("old", first.old), ("new", first.new)):
        out.print(f"    {name}  {_in_words(treatment)}", markup=False, soft_wrap=True)
        out.print(
            f"         {'; '.join(treatment.reasons)}", markup=False, soft_wrap=True, style="dim"
        )


def _in_words(treatment: Treatment) -> str:
    from shared.policy.timeline.build import in_words

    paged = ", ".join(treatment.paged) or "nobody"
    late = f" after {in_words(treatment.waited)}" if treatment.waited else ""
    where = f"{treatment.stack}/{treatment.lane} {treatment.severity}"
    return f"{where}, pages {paged}{late}, rollback {treatment.rollback}"


def _shown(change: Change) -> dict[str, Any]:
    return {
        "line": change.line,
        "alert": change.alert,
        "differences": [each.value for each in change.differences],
        "critical": change.critical,
        "lost": change.lost,
        "old": _treatment(change.old),
        "new": _treatment(change.new),
    }


def _treatment(treatment: Treatment) -> dict[str, Any]:
    return {
        "lane": treatment.lane,
        "stack": treatment.stack,
        "severity": treatment.severity.value,
        "paged": list(treatment.paged),
        "waited_seconds": treatment.waited.total_seconds(),
        "rollback": treatment.rollback,
        "reasons": list(treatment.reasons),
    }
