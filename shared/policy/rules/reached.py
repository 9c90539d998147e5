"""Whom an id in the policy stands for: a team, a schedule or a person."""

from __future__ import annotations

from shared.policy.schema import PolicyFile, TeamEntry


def source(file: PolicyFile, page: str) -> str:
    """The person or the schedule behind the id, which may be a team's."""
    return file.teams[page].on_call if page in file.teams else page


def people(file: PolicyFile, page: str) -> tuple[str, ...]:
    """Everybody who may be paged by it, sooner or later, each once."""
    behind = source(file, page)
    schedule = file.schedules.get(behind)
    if schedule is None:
        return (behind,)
    turns = [person for layer in schedule.layers for person in layer.people]
    return tuple(dict.fromkeys((*turns, *(each.person for each in schedule.overrides))))


def of_team(file: PolicyFile, team: TeamEntry) -> tuple[str, ...]:
    """Everybody who may be on call for the team, and its members."""
    return tuple(dict.fromkeys((*people(file, team.on_call), *team.members)))
