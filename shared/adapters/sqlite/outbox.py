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
from shared.domain.lease import SKEW, remaining
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
        now = self._clock.now()
        if not self._database.write(lambda write: _pass_on(write, held, now, lease)):
            raise StaleHolder(f"action {held.action.id} has passed to another worker")
        return replace(held, fence=str(int(held.fence) + 1))

    def left(self, held: Lease) -> timedelta:
        """How much longer this claim holds the action; zero if it does not."""
        with self._database.reading() as read:
            row = read.execute(
                "SELECT leased_at, lease_until FROM actions"
                " WHERE id = ? AND attempts = ? AND outcome IS NULL",
                (held.action.id, held.attempt),
            ).fetchone()
        return _left(row[0], row[1], self._clock.now()) if row else timedelta()

    def release(self, held: Lease) -> None:
        """Give it back undone; what has passed to another worker already stays there."""
        now = self._clock.now()
        self._database.write(lambda write: _pass_on(write, held, now, None))

    def unsettled(self, older_than: timedelta, limit: int = 100) -> tuple[Action, ...]:
        """Actions decided longer ago than this, not done and not held, oldest first.

        What was decided in the future was decided before the clock was set back.
        """
        now = self._clock.now()
        ahead = stamp(now + SKEW)
        with self._database.reading() as read:
            rows = read.execute(
                "SELECT body FROM actions WHERE outcome IS NULL"
                " AND (decided_at <= ? OR decided_at > ?)"
                " AND (lease_until IS NULL OR lease_until <= ? OR leased_at > ?)"
                " ORDER BY decided_at, seq LIMIT ?",
                (stamp(now - older_than), ahead, stamp(now), ahead, limit),
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
        "SELECT body, fence, attempts, leased_at, lease_until, first_claimed_at,"
        " outcome IS NOT NULL FROM actions WHERE id = ?",
        (action_id,),
    ).fetchone()
    if row is None:
        return NotClaimed.UNKNOWN
    body, fence, attempts, leased_at, lease_until, first_claimed_at, settled = row
    if settled:
        return NotClaimed.SETTLED
    if _left(leased_at, lease_until, now):
        return NotClaimed.HELD
    first = first_claimed_at or stamp(now)
    write.execute(
        "UPDATE actions SET fence = fence + 1, attempts = attempts + 1, leased_at = ?,"
        " lease_until = ?, first_claimed_at = ? WHERE id = ?",
        (stamp(now), stamp(now + lease), first, action_id),
    )
    return Lease(
        action=stored.ACTION.decode(body),
        fence=str(fence + 1),
        attempt=attempts + 1,
        first_claimed_at=datetime.fromisoformat(first),
    )


def _left(leased_at: str | None, lease_until: str | None, now: datetime) -> timedelta:
    if leased_at is None or lease_until is None:
        return timedelta()
    return remaining(datetime.fromisoformat(leased_at), datetime.fromisoformat(lease_until), now)


def _pass_on(
    write: sqlite3.Connection, held: Lease, now: datetime, lease: timedelta | None
) -> bool:
    """Gives the action a new fence and lease (or none), if `held` is still the current one."""
    changed = write.execute(
        "UPDATE actions SET fence = fence + 1, leased_at = ?, lease_until = ?"
        " WHERE id = ? AND fence = ? AND outcome IS NULL",
        (stamp(now), stamp(now + lease) if lease else None, held.action.id, held.fence),
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
                    "INSERT OR IGNORE INTO instructions (id, at, body) VALUES (?, ?, ?)",
                    (
                        instruction.id,
                        stamp(instruction.at),
                        stored.INSTRUCTION.encode(instruction),
                    ),
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
