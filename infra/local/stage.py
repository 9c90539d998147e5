"""What the steps of a scenario have to work with: the world's public endpoints, and no more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.local.client import WorldClient, button
from shared.domain.policy import Policy, StackPolicy

Say = Callable[[str], None]
Step = Callable[["Stage"], bool]
"""Does or looks at one thing and says whether that is done; until then it is called again.

A step may be called again after it was done, when the process died in between: it has to find
out for itself, or do the same thing again without harm.
"""

APPROVE = "approve_rollback"


class Stage:
    """One world with one stack to play on.

    `began` is when the scenario was first started, and the same after a restart; `patience` is
    how long a person has to press a button before it is pressed for them.
    """

    def __init__(
        self,
        client: WorldClient,
        policy: Policy,
        say: Say,
        patience: timedelta,
        began: datetime,
    ) -> None:
        self.client = client
        self.stack: StackPolicy = next(s for s in policy.stacks.values() if s.services)
        self.approver = policy.approvers(self.stack.id, began)[0].id
        self.patience = patience
        self.began = began
        self._say = say
        self._said: set[str] = set()

    @property
    def services(self) -> tuple[str, ...]:
        """The services' names, in the policy's order."""
        return tuple(service.name for service in self.stack.services)

    @property
    def slack(self) -> str:
        """Where a person looks at Slack."""
        return f"{self.client.base_url}/sim/slack"

    def say(self, text: str) -> None:
        """Tell whoever watches, once, however often the step is called."""
        if text not in self._said:
            self._said.add(text)
            self._say(text)

    def starts_at(self, number: int = 0) -> str:
        """When the alert of this number began to fire; each has an instant of its own."""
        at = self.began + timedelta(milliseconds=number)
        return at.astimezone(UTC).isoformat()

    def incident(self) -> dict[str, Any] | None:
        """The newest incident, without its timeline."""
        return next(iter(self.client.incidents()), None)

    def rolled_back(self) -> dict[str, Any] | None:
        """The newest incident that has a rollback, without its timeline."""
        return next((i for i in self.client.incidents() if i["rollback"]), None)

    def rollback(self) -> dict[str, Any] | None:
        """The rollback of the newest incident that has one."""
        incident = self.rolled_back()
        wished: dict[str, Any] | None = incident["rollback"] if incident else None
        return wished

    def proposal(self) -> dict[str, Any] | None:
        """The message that still offers a rollback."""
        return next((m for m in self.client.messages() if button(m, APPROVE)), None)
