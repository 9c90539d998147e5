"""People who cannot be reached, or cannot be told apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shared.policy.rules.reached import people
from shared.policy.rules.rule import Found, Rule
from shared.policy.schema import PersonEntry, PolicyFile


def _unwakeable(file: PolicyFile) -> Iterator[Found]:
    told: set[str] = set()
    for key, team in file.teams.items():
        pages = (key, *(step.page for step in team.escalation))
        for each in dict.fromkeys(person for page in pages for person in people(file, page)):
            if each in told or _wakes(file.people[each]):
                continue
            told.add(each)
            yield (
                ("people", each),
                f"{file.people[each].name} is on call for {key} and has nothing that can wake "
                f"them: give people.{each} its slack, a member id such as U024BE7LH",
            )


def _wakes(person: PersonEntry) -> bool:
    return bool(person.slack)


def _same_slack(file: PolicyFile) -> Iterator[Found]:
    yield from _shared(file, "slack", "Slack member id", "what one presses")


def _same_email(file: PolicyFile) -> Iterator[Found]:
    yield from _shared(file, "email", "email", "what one says")


def _shared(file: PolicyFile, field: str, called: str, done: str) -> Iterator[Found]:
    first: dict[str, str] = {}
    for key, person in file.people.items():
        value = getattr(person, field).casefold()
        owner = first.setdefault(value, key) if value else key
        if owner != key:
            yield (
                ("people", key, field),
                f"{key} has the {called} of {owner}, so that {done} counts as the other's: "
                "give each their own",
            )


RULES: Final = (
    Rule(
        name="unwakeable-person",
        says="whoever is on call can be woken",
        reads=("people", "teams", "schedules"),
        check=_unwakeable,
    ),
    Rule(
        name="same-slack-member",
        says="no two people have the same Slack member id",
        reads=("people",),
        check=_same_slack,
    ),
    Rule(
        name="same-email",
        says="no two people have the same email",
        reads=("people",),
        check=_same_email,
    ),
)
