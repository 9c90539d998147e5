"""Who is on call, as the JSON that people's programs read, and what tables and pages are made of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

from shared.domain.escalation import Called, of_step
from shared.domain.hours import Span
from shared.domain.policy import Policy, Team
from shared.domain.schedule import Duty, Gap, Schedule, duties

LOOKS_AHEAD: Final = timedelta(weeks=8)


def on_call(policy: Policy, at: datetime) -> list[dict[str, Any]]:
    """For each team who is woken then, where, for which lanes, who is next, and who after that.

    `gap` says why it is not whoever would be on call, and is null where nothing is the matter.
    """
    return [_team(policy, team, at) for team in policy.teams.values()]


def _team(policy: Policy, team: Team, at: datetime) -> dict[str, Any]:
    called = policy.on_call(team, at)
    schedule = policy.schedules.get(team.on_call)
    now, then = _now_and_next(schedule, at) if schedule else (None, None)
    return {
        "team": team.id,
        "name": team.name,
        "channel": team.channel,
        **_people(policy, called),
        "schedule": schedule.id if schedule else None,
        "until": _time(now.span.end) if now and then else None,
        "next": _next(policy, then) if then else None,
        "escalation": [
            {
                "after_seconds": step.after.total_seconds(),
                "page": step.page,
                **_people(policy, of_step(policy, team, number, at)),
            }
            for number, step in enumerate(team.escalation, 1)
        ],
        "lanes": [lane.id for lane in policy.lanes.values() if lane.owner == team.id],
    }


def _people(policy: Policy, called: Called) -> dict[str, Any]:
    names = [policy.people[person].name for person in called.people]
    return {
        "person": called.people[0],
        "person_name": " and ".join(names),
        "people": list(called.people),
        "gap": called.gap or None,
    }


def _now_and_next(schedule: Schedule, at: datetime) -> tuple[Duty, Duty | None]:
    """Who is on call by the schedule, and who takes over, if anybody does before long."""
    now, *then = islice(duties(schedule, Span(at, at + LOOKS_AHEAD)), 2)
    return now, then[0] if then else None


def _next(policy: Policy, duty: Duty) -> dict[str, Any]:
    """Who takes over and when; nobody, where a gap begins."""
    nobody = isinstance(duty.who, Gap)
    return {
        "at": _time(duty.span.start),
        "person": None if nobody else duty.who,
        "person_name": None if isinstance(duty.who, Gap) else policy.people[duty.who].name,
    }


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
