"""What must hold at every step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.domain.errors import UnknownOutcome
from shared.domain.lease import remaining
from shared.ports import Clock, Commit, Committed, Lease, Message
from tests.simulation.callouts import forgotten
from tests.simulation.heads import wrong_with
from tests.simulation.moves import Moves
from tests.simulation.record import Record
from tests.simulation.restores import Restores
from tests.simulation.schedule import Killed, Schedule, Worker


class Broken(Exception):
    """An invariant does not hold."""

    def __init__(self, invariant: str, detail: str) -> None:
        super().__init__(f"{invariant}: {detail}")
        self.invariant = invariant
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Holding:
    """Who may carry out an action, and for how long."""

    fence: str
    taken_at: datetime
    until: datetime


class Watch:
    """Sees every call that leaves production code, before and after."""

    def __init__(
        self,
        schedule: Schedule,
        clock: Clock,
        record: Record,
        moves: Moves,
        restores: Restores,
        unproven: Callable[[Commit], Iterable[tuple[str, str]]],
    ) -> None:
        self.broken: Broken | None = None
        self._schedule = schedule
        self._clock = clock
        self._record = record
        self._moves = moves
        self._restores = restores
        self._unproven = unproven
        self._holdings: dict[str, Holding] = {}
        self._mine: dict[tuple[Worker, str], str] = {}
        self._done: Counter[tuple[int, str]] = Counter()

    def require(self, holds: bool, invariant: str, detail: object = "") -> None:
        """End the history here unless this holds."""
        if holds or self.broken:
            return
        self.broken = Broken(invariant, str(detail))
        worker = self._schedule.worker
        if worker is not None:
            worker.dead = True
            raise Killed

    def unforeseen(self, error: BaseException) -> None:
        """An entry point raised what none may raise."""
        self.require(False, "no unforeseen error", f"{type(error).__name__}: {error}")

    def before(self, point: str, args: Sequence[Any], options: Mapping[str, Any]) -> None:
        """A call sets out."""
        if point == "publisher.publish":
            self._published(args[1])
        elif point == "chat.post":
            self._posted(args[2])
        elif point == "traffic.send" and not options.get("dry_run"):
            worker = self._holder()
            action = self._record.actions[worker.action]
            for wrong, detail in (
                *self._moves.wrong_to_ask(worker, args[0], args[1], args[2], self._clock.now()),
                *self._moves.takeovers.wrong_to_ask(
                    worker, action, args[0], args[2], self._schedule.now
                ),
            ):
                self.require(False, wrong, detail)

        elif point == "snapshots.import_replace":
            worker, now = self._holder(), self._clock.now()
            for wrong, detail in self._restores.wrong_to_ask(worker, args[1], args[2], now):
                self.require(False, wrong, detail)

    def _holder(self) -> Worker:
        """Whose turn it is, who has to hold the lease on the action."""
        worker = self._schedule.worker
        assert worker is not None
        mine = self._mine.get((worker, worker.action))
        held = self._holdings.get(worker.action)
        ours = held is not None and held.fence == mine
        self.require(ours, "who sends holds the lease", worker.action)
        return worker

    def failed(self, point: str, args: Sequence[Any], error: Exception) -> None:
        """A call came back with an error, its own or one that was put in its way."""
        worker = self._schedule.worker
        if point == "traffic.send" and worker is not None:
            unknown = isinstance(error, UnknownOutcome)
            (self._moves.unknown if unknown else self._moves.refused)(worker, args[0])
        elif point == "snapshots.import_replace":
            self._restores.failed(args[2], error)

    def after(self, point: str, args: Sequence[Any], answer: Any) -> None:
        """A call did its work; its answer may still be lost."""
        if point == "heads.commit":
            self._committed(args[0], answer)
        elif point == "heads.load":
            self._moves.releases.loaded(self._schedule.worker)
            self._moves.takeovers.loaded(self._schedule.worker, answer[0], self._schedule.now)
        elif point == "outbox.claim" and isinstance(answer, Lease):
            self._claimed(answer, args[1])
        elif point == "outbox.renew":
            self._hold(answer, args[1])
        elif point == "outbox.release":
            held = self._holdings.get(args[0].action.id)
            if held and held.fence == args[0].fence:
                del self._holdings[args[0].action.id]
        elif point == "instructions.add_instruction":
            self._record.instructions.setdefault(args[0].id, args[0])

    def _published(self, messages: Sequence[Message]) -> None:
        for message in messages:
            if message.attributes.get("kind") == "action":
                known = message.id in self._record.actions
                self.require(known, "nothing is published before it is committed", message.id)

    def _posted(self, key: str) -> None:
        incident = self._record.incident(key.partition("/")[0])
        page = incident is not None and incident.page(key) is not None
        known = page or key in self._record.actions  # what is said of a stack has its action's id
        self.require(known, "nobody is paged before it is committed", key)

    def _claimed(self, lease: Lease, duration: timedelta) -> None:
        held = self._holdings.get(lease.action.id)
        now = self._clock.now()
        free = held is None or not remaining(held.taken_at, held.until, now)
        self.require(free, "one lease on an action at a time", lease.action.id)
        self._hold(lease, duration)

    def _hold(self, lease: Lease, duration: timedelta) -> None:
        worker = self._schedule.worker
        assert worker is not None
        self._mine[(worker, lease.action.id)] = lease.fence
        now = self._clock.now()
        self._holdings[lease.action.id] = Holding(lease.fence, now, now + duration)

    def _committed(self, commit: Commit, answer: Committed) -> None:
        if answer is Committed.ALREADY:
            self._done[(id(self._schedule.worker), commit.event)] += 1
            once = self._done[(id(self._schedule.worker), commit.event)] == 1
            self.require(once, "what is done is not decided again", commit.event)
            return
        new = commit.event not in self._record.events
        self.require(new, "an event takes effect once", f"{commit.kind} {commit.event}")
        if commit.settles is not None:
            held = self._holdings.pop(commit.settles.action, None)
            ours = held is not None and held.fence == commit.settles.fence
            self.require(ours, "a stale holder's result is refused", commit.settles.action)
        for invariant, detail in (
            *wrong_with(commit, self._record),
            *forgotten(commit, self._record),
            *self._unproven(commit),
            *self._moves.releases.wrong_with(self._schedule.worker, commit),
        ):
            self.require(False, invariant, detail)
        self._moves.freezes.committed(commit)
        self._record.take(commit)
