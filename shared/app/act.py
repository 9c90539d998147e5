"""Carrying out one action: claim it, do it, and let its result take effect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from shared.app.handle import Handle, Handled
from shared.app.keep_lease import Repeating, in_a_thread, keeping
from shared.domain.action import ActionKind, GaveUp, Outcome
from shared.domain.errors import Refused, StaleHolder, Transient, UnknownOutcome
from shared.domain.event import ActionFinished
from shared.ports import Lease, NotClaimed, Outbox, Settlement

Performer = Callable[[Lease], Outcome]

LEASE = timedelta(seconds=30)
"""Longer than any single vendor call; renewed every third of it while the work goes on."""

MAX_ATTEMPTS = 8
PATIENCE = timedelta(minutes=4)
PATIENCE_WITH_PAGES = timedelta(hours=6)
"""After so many claims, and not before so long, an action is given up and somebody is paged
about that: also one that ended its worker each time, and so never reported a failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What `act` does with the id of an action. `repeating` keeps the lease meanwhile."""

    handle: Handle
    outbox: Outbox
    performers: Mapping[ActionKind, Performer]
    repeating: Repeating = in_a_thread

    def __call__(self, action_id: str) -> Handled | NotClaimed | StaleHolder:
        """Carry the action out, unless it is done or unknown.

        Raises `Transient` when it has to be delivered again: another worker holds it, or a
        vendor is away.
        """
        lease = self.outbox.claim(action_id, LEASE)
        if lease is NotClaimed.HELD:
            raise Transient(f"action {action_id} is held by another worker")
        if isinstance(lease, NotClaimed):
            return lease
        try:
            return self._finish(*self._perform(lease))
        except StaleHolder as stale:
            return stale

    def _perform(self, lease: Lease) -> tuple[Lease, Outcome]:
        if lease.attempt > MAX_ATTEMPTS and self._hopeless(lease):
            return lease, GaveUp(f"tried {lease.attempt - 1} times in vain; the log says how")
        with keeping(self.outbox, lease, LEASE, self.repeating) as kept:
            try:
                outcome = self.performers[lease.action.kind](lease)
            except Refused as refused:
                outcome = GaveUp(str(refused))
            except (Transient, UnknownOutcome) as error:
                outcome = self._again_or_give_up(kept.stop(), error)
        return kept.lease, outcome

    def _hopeless(self, lease: Lease) -> bool:
        """Whether it has been tried for so long that it is given up."""
        page = lease.action.kind in (ActionKind.PAGE, ActionKind.NOTIFY)
        patience = PATIENCE_WITH_PAGES if page else PATIENCE
        return self.handle.clock.now() - lease.first_claimed_at >= patience

    def _again_or_give_up(self, lease: Lease, error: Exception) -> GaveUp:
        if lease.attempt < MAX_ATTEMPTS or not self._hopeless(lease):
            self.outbox.release(lease)
            raise Transient(f"{lease.action.kind} {lease.action.id}: {error}") from error
        return GaveUp(f"tried {lease.attempt} times: {error}")

    def _finish(self, lease: Lease, outcome: Outcome) -> Handled:
        action = lease.action
        event = ActionFinished(action=action, attempt=lease.attempt, outcome=outcome)
        settles = Settlement(action=action.id, fence=lease.fence, outcome=outcome)
        return self.handle(event, settles)
