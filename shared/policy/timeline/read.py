"""A timeline in JSON lines."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial

from shared.domain.play import Step
from shared.domain.policy import Policy
from shared.policy.document import Document, Path
from shared.policy.faults import Fault, PolicyError
from shared.policy.timeline.build import START, Placed, ReadAlerts, Timeline
from shared.policy.timeline.schema import ClockEntry, StepEntry


def read_timeline(
    text: str, file: str, policy: Policy, read: ReadAlerts
) -> tuple[datetime, tuple[Step, ...]]:
    """When the timeline begins, and what happens in it; `#` begins a line that is a comment.

    Raises `PolicyError` with every fault at once, as `file:line: what is wrong, what is right`.
    """
    timeline = Timeline(policy, START, read)
    entries: list[Placed] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            document = Document(file)
            fault = partial(_fault, document, number)
            if not entries and line.lstrip().startswith('{"clock"'):
                clock = document.read(line, ClockEntry, {})
                timeline.start = timeline.instant(clock.clock) if clock else START
            elif (entry := document.read(line, StepEntry, {})) is not None:
                entries.append(Placed(entry, fault))
            timeline.faults += [replace(each, line=number) for each in document.faults]
    steps = timeline.steps(entries)
    if not entries and not timeline.faults:
        timeline.faults.append(Fault(1, "the timeline is empty; it needs an entry a line", file))
    if timeline.faults:
        raise PolicyError(timeline.faults)
    return timeline.start, steps


def _fault(document: Document, number: int, path: Path, text: str) -> Fault:
    return replace(document.fault(path, text), line=number)
