"""Schedules and escalations in which there is nobody, or nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from shared.domain.hours import Span, in_words
from shared.domain.schedule import Duty, Gap, duties
from shared.policy.build_duty import build_schedule
from shared.policy.rules.reached import people, source
from shared.policy.rules.rule import Found, Rule
from shared.policy.schema import PolicyFile
from shared.policy.times import parse_local

LOOKS_AHEAD: Final = timedelta(weeks=8)


def _gaps(file: PolicyFile, at: datetime) -> Iterator[Found]:
    for key, entry in file.schedules.items():
        gap = next((each for each in _ahead(file, key, at) if isinstance(each.who, Gap)), None)
        if gap is not None and isinstance(gap.who, Gap):
            span, zone = gap.span, entry.time_zone
            yield (
                ("schedules", key),
                f"nobody is on call by {key} from {in_words(span.start, zone)} until "
                f"{in_words(span.end, zone)} ({gap.who.value}): add a layer or an override that "
                "covers it",
            )


def _ahead(file: PolicyFile, key: str, at: datetime) -> Iterator[Duty]:
    return duties(build_schedule(key, file.schedules[key]), Span(at, at + LOOKS_AHEAD))


def _unused(file: PolicyFile) -> Iterator[Found]:
    used = {team.on_call for team in file.teams.values()}
    used |= {step.page for team in file.teams.values() for step in team.escalation}
    for key in file.schedules:
        if key not in used:
            yield (
                ("schedules", key),
                f"no team is on call by {key}, so that it wakes nobody: name it as the on_call of "
                "a team or in an escalation, or take it out",
            )


def _ends_early(file: PolicyFile) -> Iterator[Found]:
    for key, schedule in file.schedules.items():
        for number, entry in enumerate(schedule.overrides):
            if parse_local(entry.until) <= parse_local(entry.begins):
                yield (
                    ("schedules", key, "overrides", number, "until"),
                    f"the override of {entry.person} ends before it begins: until must be after "
                    f"{entry.begins}",
                )


def _two_meanings(file: PolicyFile) -> Iterator[Found]:
    for key in file.schedules:
        if key in file.people or key in file.teams:
            other = "a person" if key in file.people else "a team"
            yield (
                ("schedules", key),
                f"{key} is {other} too, so that nobody can tell which is meant: give the schedule "
                f"another id, such as {key}-rota",
            )
    for team in file.teams:
        if team in file.people and source(file, team) != team:
            for step in _steps_to(file, team):
                yield (
                    step,
                    f"{team} is a team and a person, so that nobody can tell which is meant: give "
                    "one of them another id",
                )


def _steps_to(file: PolicyFile, page: str) -> Iterator[tuple[str | int, ...]]:
    for key, team in file.teams.items():
        for number, step in enumerate(team.escalation):
            if step.page == page:
                yield ("teams", key, "escalation", number, "page")


def _to_the_same(file: PolicyFile) -> Iterator[Found]:
    for key, team in file.teams.items():
        own = set(people(file, key))
        pages = [step.page for step in team.escalation]
        same = [
            source(file, page) == team.on_call or set(people(file, page)) == own for page in pages
        ]
        if pages and all(same):
            yield (
                ("teams", key, "escalation"),
                f"the escalation of {key} pages nobody but whoever is on call for {key} already: "
                "let a step page another team or person",
            )


RULES: Final = (
    Rule(
        name="schedule-gap",
        says="every schedule has somebody on call throughout the next 8 weeks",
        reads=("people", "schedules"),
        check_at=_gaps,
    ),
    Rule(
        name="unused-schedule",
        says="a team is on call by every schedule, or an escalation pages it",
        reads=("teams", "schedules"),
        check=_unused,
    ),
    Rule(
        name="override-ends-early",
        says="an override ends after it begins",
        reads=("schedules",),
        check=_ends_early,
    ),
    Rule(
        name="two-meanings",
        says="whatever is on call or paged has an id of its own",
        reads=("people", "teams", "schedules"),
        check=_two_meanings,
    ),
    Rule(
        name="escalation-to-the-same",
        says="an escalation pages somebody other than whoever is on call already",
        reads=("people", "teams", "schedules"),
        check=_to_the_same,
    ),
)
