"""`switchman policy test`."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import track

from shared.cli.common import JsonOption, err, fail, load_policy, out, print_json

if TYPE_CHECKING:
    from shared.domain.expectation import Case, Mismatch
    from shared.policy.timeline.cases import Cases

Judged = list[tuple["Case", tuple["Mismatch", ...]]]


def run_cases(
    file: Annotated[
        Path | None,
        typer.Argument(help="NAME.test.yaml, or the policy beside it; default the shipped one."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Play the cases beside a policy on a virtual clock; every one that fails is shown.

    Exit code 0 when all pass, 1 when one fails, 2 when the cases cannot be read.
    """
    from shared.policy import PolicyError
    from shared.policy.timeline.cases import read_cases
    from shared.wire.alerts import parse_any

    try:
        cases = read_cases(_beside(file))
        policy = load_policy(cases.policy)
        judged = _judged(policy, cases.against(policy, parse_any))
    except PolicyError as error:
        fail(str(error))
    failed = [name for name, mismatches in judged if mismatches]
    if as_json:
        print_json(_document(cases, judged))
    else:
        _print(cases, judged)
    if failed:
        raise typer.Exit(1)


def _beside(file: Path | None) -> Path:
    """The cases of a policy, or the file of cases itself."""
    from shared.config import SHIPPED_POLICY
    from shared.policy.timeline.cases import ENDING

    path = file or Path(os.environ.get("SWITCHMAN_POLICY") or SHIPPED_POLICY)
    return path if path.name.endswith(ENDING) else path.with_suffix(ENDING)


def _judged(policy: Any, cases: tuple[Case, ...]) -> Judged:
    from shared.app.play.judge import judge
    from shared.bootstrap.play import play
    from shared.policy.timeline.build import since

    shown = track(cases, "Cases", console=err, transient=True, disable=len(cases) < 200)
    return [
        (each, judge(each, play(policy, each.given, each.start), partial(since, each.start)))
        for each in shown
    ]


def _print(cases: Cases, judged: Judged) -> None:
    from shared.policy.timeline.build import since

    for case, mismatches in judged:
        for each in mismatches:
            at = since(case.start, each.at)
            head = f"{cases.file}:{each.line}: {case.name}, at {at}: {each.what}"
            out.print(head, markup=False, soft_wrap=True, style="bold red")
            out.print(f"    expected  {each.expected}", markup=False, soft_wrap=True)
            out.print(f"    got       {each.got}", markup=False, soft_wrap=True)
            if each.why:
                out.print(f"    because   {each.why}", markup=False, soft_wrap=True, style="dim")
    passed = sum(not mismatches for _, mismatches in judged)
    out.print(f"{passed} of {len(judged)} cases of {cases.policy} pass.", markup=False)


def _document(cases: Cases, judged: Judged) -> dict[str, Any]:
    return {
        "file": cases.file,
        "policy": str(cases.policy),
        "cases": [
            {
                "name": case.name,
                "line": case.line,
                "passed": not mismatches,
                "mismatches": [
                    {
                        "line": each.line,
                        "after_seconds": (each.at - case.start).total_seconds(),
                        "what": each.what,
                        "expected": each.expected,
                        "got": each.got,
                        "why": each.why,
                    }
                    for each in mismatches
                ],
            }
            for case, mismatches in judged
        ],
    }
