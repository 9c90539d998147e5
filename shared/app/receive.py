"""Alerts and instructions taking effect."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from shared.app.handle import Handle, Handled
from shared.domain.alert import Alert
from shared.domain.errors import BadMessage
from shared.domain.event import Instructed, MessageRejected
from shared.domain.ids import derive
from shared.domain.incident import stack_of
from shared.ports import Instructions


@dataclass(frozen=True, slots=True)
class ReceiveAlerts:
    """What `respond` does with the alerts of one message."""

    handle: Handle

    def __call__(self, alerts: Iterable[Alert]) -> tuple[Handled, ...]:
        """Let each alert take effect."""
        return tuple(self._one(alert) for alert in alerts)

    def reject(self, rejected: MessageRejected) -> Handled:
        """Record a message that cannot be read, and see that somebody hears of it.

        The same message on another day is another event, because each day is paged about.
        """
        day = self.handle.clock.now().date().isoformat()
        return self.handle(replace(rejected, id=derive("rejected", rejected.id, day)))

    def _one(self, alert: Alert) -> Handled:
        first = handled = self.handle(alert)
        while handled.more:
            handled = self.handle(alert)
        return first


@dataclass(frozen=True, slots=True)
class FollowInstruction:
    """What `command` does with the id of an instruction."""

    handle: Handle
    instructions: Instructions

    def __call__(self, instruction_id: str) -> Handled:
        """Let the stored instruction take effect. Raises `BadMessage` if nobody stored it.

        What Slack brought was stored by our clock. What came otherwise was stored by that of a
        person's own machine, which may be wrong by any amount: it counts from now.
        """
        instruction = self.instructions.instruction(instruction_id)
        if instruction is None:
            raise BadMessage(
                "this instruction was never stored, so nobody is known to have given it"
            )
        if instruction.via:
            instruction = replace(instruction, at=self.handle.clock.now())
        stack = instruction.stack or stack_of(instruction.incident)
        return self.handle(Instructed(instruction=instruction, stack=stack))
