"""The messages of the embedded bus: an outbox row is the message."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shared.adapters.sqlite.database import Database
from shared.domain.action import Action
from shared.domain.ids import stamp
from shared.ports import Clock, Message

_ADD: Final = """
    INSERT INTO messages (topic, id, data, attributes, published_at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (topic, id) DO NOTHING"""
_FORGET_FINISHED: Final = """
    DELETE FROM messages WHERE topic = ? AND id = ?
    AND (delivered_at IS NOT NULL OR dead_at IS NOT NULL)
    AND NOT EXISTS (
        SELECT 1 FROM actions WHERE actions.id = messages.id AND actions.outcome IS NOT NULL)"""
_WAITING: Final = """
    SELECT seq, topic, id, data, attributes, published_at, attempts FROM messages
    WHERE topic = ? AND seq > ? AND delivered_at IS NULL AND dead_at IS NULL
    ORDER BY seq LIMIT ?"""
_DEAD: Final = """
    SELECT seq, topic, id, data, attributes, published_at, attempts, dead_at, last_error
    FROM messages WHERE dead_at IS NOT NULL ORDER BY dead_at DESC, seq DESC LIMIT ?"""
_COUNTS: Final = """
    SELECT COUNT(*) FILTER (WHERE delivered_at IS NULL AND dead_at IS NULL),
    COUNT(*) FILTER (WHERE dead_at IS NOT NULL) FROM messages WHERE topic = ?"""
_LAST: Final = "SELECT published_at FROM messages WHERE topic = ? ORDER BY seq DESC LIMIT 1"
_DELIVERED: Final = "UPDATE messages SET delivered_at = ? WHERE seq = ?"
_FAILED: Final = """
    UPDATE messages SET attempts = attempts + 1, last_error = ?, dead_at = ? WHERE seq = ?"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A message that nobody has acknowledged yet. `attempts` are those that failed."""

    seq: int
    topic: str
    id: str
    data: bytes
    attributes: Mapping[str, str]
    published_at: datetime
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that was tried as often as allowed, and what was wrong the last time."""

    message: Waiting
    dead_at: datetime
    last_error: str


class Messages:
    """The bus's table. Listeners are called in the publisher's thread, after the commit."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._listeners: tuple[Callable[[str], None], ...] = ()

    def listen(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with the topic whenever it has new messages. It must return at once."""
        self._listeners = (*self._listeners, listener)

    def ring(self, topics: Iterable[str]) -> None:
        """Tell the listeners that these topics have new messages."""
        for topic in topics:
            for listener in self._listeners:
                listener(topic)

    def publish(self, topic: str, messages: Sequence[Message]) -> None:
        """Make the messages durable. One that is waiting already stays as it is.

        One that was delivered or is dead becomes deliverable again, unless it is the message
        of an action that is done. `published_at` never goes back, whatever the clock does: it
        tells which of two messages was said last.
        """
        rows = [(topic, m.id, m.data, json.dumps(dict(m.attributes))) for m in messages]

        def work(write: sqlite3.Connection) -> None:
            at = stamp(_later_than(write.execute(_LAST, (topic,)).fetchone(), self._clock.now()))
            write.executemany(_FORGET_FINISHED, [(topic, m.id) for m in messages])
            write.executemany(_ADD, [(*row, at) for row in rows])

        self._database.write(work)
        self.ring((topic,))

    def add_actions(self, write: sqlite3.Connection, actions: Iterable[Action], at: str) -> None:
        """Write the actions' messages as part of the commit that decides them."""
        attributes = json.dumps({"kind": "action"})
        write.executemany(
            _ADD,
            [
                (each.kind.topic, each.id, json.dumps({"action": each.id}).encode(), attributes, at)
                for each in actions
            ],
        )

    def waiting(self, topic: str, after: int, limit: int) -> tuple[Waiting, ...]:
        """Messages of a topic with a higher `seq` than `after`, in order."""
        with self._database.reading() as read:
            rows = read.execute(_WAITING, (topic, after, limit)).fetchall()
        return tuple(_message(row) for row in rows)

    def age(self, message: Waiting) -> timedelta:
        """How long ago the message was published."""
        return self._clock.now() - message.published_at

    def delivered(self, seq: int) -> None:
        """Record that the message was acknowledged."""
        at = stamp(self._clock.now())
        self._database.write(lambda write: write.execute(_DELIVERED, (at, seq)))

    def failed(self, seq: int, error: str, *, dead: bool) -> None:
        """Record an attempt that failed; after the last one the message is a dead letter."""
        dead_at = stamp(self._clock.now()) if dead else None
        self._database.write(lambda write: write.execute(_FAILED, (error, dead_at, seq)))

    def dead_letters(self, limit: int = 100) -> tuple[DeadLetter, ...]:
        """Dead letters, the latest first."""
        with self._database.reading() as read:
            rows = read.execute(_DEAD, (limit,)).fetchall()
        return tuple(
            DeadLetter(
                message=_message(row[:-2]),
                dead_at=datetime.fromisoformat(row[-2]),
                last_error=row[-1],
            )
            for row in rows
        )

    def counts(self, topic: str) -> tuple[int, int]:
        """How many messages of the topic wait, and how many are dead."""
        with self._database.reading() as read:
            row = read.execute(_COUNTS, (topic,)).fetchone()
        return int(row[0]), int(row[1])


def _later_than(last: tuple[str] | None, now: datetime) -> datetime:
    """Now, or the moment after the last message where the clock was set back since."""
    if last is None:
        return now
    return max(now, datetime.fromisoformat(last[0]) + timedelta(microseconds=1))


def _message(row: tuple[int, str, str, bytes, str, str, int]) -> Waiting:
    seq, topic, message_id, data, attributes, published_at, attempts = row
    return Waiting(
        seq=seq,
        topic=topic,
        id=message_id,
        data=data,
        attributes=json.loads(attributes),
        published_at=datetime.fromisoformat(published_at),
        attempts=attempts,
    )
