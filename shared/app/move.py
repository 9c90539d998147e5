"""One service's traffic, fenced by its generation and guarded by its etag."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain.errors import Refused, Transient, UnknownOutcome
from shared.domain.lease import SKEW
from shared.domain.rollback import (
    MoveResult,
    Position,
    ServiceOutcome,
    ServicePlan,
    ServiceState,
    Split,
    describe_split,
    position,
    same_split,
)
from shared.domain.targets import pinned_split, restored_split
from shared.ports import Clock, Traffic

SERVE_WITHIN = timedelta(seconds=120)
"""How long Cloud Run may take to serve what it accepted."""

LOOK_AGAIN_FOR = timedelta(seconds=90)
"""After a lost answer: a request's own deadline of 30 s and 60 s more, in which it may land."""

TRIES = 3
_RAN_OUT = "the approval ran out before the change could be sent"
PAUSE = timedelta(milliseconds=200)


@dataclass(frozen=True, slots=True)
class Move:
    """Moves one service, or says why it did not. Never sends twice what may have happened.

    `left` asks the store how much longer the action is ours: whoever slept past the lease sends
    nothing, because another may have told people by now that nothing moved.
    """

    traffic: Traffic
    clock: Clock
    left: Callable[[], timedelta]
    restoring: bool
    decided_at: datetime
    not_after: datetime | None

    def __call__(self, plan: ServicePlan) -> ServiceOutcome:
        """Look where the service stands, send the change if it is not done, wait until it serves.

        Raises `Transient` when the service cannot even be looked at, and before it sends
        anything under a lease that is over.
        """
        state = self.traffic.look(plan.resource)
        match self._position(plan, state):
            case Position.FOREIGN:
                return _foreign(plan, state)
            case Position.DONE:
                return self._served(plan, state.traffic)
            case Position.BEFORE if self._too_late():
                return _outcome(plan, MoveResult.REFUSED, _RAN_OUT, state.traffic)
            case _:
                return self._send(plan, state)

    def standing(self, plan: ServicePlan) -> ServiceOutcome:
        """Where the service stands, without touching it."""
        state = self.traffic.look(plan.resource)
        match self._position(plan, state):
            case Position.FOREIGN:
                return _foreign(plan, state)
            case Position.DONE:
                return _outcome(plan, MoveResult.MOVED, "moved before", state.serving)
            case Position.BEFORE:
                why = "not touched, because another service of the stack was changed"
                return _outcome(plan, MoveResult.REFUSED, why, state.traffic)

    def _position(self, plan: ServicePlan, state: ServiceState) -> Position:
        """As `position`; a restore that had to pin what LATEST meant is done as well.

        To LATEST nothing else moves once that means another revision than when it was planned.
        """
        found = position(plan, state)
        if self._means_another(plan, state):
            return Position.FOREIGN
        ours = self.restoring and state.generation == plan.generation + 1
        if found is Position.FOREIGN and ours and same_split(state.traffic, pinned_split(plan)):
            return Position.DONE
        return found

    def _means_another(self, plan: ServicePlan, state: ServiceState) -> bool:
        """Whether a release goes to LATEST, and that is not the revision that was planned."""
        to_latest = any(target.percent and not target.revision for target in plan.after)
        return to_latest and not self.restoring and state.latest_ready != plan.latest_ready

    def _too_late(self) -> bool:
        """Whether the approval has run out, or nobody can tell because the clock was set back."""
        if self.not_after is None:
            return False
        return not self.decided_at - SKEW <= self.clock.now() <= self.not_after

    def _send(self, plan: ServicePlan, state: ServiceState) -> ServiceOutcome:
        wanted = restored_split(plan, state) if self.restoring else plan.after
        for _ in range(TRIES):
            self._require_lease()
            if self._too_late():  # asked last, because asking for the lease takes time
                return _outcome(plan, MoveResult.REFUSED, _RAN_OUT, state.traffic)
            try:
                self.traffic.send(plan.resource, wanted, state.etag)
                accepted_at = self.clock.now()
                return replace(self._served(plan, wanted), accepted_at=accepted_at)
            except Refused as refused:
                return _outcome(plan, MoveResult.REFUSED, str(refused), state.traffic)
            except UnknownOutcome:
                return self._look_for(plan, wanted)
            except Transient:  # also Conflict: nothing was changed by us
                self.clock.sleep(PAUSE)
                state = self.traffic.look(plan.resource)
                if self._too_late() or self._position(plan, state) is not Position.BEFORE:
                    return self(plan)
        return _outcome(
            plan, MoveResult.REFUSED, "Cloud Run did not take the change", state.traffic
        )

    def _require_lease(self) -> None:
        """By elapsed time, because the store's clock need not agree with ours.

        A clock that was set back meanwhile tells nothing: then the lease counts as over.
        """
        asked_at = self.clock.now()
        left = self.left()
        if not timedelta() <= self.clock.now() - asked_at < left:
            raise Transient("the lease on the action is over, and another may hold it")

    def _look_for(self, plan: ServicePlan, wanted: Split) -> ServiceOutcome:
        """The answer was lost: look until it shows, and never send again."""
        until = self.clock.now() + LOOK_AGAIN_FOR
        while True:
            state = self._seen(plan)
            if state is None:
                pass  # it cannot be looked at just now; that is no reason to send again
            elif state.generation == plan.generation + 1 and same_split(state.traffic, wanted):
                return self._served(plan, wanted)
            elif state.generation != plan.generation:
                return _foreign(plan, state)
            if self.clock.now() >= until:
                why = "the answer was lost, and the change does not show"
                return _outcome(plan, MoveResult.UNKNOWN, why, state.traffic if state else ())
            self.clock.sleep(PAUSE)

    def _seen(self, plan: ServicePlan) -> ServiceState | None:
        try:
            return self.traffic.look(plan.resource)
        except Transient:
            return None

    def _served(self, plan: ServicePlan, wanted: Split) -> ServiceOutcome:
        try:
            state = self.traffic.settled(plan.resource, wanted, SERVE_WITHIN)
        except Refused as refused:
            state = self.traffic.look(plan.resource)
            return _outcome(plan, MoveResult.UNSERVED, str(refused), state.serving)
        if not same_split(state.traffic, wanted):
            return _foreign(plan, state)
        if self._means_another(plan, state):
            why = f"LATEST means {state.latest_ready} by now"
            return _outcome(plan, MoveResult.UNSERVED, why, state.serving)
        if _serves(state, wanted):
            done = "put back to" if self.restoring else "moved to"
            detail = f"{done} {describe_split(wanted, plan.latest_ready)}"
            return _outcome(plan, MoveResult.MOVED, detail, state.serving)
        why = f"accepted and not served within {SERVE_WITHIN.total_seconds():.0f} s"
        return _outcome(plan, MoveResult.UNSERVED, why, state.serving)


def unfinished(plan: ServicePlan, why: str) -> ServiceOutcome:
    """For a service that was left alone half way: nobody can say how it stands."""
    return _outcome(plan, MoveResult.UNKNOWN, why, ())


def _serves(state: ServiceState, wanted: Split) -> bool:
    """Whether the observed percentages are those asked for."""
    if not state.ready or state.reconciling:
        return False
    return _percentages(state.serving, state) == _percentages(wanted, state)


def _percentages(split: Split, state: ServiceState) -> dict[str, int]:
    shares: dict[str, int] = {}
    for target in split:
        if target.percent:
            name = target.revision or state.latest_ready
            shares[name] = shares.get(name, 0) + target.percent
    return shares


def _foreign(plan: ServicePlan, state: ServiceState) -> ServiceOutcome:
    who = state.last_modifier or "somebody"
    detail = f"{who} changed it meanwhile: now {describe_split(state.traffic, state.latest_ready)}"
    return _outcome(plan, MoveResult.FOREIGN, detail, state.traffic)


def _outcome(plan: ServicePlan, result: MoveResult, detail: str, traffic: Split) -> ServiceOutcome:
    return ServiceOutcome(service=plan.service, result=result, detail=detail, traffic=traffic)
