"""Chat in memory."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from shared.domain.errors import Refused, Transient, UnknownOutcome
from shared.domain.paging import Card, MessageRef
from shared.ports import Clock


class ChatFault(Enum):
    """What happens to the next call."""

    AWAY = "nothing is done, and it may be tried again"
    LOST_ANSWER = "it is done, and nobody learns of it"


@dataclass(frozen=True, slots=True)
class Posted:
    """One message as it stands, and how often it was redrawn."""

    ref: MessageRef
    card: Card
    key: str
    updates: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """Something that one person saw."""

    channel: str
    user: str
    text: str


class FakeChat:
    """Channels that exist when named in `channels`; `None` lets every channel exist.

    A channel's id is `C-` and its name; both are understood. `faults` meet one call each.
    """

    def __init__(self, clock: Clock, channels: frozenset[str] | None = None) -> None:
        self._clock = clock
        self._channels = channels
        self._lock = threading.Lock()
        self._faults: list[ChatFault] = []
        self._posted: dict[MessageRef, Posted] = {}
        self._told: list[Told] = []

    def order(self, *faults: ChatFault) -> None:
        """Let the next calls meet these, one each."""
        with self._lock:
            self._faults.extend(faults)

    def posted(self, channel: str | None = None) -> tuple[Posted, ...]:
        """Every message of the channel, or of all of them, oldest first."""
        with self._lock:
            place = None if channel is None else _place(channel)
            return tuple(p for p in self._posted.values() if place in (None, p.ref.channel))

    def told(self) -> tuple[Told, ...]:
        """Everything that only one person saw, in order."""
        with self._lock:
            return tuple(self._told)

    def post(self, channel: str, card: Card, key: str) -> MessageRef:
        """Post a card; twice the same key stands there twice, as in Slack."""
        with self._lock:
            fault = self._meet(channel)
            ref = MessageRef(_place(channel), self._timestamp())
            self._posted[ref] = Posted(ref, card, key)
        if fault is ChatFault.LOST_ANSWER:
            raise UnknownOutcome("the answer was lost")
        return ref

    def find(self, channel: str, key: str) -> MessageRef | None:
        """The newest message posted with this key."""
        with self._lock:
            self._meet(channel, must_exist=False)
            place = _place(channel)
            found = (p.ref for p in self._posted.values() if p.key == key)
            return next((ref for ref in reversed(list(found)) if ref.channel == place), None)

    def update(self, message: MessageRef, card: Card) -> None:
        """Redraw a posted card."""
        with self._lock:
            fault = self._meet(message.channel)
            old = self._posted.get(message)
            if old is None:
                raise Refused("there is no such message")
            self._posted[message] = Posted(message, card, old.key, old.updates + 1)
        if fault is ChatFault.LOST_ANSWER:
            raise Transient("the answer was lost")

    def tell(self, channel: str, user: str, text: str) -> None:
        """Say something that only this user sees."""
        with self._lock:
            fault = self._meet(channel)
            self._told.append(Told(_place(channel), user, text))
        if fault is ChatFault.LOST_ANSWER:
            raise Transient("the answer was lost")

    def _meet(self, channel: str, *, must_exist: bool = True) -> ChatFault | None:
        fault = self._faults.pop(0) if self._faults else None
        if fault is ChatFault.AWAY:
            raise Transient("Slack is away")
        if must_exist and self._channels is not None and _name(channel) not in self._channels:
            raise Refused(f"there is no channel {channel}")
        return fault

    def _timestamp(self) -> str:
        """Seconds and microseconds, later than any message's before."""
        at = self._clock.now()
        taken = {ref.ts for ref in self._posted}
        while (ts := f"{at.timestamp():.6f}") in taken:
            at += timedelta(microseconds=1)
        return ts


def _name(channel: str) -> str:
    return channel.removeprefix("#").removeprefix("C-")


def _place(channel: str) -> str:
    return f"C-{_name(channel)}"
