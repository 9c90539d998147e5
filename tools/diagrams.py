"""Writes docs/states.md from the state tables; with --check, says whether it is current."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from shared.domain.data_phase import DATA_ROLLBACK
from shared.domain.incident_state import INCIDENT
from shared.domain.machine import Back, Machine, Refusal
from shared.domain.rollback_phase import ROLLBACK

PAGE = Path(__file__).resolve().parent.parent / "docs" / "states.md"

_TABLES: Final = (
    ("An incident", INCIDENT),
    ("A rollback", ROLLBACK),
    ("A data rollback", DATA_ROLLBACK),
)

HEAD = """\
# How incidents and rollbacks move

Written by `make docs` from the tables in `shared/domain/`; `make lint` fails when it is not
current. A move that a table does not have is refused by name, and nothing changes.
"""


def main() -> int:
    """Write the page, or compare it."""
    wanted = page()
    if "--check" not in sys.argv[1:]:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(wanted)
        return 0
    if PAGE.exists() and PAGE.read_text() == wanted:
        return 0
    print(f"{PAGE.name} is not what the tables say: run make docs", file=sys.stderr)
    return 1


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for title, machine in _TABLES:
        parts += [f"\n## {title}\n", *_diagram(machine), "", *_refusals(machine)]
    return "\n".join(parts) + "\n"


def _diagram(machine: Machine[Any, Any]) -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"    [*] --> {next(iter(machine.table)).value}"
    for state, trigger, target in machine.edges():
        if state is not target:
            yield f"    {state.value} --> {target.value}: {trigger.value}"
    yield "```"


def _refusals(machine: Machine[Any, Any]) -> Iterator[str]:
    yield "| in state | when | then |"
    yield "|---|---|---|"
    for state, row in machine.table.items():
        for trigger, answer in row.items():
            if isinstance(answer, Refusal):
                yield f"| {state.value} | {trigger.value} | refused: {answer.value} |"
            elif isinstance(answer, Back):
                yield f"| {state.value} | {trigger.value} | back to where it came from |"
            elif answer is state:
                yield f"| {state.value} | {trigger.value} | stays |"


if __name__ == "__main__":
    sys.exit(main())
