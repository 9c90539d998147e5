"""Actions on their way to being done, timers, and instructions, on Firestore."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any

from shared.adapters.firestore import documents
from shared.adapters.firestore.access import Access, reference
from shared.adapters.firestore.errors import lost_race, may_be_away
from shared.domain.action import Action
from shared.domain.errors import StaleHolder
from shared.domain.event import Instruction, Timer
from shared.domain.ids import stamp
from shared.domain.lease import SKEW
from shared.ports import Lease, NotClaimed
from shared.wire import stored


class FirestoreOutbox(Access):
    """`ports.Outbox`: the fence is the action document's update time.

    Leases are by Firestore's own clock, which every answer bears, because those of the workers'
    machines need not agree.
    """

    def claim(self, action_id: str, lease: timedelta) -> Lease | NotClaimed:
        """Take the action, if it is neither done nor held."""
        found = self._get(documents.ACTIONS, action_id)
        if not found.exists:
            return NotClaimed.UNKNOWN
        fields: dict[str, Any] = found.to_dict() or {}
        if "waiting_since" not in fields:
            return NotClaimed.SETTLED
        now = self._read_at(found)
        if documents.lease_left(fields, now):
            return NotClaimed.HELD
        first = fields["first_claimed_at"] or stamp(now)
        attempt = fields["attempts"] + 1
        changes = {
            "attempts": attempt,
            "first_claimed_at": first,
            **documents.lease_fields(now, lease),
        }
        fence = self._change(action_id, documents.to_text(found.update_time), changes)
        if fence is None:
            return NotClaimed.HELD
        return Lease(
            action=stored.ACTION.decode(fields["body"]),
            fence=fence,
            attempt=attempt,
            first_claimed_at=datetime.fromisoformat(first),
        )

    def renew(self, held: Lease, lease: timedelta) -> Lease:
        """Hold it for longer. Raises `StaleHolder`."""
        now = self._read_at(self._get(documents.ACTIONS, held.action.id))
        changes = documents.lease_fields(now, lease)
        fence = self._change(held.action.id, held.fence, changes)
        if fence is None:
            raise StaleHolder(f"action {held.action.id} has passed to another worker")
        return replace(held, fence=fence)

    def left(self, held: Lease) -> timedelta:
        """How much longer this claim holds the action; zero if it does not."""
        found = self._get(documents.ACTIONS, held.action.id)
        fields: dict[str, Any] = found.to_dict() or {}
        ours = "waiting_since" in fields and fields["attempts"] == held.attempt
        return documents.lease_left(fields, self._read_at(found)) if ours else timedelta()

    def release(self, held: Lease) -> None:
        """Give it back undone; what has passed to another worker already stays there."""
        self._change(held.action.id, held.fence, {"lease_until": ""})

    def unsettled(self, older_than: timedelta, limit: int = 100) -> tuple[Action, ...]:
        """Actions decided longer ago than this, not done and not held, oldest first.

        What was decided in the future was decided before the clock was set back.
        """
        now = self._clock.now()
        old = self._waiting("<=", now - older_than)
        ahead = self._waiting(">", now + SKEW)
        bodies = (body for body, free in chain(old, ahead) if free)
        return tuple(stored.ACTION.decode(body) for body in islice(bodies, limit))

    def _waiting(self, is_: str, since: datetime) -> Iterator[tuple[str, bool]]:
        """The actions that wait since before or after then, and whether nobody holds them."""
        from google.cloud.firestore import FieldFilter

        query = (
            self._client.collection(documents.ACTIONS)
            .where(filter=FieldFilter("waiting_since", is_, stamp(since)))
            .order_by("waiting_since")
        )
        for row in self._stream(query):
            fields = row.to_dict() or {}
            yield fields["body"], not documents.lease_left(fields, self._read_at(row))

    def _change(self, action_id: str, fence: str, changes: dict[str, Any]) -> str | None:
        """The new fence, or None if the given one is not the current one.

        `turn` makes every change a change, for one that is none gives no new update time.
        """
        from google.api_core import exceptions
        from google.cloud.firestore import Increment

        where = reference(self._client, documents.ACTIONS, action_id)
        option = self._client.write_option(last_update_time=documents.to_time(fence))
        with may_be_away():
            try:
                result: Any = where.update(
                    {**changes, "turn": Increment(1)},
                    option=option,
                    retry=None,
                    timeout=self._deadline.total_seconds(),
                )
            except exceptions.GoogleAPIError as error:
                if lost_race(error):
                    return None
                raise
        return documents.to_text(result.update_time)


class FirestoreTimers(Access):
    """`ports.Timers`."""

    def due(self, now: datetime, limit: int = 100) -> tuple[Timer, ...]:
        """Timers whose time has come, earliest first."""
        from google.cloud.firestore import FieldFilter

        query = (
            self._client.collection(documents.TIMERS)
            .where(filter=FieldFilter("due", "<=", stamp(now)))
            .order_by("due")
            .limit(limit)
        )
        return tuple(stored.TIMER.decode(row.get("body")) for row in self._stream(query))


class FirestoreInstructions(Access):
    """`ports.Instructions`."""

    def add_instruction(self, instruction: Instruction) -> bool:
        """Store it; False if it was stored before.

        After a lost answer the request comes again, and is then a repeat; what it asks for is
        told by its row, not by this answer.
        """
        from google.api_core import exceptions

        where = reference(self._client, documents.INSTRUCTIONS, instruction.id)
        with may_be_away():
            try:
                where.create(
                    documents.instruction_fields(instruction),
                    retry=None,
                    timeout=self._deadline.total_seconds(),
                )
            except exceptions.AlreadyExists:
                return False
        return True

    def instruction(self, instruction_id: str) -> Instruction | None:
        """The stored instruction."""
        row = self._get(documents.INSTRUCTIONS, instruction_id)
        return stored.INSTRUCTION.decode(row.get("body")) if row.exists else None
