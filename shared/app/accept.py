"""What comes in is made durable, and nothing is decided yet.

Apart from `receive`, so that the two functions somebody waits for start without the deciding.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shared.domain.action import Topic
from shared.domain.event import Instruction
from shared.domain.ids import stamp
from shared.ports import Clock, Instructions, Message, Publisher

COMMAND = "command"
"""The attribute `kind` of messages that are for `command`; all others are for `respond`."""

REJECTED = "rejected"
"""The attribute `kind` of messages that say what could not be read."""


@dataclass(frozen=True, slots=True)
class PublishAlerts:
    """What `ingest` does with the alerts of one webhook."""

    publisher: Publisher
    clock: Clock

    def __call__(self, alerts: Iterable[tuple[str, bytes]], source: str) -> int:
        """Publish one message for each (event id, alert); return once all are durable.

        The same alert told again is another message: where an end was told in between and all
        three wait, the last word must not be taken for the first.
        """
        attributes = {"kind": "alert", "source": source}
        now = stamp(self.clock.now())
        messages = [
            Message(id=f"{event}@{now}", data=data, attributes=attributes) for event, data in alerts
        ]
        self.publisher.publish(Topic.EVENTS.value, messages)
        return len(messages)


@dataclass(frozen=True, slots=True)
class PublishRejections:
    """What `ingest` does with what it cannot read: it has no store to record it in."""

    publisher: Publisher

    def __call__(self, rejected: Iterable[tuple[str, bytes]]) -> None:
        """Publish one message for each (event id, rejection); return once all are durable."""
        attributes = {"kind": REJECTED}
        messages = [Message(id=event, data=data, attributes=attributes) for event, data in rejected]
        if messages:
            self.publisher.publish(Topic.EVENTS.value, messages)


@dataclass(frozen=True, slots=True)
class StoreInstruction:
    """What `slack` does with a verified press: store it, and publish only its id."""

    instructions: Instructions
    publisher: Publisher

    def __call__(self, instruction: Instruction) -> None:
        """Return once the instruction and its message are durable.

        A replayed request stores nothing, and publishes the same id again, which changes nothing.
        """
        self.instructions.add_instruction(instruction)
        data = f'{{"instruction":"{instruction.id}"}}'.encode()
        message = Message(id=instruction.id, data=data, attributes={"kind": COMMAND})
        self.publisher.publish(Topic.EVENTS.value, [message])
