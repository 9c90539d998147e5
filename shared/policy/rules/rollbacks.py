"""Rollbacks that are promised and can never be, or can never be shown to have helped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shared.domain.policy import Remediation
from shared.policy.rules.reached import of_team
from shared.policy.rules.rule import Found, Rule
from shared.policy.schema import PolicyFile, StackEntry


def _rolls_back(file: PolicyFile) -> bool:
    return any(lane.remediation is Remediation.ROLLBACK for lane in file.lanes.values())


def _without_stack(file: PolicyFile) -> Iterator[Found]:
    if file.stacks:
        return
    for key, lane in file.lanes.items():
        if lane.remediation is Remediation.ROLLBACK:
            yield (
                ("lanes", key, "remediation"),
                f"the lane {key} is remedied by a rollback, and there is no stack to roll back: "
                "add one under stacks, or leave remediation out",
            )


def _without_health(file: PolicyFile) -> Iterator[Found]:
    if not _rolls_back(file):
        return
    for key, stack in file.stacks.items():
        for name, service in stack.services.items():
            if not service.health:
                yield (
                    ("stacks", key, "services", name),
                    f"{name} has no health check, so that nothing shows whether a rollback "
                    "helped: add one such as health: [{path: /}]",
                )


def _without_approvers(file: PolicyFile) -> Iterator[Found]:
    if not _rolls_back(file):
        return
    for key, stack in file.stacks.items():
        able, needed = _able_to_approve(file, stack), stack.rollback.approvals
        besides = " besides whoever asks for it" if needed > 1 else ""
        if stack.services and len(able) < needed + bool(besides):
            has = f"only {', '.join(sorted(able))} can" if able else "nobody can"
            yield (
                ("stacks", key, "rollback"),
                f"a rollback of {key} needs {needed} to approve it{besides}, and {has}: name teams under "
                "rollback.approvers whose people have slack or email",
            )


def _able_to_approve(file: PolicyFile, stack: StackEntry) -> set[str]:
    teams = [file.teams[key] for key in stack.rollback.approvers]
    people = {person for team in teams for person in of_team(file, team)}
    return {each for each in people if file.people[each].slack or file.people[each].email}


RULES: Final = (
    Rule(
        name="rollback-without-stack",
        says="there is a stack where a lane's remediation is `rollback`",
        reads=("lanes", "stacks"),
        check=_without_stack,
    ),
    Rule(
        name="rollback-without-health",
        says="every service has a health check where a lane's remediation is `rollback`",
        reads=("lanes", "stacks"),
        check=_without_health,
    ),
    Rule(
        name="rollback-without-approvers",
        says="enough people may approve a stack's rollbacks where a lane's remediation is `rollback`",
        reads=("lanes", "stacks", "teams", "people", "schedules"),
        check=_without_approvers,
    ),
)
