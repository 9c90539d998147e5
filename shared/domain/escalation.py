"""Who is woken for a team, and who after them, while nobody has acknowledged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.domain.paging import PageStep
from shared.domain.schedule import Gap, who

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from shared.domain.incident import Incident
    from shared.domain.policy import Policy, Team

LONGEST_REMINDER: Final = 4
"""How often the wait between reminders is doubled: from a quarter of an hour to four hours."""


@dataclass(frozen=True, slots=True)
class EscalationStep:
    """So long after the page before it, `page` is paged: a team's id, a person's or a schedule's."""

    after: timedelta
    page: str


@dataclass(frozen=True, slots=True)
class Call:
    """One person to page, in the channel of this team."""

    team: str
    person: str


@dataclass(frozen=True, slots=True)
class Called:
    """Whom to page now: at least one. `gap` says why it is not whoever would be on call."""

    calls: tuple[Call, ...]
    gap: str = ""

    @property
    def people(self) -> tuple[str, ...]:
        """The ids of the people."""
        return tuple(call.person for call in self.calls)


@dataclass(frozen=True, slots=True)
class Round:
    """What follows if nobody acknowledges: the wait, and which step of the escalation then.

    `number` counts from 1; 0 stands for the team itself, with which it begins again.
    """

    wait: timedelta
    number: int


def on_call(policy: Policy, team: Team, at: datetime) -> Called:
    """Whoever is on call for the team; in a gap the next of its escalation, or everybody in it."""
    return _called(policy, team, team.id, team.escalation, at)


def of_step(policy: Policy, team: Team, number: int, at: datetime) -> Called:
    """Whom a step of the team's escalation pages; in a gap whoever comes after it."""
    step, *later = team.escalation[number - 1 :]
    return _called(policy, team, step.page, tuple(later), at)


def next_round(policy: Policy, team: Team, incident: Incident) -> Round:
    """What follows the last page of an incident that nobody acknowledges.

    After the last step it begins again with the team itself, each time after twice as long.
    """
    if incident.escalated < len(team.escalation):
        return Round(team.escalation[incident.escalated].after, incident.escalated + 1)
    wait = policy.timing.remind_after * 2 ** min(_reminders(incident), LONGEST_REMINDER)
    return Round(wait, 0)


def _reminders(incident: Incident) -> int:
    """Those that somebody acknowledged, and those from before it was reopened, do not count."""
    since = incident.reopened_at or incident.opened_at
    return len(
        {
            page.decided_at
            for page in incident.pages
            if page.step is PageStep.REMINDER
            and page.acknowledged_at is None
            and page.decided_at >= since
        }
    )


def roster(policy: Policy, team: Team, at: datetime) -> tuple[str, ...]:
    """Everybody who takes turns for the team, its members, and whoever stands in `at`; each once."""
    schedule = policy.schedules.get(team.on_call)
    if schedule is None:
        return tuple(dict.fromkeys((team.on_call, *team.members)))
    now = who(schedule, at)
    stands_in = () if isinstance(now, Gap) else (now,)
    return tuple(dict.fromkeys((*schedule.rotating, *team.members, *stands_in)))


def _called(
    policy: Policy, team: Team, page: str, later: tuple[EscalationStep, ...], at: datetime
) -> Called:
    found = _reached(policy, team, page, at)
    if isinstance(found, Call):
        return Called((found,))
    why = f"{_name(policy, page)} has nobody on call now ({found.value})"
    for call in _later(policy, team, later, at):
        name = policy.people[call.person].name
        return Called((call,), f"{why}: {name} is next in the escalation")
    meant = policy.teams.get(page, team)
    calls = tuple(Call(meant.id, person) for person in meant.members or roster(policy, meant, at))
    return Called(calls, f"{why}: everybody in {meant.name} is paged")


def _later(
    policy: Policy, team: Team, steps: tuple[EscalationStep, ...], at: datetime
) -> Iterator[Call]:
    for step in steps:
        found = _reached(policy, team, step.page, at)
        if isinstance(found, Call):
            yield found


def _reached(policy: Policy, team: Team, page: str, at: datetime) -> Call | Gap:
    """Who that is now: a team's id counts first, then a schedule's, then a person's."""
    other = policy.teams.get(page)
    schedule = policy.schedules.get(other.on_call if other else page)
    person = other.on_call if other else page
    if schedule is None:
        return Call(other.id if other else team.id, person)
    found = who(schedule, at)
    return found if isinstance(found, Gap) else Call(other.id if other else team.id, found)


def _name(policy: Policy, page: str) -> str:
    team = policy.teams.get(page)
    return team.name if team else page
