"""Getting actions onto their topics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shared.domain.action import Action, Topic
from shared.ports import Message, Publisher


@dataclass(frozen=True, slots=True)
class Announcer:
    """Publishes the ids of actions. The topic carries nothing else: the store has the rest.

    With the embedded bus the outbox row that the commit wrote *is* the message
    (`commit_publishes`), so a new action is on its topic already.
    """

    publisher: Publisher
    commit_publishes: bool = False

    def new(self, actions: Iterable[Action]) -> None:
        """Actions that were committed just now."""
        if not self.commit_publishes:
            self.again(actions)

    def again(self, actions: Iterable[Action]) -> None:
        """Actions whose message may have been lost."""
        by_topic: dict[Topic, list[Message]] = {}
        for action in actions:
            by_topic.setdefault(action.kind.topic, []).append(action_message(action))
        for topic, messages in by_topic.items():
            self.publisher.publish(topic.value, messages)


def action_message(action: Action) -> Message:
    """The message that has an action carried out."""
    data = f'{{"action":"{action.id}"}}'.encode()
    return Message(id=action.id, data=data, attributes={"kind": "action"})
