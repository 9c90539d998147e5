"""Chat in memory."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from shared.domain.errors import Refused, Transient, UnknownOutcome
from shared.domain.paging import Card, MessageRef, Sheet
from shared.ports import Clock

TRIGGER_LASTS: Final = timedelta(seconds=3)


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
class Modal:
    """An open modal about a stack; without a sheet it shows its placeholder."""

    view: str
    stack: str
    sheet: Sheet | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """Something that one person saw, in a channel or, without one, in a direct message."""

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
        self._triggers: dict[str, datetime] = {}
        self._modals: dict[str, Modal] = {}
        self._made = 0

    def trigger(self) -> str:
        """What a person's command brings with it: it opens one modal, within three seconds."""
        with self._lock:
            trigger = self._name_one("trigger")
            self._triggers[trigger] = self._clock.now()
            return trigger

    def modals(self) -> tuple[Modal, ...]:
        """Every open modal, oldest first."""
        with self._lock:
            return tuple(self._modals.values())

    def close(self, view: str) -> None:
        """The person closes the modal."""
        with self._lock:
            del self._modals[view]

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

    def ask(self, trigger: str, stack: str) -> str:
        """Open a modal with a placeholder."""
        with self._lock:
            fault = self._meet("", must_exist=False)
            given = self._triggers.pop(trigger, None)
            if given is None or self._clock.now() > given + TRIGGER_LASTS:
                raise Refused("the trigger is over: it took longer than three seconds; try again")
            view = self._name_one("view")
            self._modals[view] = Modal(view, stack)
        if fault is ChatFault.LOST_ANSWER:
            raise UnknownOutcome("the answer was lost")
        return view

    def show(self, view: str, sheet: Sheet) -> None:
        """Fill the modal; one that was closed stays closed."""
        with self._lock:
            fault = self._meet("", must_exist=False)
            if view in self._modals:
                self._modals[view] = replace(self._modals[view], sheet=sheet)
        if fault is ChatFault.LOST_ANSWER:
            raise Transient("the answer was lost")

    def tell(self, channel: str, user: str, text: str) -> None:
        """Say something that only this user sees; directly, where the channel is none of ours."""
        with self._lock:
            fault = self._meet(channel, must_exist=False)
            place = _place(channel) if channel and self._exists(channel) else ""
            self._told.append(Told(place, user, text))
        if fault is ChatFault.LOST_ANSWER:
            raise Transient("the answer was lost")

    def _name_one(self, kind: str) -> str:
        self._made += 1
        return f"{kind}-{self._made}"

    def _exists(self, channel: str) -> bool:
        return self._channels is None or _name(channel) in self._channels

    def _meet(self, channel: str, *, must_exist: bool = True) -> ChatFault | None:
        fault = self._faults.pop(0) if self._faults else None
        if fault is ChatFault.AWAY:
            raise Transient("Slack is away")
        if must_exist and not self._exists(channel):
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
