"""Actions on their way to being done, timers, and instructions, in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from shared.adapters.memory.tables import KeptAction, Tables
from shared.domain.action import Action
from shared.domain.errors import StaleHolder
from shared.domain.event import Instruction, Timer
from shared.domain.lease import SKEW, remaining
from shared.ports import Clock, Lease, NotClaimed


class MemoryOutbox:
    """`ports.Outbox`, `ports.Timers` and `ports.Instructions`."""

    _tables: Tables
    _clock: Clock

    def claim(self, action_id: str, lease: timedelta) -> Lease | NotClaimed:
        """Take the action, if it is neither done nor held."""
        now = self._clock.now()
        with self._tables.lock:
            kept = self._tables.actions.get(action_id)
            if kept is None:
                return NotClaimed.UNKNOWN
            if kept.outcome is not None:
                return NotClaimed.SETTLED
            if _left(kept, now):
                return NotClaimed.HELD
            kept.attempts += 1
            kept.first_claimed_at = first = kept.first_claimed_at or now
            _pass_on(kept, now, lease)
            return Lease(
                action=kept.action,
                fence=str(kept.fence),
                attempt=kept.attempts,
                first_claimed_at=first,
            )

    def renew(self, held: Lease, lease: timedelta) -> Lease:
        """Hold it for longer. Raises `StaleHolder`."""
        with self._tables.lock:
            kept = self._held(held)
            if kept is None:
                raise StaleHolder(f"action {held.action.id} has passed to another worker")
            _pass_on(kept, self._clock.now(), lease)
            return replace(held, fence=str(kept.fence))

    def left(self, held: Lease) -> timedelta:
        """How much longer this claim holds the action; zero if it does not."""
        with self._tables.lock:
            kept = self._tables.actions.get(held.action.id)
            if kept is None or kept.attempts != held.attempt or kept.outcome is not None:
                return timedelta()
            return _left(kept, self._clock.now())

    def release(self, held: Lease) -> None:
        """Give it back undone; what has passed to another worker already stays there."""
        with self._tables.lock:
            kept = self._held(held)
            if kept is not None:
                _pass_on(kept, self._clock.now(), None)

    def unsettled(self, older_than: timedelta, limit: int = 100) -> tuple[Action, ...]:
        """Actions decided longer ago than this, not done and not held, oldest first."""
        now = self._clock.now()
        with self._tables.lock:
            found = [
                kept.action
                for kept in self._tables.actions.values()
                if kept.outcome is None and not _left(kept, now)
                if not now - older_than < kept.action.decided_at <= now + SKEW
            ]
        return tuple(sorted(found, key=lambda action: action.decided_at)[:limit])

    def due(self, now: datetime, limit: int = 100) -> tuple[Timer, ...]:
        """Timers whose time has come, earliest first."""
        with self._tables.lock:
            found = [timer for timer in self._tables.timers.values() if timer.due <= now]
        return tuple(sorted(found, key=lambda timer: (timer.due, timer.id))[:limit])

    def add_instruction(self, instruction: Instruction) -> bool:
        """Store it; False if it was stored before."""
        with self._tables.lock:
            known = instruction.id in self._tables.instructions
            self._tables.instructions.setdefault(instruction.id, instruction)
        return not known

    def instruction(self, instruction_id: str) -> Instruction | None:
        """The stored instruction."""
        with self._tables.lock:
            return self._tables.instructions.get(instruction_id)

    def _held(self, held: Lease) -> KeptAction | None:
        """The action, if `held` is still the current hold on it."""
        kept = self._tables.actions.get(held.action.id)
        if kept is None or kept.outcome is not None or str(kept.fence) != held.fence:
            return None
        return kept


def _left(kept: KeptAction, now: datetime) -> timedelta:
    if kept.leased_at is None or kept.lease_until is None:
        return timedelta()
    return remaining(kept.leased_at, kept.lease_until, now)


def _pass_on(kept: KeptAction, now: datetime, lease: timedelta | None) -> None:
    kept.fence += 1
    kept.leased_at = now
    kept.lease_until = now + lease if lease else None
