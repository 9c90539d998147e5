"""Stacks that have nothing in them, or share what only one may have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shared.policy.rules.rule import Found, Rule
from shared.policy.schema import PolicyFile


def _without_services(file: PolicyFile) -> Iterator[Found]:
    for key, stack in file.stacks.items():
        if not stack.services:
            yield (
                ("stacks", key, "services"),
                f"the stack {key} has no services, so that there is nothing to look after: "
                "name its Cloud Run services, or take the stack out",
            )


def _shared_service(file: PolicyFile) -> Iterator[Found]:
    first: dict[str, str] = {}
    for key, stack in file.stacks.items():
        for service in stack.services:
            owner = first.setdefault(service, key)
            if owner != key:
                yield (
                    ("stacks", key, "services", service),
                    f"{service} is a service of the stack {owner} already, which gets all of its "
                    f"alerts: leave it in one of them",
                )


RULES: Final = (
    Rule(
        name="stack-without-services",
        says="every stack has services",
        reads=("stacks",),
        check=_without_services,
    ),
    Rule(
        name="shared-service",
        says="a service belongs to one stack",
        reads=("stacks",),
        check=_shared_service,
    ),
)
