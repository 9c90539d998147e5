"""What a world is like once everything is over, and the waiting until it is."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from shared.adapters.sqlite.store import SqliteStore
from shared.domain.action import Topic
from shared.domain.alert import Alert
from shared.domain.incident import Incident
from shared.domain.rollback_phase import Phase
from tests.end_to_end.town import STACKS

QUIET_SECONDS: Final = 150.0


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What was told to the world, and what it is like once everything is over."""

    accepted: tuple[Alert, ...]
    store: SqliteStore
    incidents: tuple[Incident, ...]
    messages: list[dict[str, Any]]
    changes: list[dict[str, Any]]
    up: bool

    def posted(self) -> Counter[str]:
        """How often each page stands in Slack, by its key."""
        about = [message["metadata"] for message in self.messages if message["metadata"]]
        return Counter(each["event_payload"]["key"] for each in about)

    def moved(self) -> Counter[str]:
        """How often each service's traffic was really changed."""
        return Counter(
            change["service"]
            for change in self.changes
            if change["method"] == "UpdateService"
            and not change["validate_only"]
            and change["outcome"] == "OK"
        )


def until_nothing(left: Callable[[], object]) -> None:
    """Ask again and again until nothing is left; fail with what is."""
    deadline, pause = time.monotonic() + QUIET_SECONDS, threading.Event()
    while remains := left():
        assert time.monotonic() < deadline, f"after {QUIET_SECONDS:.0f} s still: {remains}"
        pause.wait(0.2)


def not_rolled_back(store: SqliteStore) -> set[str]:
    """The stacks whose rollback has yet to come to its end."""
    incidents = (incident for head in store.heads() for incident in head.stack.incidents)
    return {*STACKS} - {incident.stack for incident in incidents if was_applied(incident)}


def was_applied(incident: Incident) -> bool:
    """Whether its traffic was moved, and came up healthy."""
    return incident.rollback is not None and incident.rollback.phase is Phase.APPLIED


def under_way(store: SqliteStore) -> tuple[str, ...]:
    """What is still to happen: messages to deliver, incidents to be closed and put away.

    After a rollback an incident is put aside until a person has reviewed it.
    """
    waiting = {topic: store.messages.counts(topic)[0] for topic in Topic}
    heads = [head.stack for head in store.heads()]
    incidents = [i.id for stack in heads for i in stack.incidents if not i.aside]
    return (*(f"{count} {topic}" for topic, count in waiting.items() if count), *incidents)
