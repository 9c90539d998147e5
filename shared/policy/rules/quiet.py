"""Quiet hours and maintenance that would hold back what must not wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shared.domain.severity import Severity
from shared.policy.build_duty import build_maintenance, build_quiet
from shared.policy.rules.rule import Found, Rule
from shared.policy.schema import PolicyFile


def _worst(file: PolicyFile) -> Iterator[Found]:
    for number, entry in enumerate(file.quiet_hours):
        if Severity.SEV1 in entry.severity:
            yield (
                ("quiet_hours", number, "severity"),
                "a sev1 never waits for the end of quiet hours: take sev1 out (without severity "
                "they are for sev3 and sev4; sev2 waits only where it is named)",
            )


def _endless(file: PolicyFile) -> Iterator[Found]:
    for number, entry in enumerate(file.quiet_hours):
        if build_quiet(entry).hours.always:
            yield (
                ("quiet_hours", number),
                "these quiet hours never end, and then they hold nothing back: say from when "
                "until when, such as hours: 22:00-08:00",
            )
    for number, work in enumerate(file.maintenance):
        weekly = build_maintenance(work)
        if weekly.span is None and weekly.hours is not None and weekly.hours.always:
            yield (
                ("maintenance", number),
                f"the maintenance {work.name} never ends, and then it holds nothing back: say from "
                "when until when, such as hours: 02:00-04:00",
            )


def _of_nothing(file: PolicyFile) -> Iterator[Found]:
    for number, entry in enumerate(file.maintenance):
        stacks = [file.stacks[entry.stack]] if entry.stack else list(file.stacks.values())
        known = [service for stack in stacks for service in stack.services]
        for service in entry.services:
            if service not in known:
                where = entry.stack or "any stack"
                yield (
                    ("maintenance", number, "services"),
                    f"{service} is not a service of {where}, so that nothing is held back: name "
                    f"one of {', '.join(known)}",
                )


RULES: Final = (
    Rule(
        name="quiet-worst",
        says="quiet hours hold back no `sev1`",
        reads=("quiet_hours",),
        check=_worst,
        refuses=True,
    ),
    Rule(
        name="endless-hold",
        says="quiet hours and maintenance end at some time of the week",
        reads=("quiet_hours", "maintenance"),
        check=_endless,
    ),
    Rule(
        name="maintenance-of-nothing",
        says="maintenance is of services that its stack has",
        reads=("maintenance", "stacks"),
        check=_of_nothing,
    ),
)
