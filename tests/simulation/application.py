"""The use cases wired as in `shared.bootstrap`, with tasks in place of threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final, TypeVar

from shared.app.accept import PublishAlerts, PublishRejections, StoreInstruction
from shared.app.act import Act
from shared.app.announce import Announcer
from shared.app.change import ChangeTraffic
from shared.app.desk import Desk
from shared.app.handle import Handle
from shared.app.people import People
from shared.app.plan import MakePlan
from shared.app.receive import FollowInstruction, ReceiveAlerts
from shared.app.take import AskForRollback, TakeCommand
from shared.app.tick import Tick
from shared.domain.action import ActionKind
from shared.domain.errors import Conflict
from shared.domain.policy import Policy
from tests.simulation.schedule import Schedule

T = TypeVar("T")
_TRIES: Final = 25
_PAUSE: Final = timedelta(milliseconds=50)


class Application:
    """What one start of the process builds; `crossings` are its ways out."""

    def __init__(self, policy: Policy, schedule: Schedule, crossings: Mapping[str, Any]) -> None:
        self._policy = policy
        self._schedule = schedule
        self._out = crossings
        self.handle = Handle(
            policy=policy,
            heads=crossings["heads"],
            announcer=Announcer(crossings["publisher"]),
            clock=crossings["clock"],
            retrying=self._again,
        )
        self.act = self._act()
        self.receive = ReceiveAlerts(self.handle)
        self.follow = FollowInstruction(self.handle, crossings["instructions"])
        self.tick = Tick(
            handle=self.handle,
            timers=crossings["timers"],
            outbox=crossings["outbox"],
            reports=crossings["reports"],
            housekeeping=crossings["housekeeping"],
            announcer=self.handle.announcer,
            clock=crossings["clock"],
        )
        self.publish_alerts = PublishAlerts(crossings["publisher"], crossings["clock"])
        self.publish_rejections = PublishRejections(crossings["publisher"])
        self.store_instruction = StoreInstruction(crossings["instructions"], crossings["publisher"])
        self.ask_for_rollback = AskForRollback(self.store_instruction)
        desk = Desk(policy=policy, reports=crossings["reports"])
        self.take = TakeCommand(desk=desk, store=self.store_instruction, chat=crossings["chat"])

    def _act(self) -> Act:
        out = self._out
        people = People(
            policy=self._policy, heads=out["heads"], reports=out["reports"], chat=out["chat"]
        )
        change = ChangeTraffic(
            policy=self._policy,
            outbox=out["outbox"],
            traffic=out["traffic"],
            health=out["health"],
            clock=out["clock"],
            in_parallel=self._schedule.in_parallel,
        )
        plan = MakePlan(policy=self._policy, traffic=out["traffic"], clock=out["clock"])
        return Act(
            handle=self.handle,
            outbox=out["outbox"],
            performers={
                ActionKind.PAGE: people.page,
                ActionKind.REFRESH: people.refresh,
                ActionKind.TELL: people.tell,
                ActionKind.SHOW: people.show,
                ActionKind.PLAN: plan,
                ActionKind.APPLY: change,
                ActionKind.RESTORE: change,
            },
            repeating=self._schedule.repeating,
        )

    def read(self) -> None:
        """What `status` asks of the store."""
        reports = self._out["reports"]
        for view in reports.incidents():
            reports.incident(view.incident.id)
            reports.timeline(view.incident.id)
        reports.heads()
        reports.drills()
        reports.rejected()
        reports.audit()

    def _again(self, call: Callable[[], T], /) -> T:
        """As `shared.bootstrap` has it: again after a pause while others come first."""
        for _ in range(_TRIES - 1):
            try:
                return call()
            except Conflict:
                self._schedule.pause(_PAUSE)
        return call()
