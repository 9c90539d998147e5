"""The use cases wired as in `shared.bootstrap`, with tasks in place of threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final, TypeVar

from shared.app.accept import PublishAlerts, PublishRejections, StoreInstruction
from shared.app.act import Act, Performer
from shared.app.announce import Announcer
from shared.app.change import ChangeTraffic
from shared.app.data import CheckData, ExportData, ImportData, ProposeData
from shared.app.desk import Desk
from shared.app.handle import Handle, Handled, Happening
from shared.app.measure import Measure
from shared.app.observe import Observe
from shared.app.people import People
from shared.app.plan import MakePlan
from shared.app.receive import FollowInstruction, ReceiveAlerts
from shared.app.tag import TagKnownGood
from shared.app.take import AskForRollback, TakeCommand
from shared.app.tick import Tick
from shared.domain.action import ActionKind
from shared.domain.errors import Conflict
from shared.domain.event import LookDue
from shared.domain.policy import Policy
from shared.ports import Settlement
from tests.simulation.schedule import Schedule

T = TypeVar("T")
_TRIES: Final = 25
_PAUSE: Final = timedelta(milliseconds=50)


class LooksSeldom(Handle):
    """Has services looked at in every second minute, so that a history takes no longer than needed."""

    def __call__(self, what: Happening, settles: Settlement | None = None) -> Handled:
        """As ever, but for every second look."""
        if isinstance(what, LookDue) and what.at.minute % 2:
            return Handled(what.id, what.stack, None)
        return super().__call__(what, settles)


class Application:
    """What one start of the process builds; `crossings` are its ways out."""

    def __init__(self, policy: Policy, schedule: Schedule, crossings: Mapping[str, Any]) -> None:
        self._policy = policy
        self._schedule = schedule
        self._out = crossings
        self.handle = self._handle(Handle)
        self.act = self._act()
        self.receive = ReceiveAlerts(self.handle)
        self.follow = FollowInstruction(self.handle, crossings["instructions"])
        self.tick = Tick(
            handle=self._handle(LooksSeldom),
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

    def _handle(self, kind: type[Handle]) -> Handle:
        return kind(
            policy=self._policy,
            heads=self._out["heads"],
            announcer=Announcer(self._out["publisher"]),
            clock=self._out["clock"],
            retrying=self._again,
        )

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
        plan = MakePlan(
            policy=self._policy,
            traffic=out["traffic"],
            health=out["health"],
            clock=out["clock"],
            in_parallel=self._schedule.in_parallel,
        )
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
                ActionKind.MEASURE: Measure(metrics=out["metrics"]),
                ActionKind.OBSERVE: Observe(
                    policy=self._policy,
                    traffic=out["traffic"],
                    metrics=out["metrics"],
                    clock=out["clock"],
                    in_parallel=self._schedule.in_parallel,
                ),
                ActionKind.TAG: TagKnownGood(
                    heads=out["heads"],
                    outbox=out["outbox"],
                    traffic=out["traffic"],
                    clock=out["clock"],
                    in_parallel=self._schedule.in_parallel,
                ),
                ActionKind.NOTIFY: people.notify,
                **self._rolling_data_back(),
            },
            repeating=self._schedule.repeating,
        )

    def _rolling_data_back(self) -> dict[ActionKind, Performer]:
        snapshots, clock = self._out["snapshots"], self._out["clock"]
        return {
            ActionKind.VERIFY_SNAPSHOT: ProposeData(
                policy=self._policy, snapshots=snapshots, clock=clock
            ),
            ActionKind.EXPORT_DATA: ExportData(snapshots=snapshots, clock=clock),
            ActionKind.IMPORT_DATA: ImportData(
                outbox=self._out["outbox"], snapshots=snapshots, clock=clock
            ),
            ActionKind.CHECK_DATA: CheckData(
                policy=self._policy,
                snapshots=snapshots,
                traffic=self._out["traffic"],
                health=self._out["health"],
                clock=clock,
                in_parallel=self._schedule.in_parallel,
            ),
        }

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
