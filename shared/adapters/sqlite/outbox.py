"""Actions on their way to being done, timers, and instructions, on SQLite."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta

from shared.adapters.sqlite.database import Database
from shared.domain.action import Action
from shared.domain.errors import StaleHolder
from shared.domain.event import Instruction, Timer
from shared.domain.ids import stamp
from shared.ports import Clock, Lease, NotClaimed
from shared.wire import stored


class SqliteOutbox:
    """`ports.Outbox`: leases by the store's clock, fences that count up."""

    _database: Database
    _clock: Clock

    def claim(self, action_id: str, lease: timedelta) -> Lease | NotClaimed:
        """Take the action, if it is neither done nor held."""
        return self._database.write(
            lambda write: _claim(write, action_id, self._clock.now(), lease)
        )

    def renew(self, held: Lease, lease: timedelta) -> Lease:
        """Hold it for longer. Raises `StaleHolder`."""
        until = stamp(self._clock.now() + lease)
        if not self._database.write(lambda write: _pass_on(write, held, until)):
            raise StaleHolder(f"action {held.action.id} has passed to another worker")
        return replace(held, fence=str(int(held.fence) + 1))

    def release(self, held: Lease) -> None:
        """Give it back undone; what has passed to another worker already stays there."""
        self._database.write(lambda write: _pass_on(write, held, None))

    def unsettled(self, older_than: timedelta, limit: int = 100) -> tuple[Action, ...]:
        """Actions decided longer ago than this, not done and not held, oldest first."""
        now = self._clock.now()
        with self._database.reading() as read:
            rows = read.execute(
                "SELECT body FROM actions WHERE outcome IS NULL AND decided_at <= ?"
                " AND (lease_until IS NULL OR lease_until <= ?) ORDER BY decided_at, seq LIMIT ?",
                (stamp(now - older_than), stamp(now), limit),
            ).fetchall()
        return tuple(stored.ACTION.decode(body) for (body,) in rows)

    def expire_leases(self) -> int:
        """End every lease, and say how many there were.

        Only for the one-machine world when it starts: the process that held them is dead.
        """
        return self._database.write(
            lambda write: (
                write.execute(
                    "UPDATE actions SET lease_until = NULL, fence = fence + 1"
                    " WHERE outcome IS NULL AND lease_until IS NOT NULL"
                ).rowcount
            )
        )


def _claim(
    write: sqlite3.Connection, action_id: str, now: datetime, lease: timedelta
) -> Lease | NotClaimed:
    row = write.execute(
        "SELECT body, fence, attempts, lease_until, first_claimed_at, outcome IS NOT NULL"
        " FROM actions WHERE id = ?",
        (action_id,),
    ).fetchone()
    if row is None:
        return NotClaimed.UNKNOWN
    body, fence, attempts, lease_until, first_claimed_at, settled = row
    if settled:
        return NotClaimed.SETTLED
    if lease_until is not None and lease_until > stamp(now):
        return NotClaimed.HELD
    first = first_claimed_at or stamp(now)
    write.execute(
        "UPDATE actions SET fence = fence + 1, attempts = attempts + 1, lease_until = ?,"
        " first_claimed_at = ? WHERE id = ?",
        (stamp(now + lease), first, action_id),
    )
    return Lease(
        action=stored.ACTION.decode(body),
        fence=str(fence + 1),
        attempt=attempts + 1,
        first_claimed_at=datetime.fromisoformat(first),
    )


def _pass_on(write: sqlite3.Connection, held: Lease, until: str | None) -> bool:
    """Gives the action a new fence and end of lease, if `held` is still the current lease."""
    changed = write.execute(
        "UPDATE actions SET fence = fence + 1, lease_until = ?"
        " WHERE id = ? AND fence = ? AND outcome IS NULL",
        (until, held.action.id, held.fence),
    )
    return changed.rowcount == 1


class SqliteTimers:
    """`ports.Timers`."""

    _database: Database

    def due(self, now: datetime, limit: int = 100) -> tuple[Timer, ...]:
        """Timers whose time has come, earliest first."""
        with self._database.reading() as read:
            rows = read.execute(
                "SELECT body FROM timers WHERE due <= ? ORDER BY due, id LIMIT ?",
                (stamp(now), limit),
            ).fetchall()
        return tuple(stored.TIMER.decode(body) for (body,) in rows)


class SqliteInstructions:
    """`ports.Instructions`."""

    _database: Database

    def add_instruction(self, instruction: Instruction) -> bool:
        """Store it; False if it was stored before."""
        added = self._database.write(
            lambda write: (
                write.execute(
                    "INSERT OR IGNORE INTO instructions (id, body) VALUES (?, ?)",
                    (instruction.id, stored.INSTRUCTION.encode(instruction)),
                ).rowcount
            )
        )
        return added == 1

    def instruction(self, instruction_id: str) -> Instruction | None:
        """The stored instruction."""
        with self._database.reading() as read:
            row = read.execute(
                "SELECT body FROM instructions WHERE id = ?", (instruction_id,)
            ).fetchone()
        return stored.INSTRUCTION.decode(row[0]) if row else None
