"""Alerts and instructions taking effect."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.app.handle import Handle, Handled
from shared.domain.alert import Alert, AlertStatus
from shared.domain.classify import classify
from shared.domain.errors import BadMessage
from shared.domain.event import AlertReceived, Instructed, MessageRejected
from shared.domain.ids import derive
from shared.domain.incident import stack_of
from shared.ports import Instructions

OVERTAKEN_FOR = timedelta(minutes=5)
"""How late a firing message may come after its own end and still be taken for overtaken."""


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
        alert = self._this_time(alert)
        found = classify(self.handle.policy, alert)
        return self.handle(AlertReceived(alert=alert, row=None, classification=found))

    def _this_time(self, alert: Alert) -> Alert:
        """The alert as the series it is about now.

        A sender that lost sight of a series says that it has ended, and later that it fires, with
        the same start as before. The row of the first time stays ended; what fires again long
        after that end is a series of its own, which starts where the other ended. Soon after
        the end it is only a message that was overtaken.
        """
        row = self.handle.heads.alert(alert.row_id)
        while row is not None and row.status is AlertStatus.RESOLVED and row.ends_at is not None:
            again = replace(alert, starts_at=row.ends_at + timedelta(microseconds=1))
            if again.starts_at <= alert.starts_at or _ended_before(alert, again.starts_at):
                return alert
            known = self.handle.heads.alert(again.row_id)
            late = self.handle.clock.now() >= row.ends_at + OVERTAKEN_FOR
            if known is None and not (late and alert.status is AlertStatus.FIRING):
                return alert
            alert, row = again, known
        return alert


@dataclass(frozen=True, slots=True)
class FollowInstruction:
    """What `command` does with the id of an instruction."""

    handle: Handle
    instructions: Instructions

    def __call__(self, instruction_id: str) -> Handled:
        """Let the stored instruction take effect. Raises `BadMessage` if nobody stored it."""
        instruction = self.instructions.instruction(instruction_id)
        if instruction is None:
            raise BadMessage(
                "this instruction was never stored, so nobody is known to have given it"
            )
        stack = instruction.stack or stack_of(instruction.incident)
        return self.handle(Instructed(instruction=instruction, stack=stack))


def _ended_before(alert: Alert, start: datetime) -> bool:
    """Whether the message tells of an end before this start: then it is about what was before."""
    return alert.ends_at is not None and alert.ends_at < start
