"""The use cases, each wired to the adapters that it needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from shared.bootstrap.data import DataRollbacks
from shared.bootstrap.once import Lazy, once

if TYPE_CHECKING:
    from shared.adapters.pages.pages import Pages
    from shared.app.accept import PublishAlerts, PublishRejections, StoreInstruction
    from shared.app.act import Act
    from shared.app.announce import Announcer
    from shared.app.handle import Handle, Retrying
    from shared.app.observe import Observe
    from shared.app.plan import MakePlan
    from shared.app.receive import FollowInstruction, ReceiveAlerts
    from shared.app.tag import TagKnownGood
    from shared.app.take import AskForRollback, TakeCommand
    from shared.app.tick import Tick
    from shared.ports import Chat, Health, Traffic


T = TypeVar("T")


class Application(DataRollbacks):
    """Every part that an entry point may ask for, wired together."""

    @once
    def announcer(self) -> Announcer:
        """Publishes actions."""
        from shared.app.announce import Announcer

        return Announcer(self.publisher, commit_publishes=self.settings.pubsub is None)

    @once
    def handle(self) -> Handle:
        """The one way for an event to take effect."""
        from shared.app.handle import Handle

        return Handle(
            policy=self.policy,
            heads=self.store,
            announcer=self.announcer,
            clock=self.clock,
            retrying=_retrying_conflicts(),
        )

    @once
    def publish_alerts(self) -> PublishAlerts:
        """What `ingest` does."""
        from shared.app.accept import PublishAlerts

        return PublishAlerts(self.publisher, self.clock)

    @once
    def publish_rejections(self) -> PublishRejections:
        """What `ingest` does with what it cannot read."""
        from shared.app.accept import PublishRejections

        return PublishRejections(self.publisher)

    @once
    def receive_alerts(self) -> ReceiveAlerts:
        """What `respond` does."""
        from shared.app.receive import ReceiveAlerts

        return ReceiveAlerts(self.handle)

    @once
    def store_instruction(self) -> StoreInstruction:
        """What `slack` does with a pressed button."""
        from shared.app.accept import StoreInstruction

        return StoreInstruction(self.store, self.publisher)

    @once
    def take_command(self) -> TakeCommand:
        """What `slack` does with a typed command."""
        from shared.app.desk import Desk
        from shared.app.take import TakeCommand

        desk = Desk(policy=self.policy, reports=self.store)
        chat: Chat = Lazy(lambda: self.chat)
        return TakeCommand(desk=desk, store=self.store_instruction, chat=chat)

    @once
    def ask_for_rollback(self) -> AskForRollback:
        """What `slack` does with a submitted form."""
        from shared.app.take import AskForRollback

        return AskForRollback(self.store_instruction)

    @once
    def follow_instruction(self) -> FollowInstruction:
        """What `command` does."""
        from shared.app.receive import FollowInstruction

        return FollowInstruction(self.handle, self.store)

    @once
    def tick(self) -> Tick:
        """What `tick` does."""
        from shared.app.tick import Tick

        return Tick(
            handle=self.handle,
            timers=self.store,
            outbox=self.store,
            reports=self.store,
            housekeeping=self.store,
            announcer=self.announcer,
            clock=self.clock,
        )

    @once
    def act(self) -> Act:
        """What `act` does."""
        from shared.app.act import Act
        from shared.app.change import ChangeTraffic
        from shared.app.measure import Measure
        from shared.app.page_in_doubt import PageInDoubt
        from shared.app.people import People
        from shared.domain.action import ActionKind

        people = People(
            policy=self.policy, heads=self.store, reports=self.store, chat=Lazy(lambda: self.chat)
        )
        page = PageInDoubt(
            send=people.page,
            policy=self.policy,
            heads=self.store,
            reports=self.store,
            last_word=self.last_word,
        )
        change = ChangeTraffic(
            policy=self.policy,
            outbox=self.store,
            traffic=Lazy(lambda: self.traffic),
            health=Lazy(lambda: self.health),
            clock=self.clock,
        )
        return Act(
            handle=self.handle,
            outbox=self.store,
            performers={
                ActionKind.PAGE: page,
                ActionKind.REFRESH: people.refresh,
                ActionKind.TELL: people.tell,
                ActionKind.SHOW: people.show,
                ActionKind.PLAN: self.make_plan,
                ActionKind.APPLY: change,
                ActionKind.RESTORE: change,
                ActionKind.MEASURE: Measure(metrics=Lazy(lambda: self.metrics)),
                ActionKind.OBSERVE: self._observe,
                ActionKind.TAG: self._tag,
                ActionKind.NOTIFY: people.notify,
                **self.data_performers,
            },
        )

    @property
    def _observe(self) -> Observe:
        from shared.app.observe import Observe

        return Observe(
            policy=self.policy,
            traffic=Lazy(lambda: self.traffic),
            metrics=Lazy(lambda: self.metrics),
            clock=self.clock,
        )

    @property
    def _tag(self) -> TagKnownGood:
        from shared.app.tag import TagKnownGood

        return TagKnownGood(
            heads=self.store,
            outbox=self.store,
            traffic=Lazy(lambda: self.traffic),
            clock=self.clock,
        )

    @once
    def make_plan(self) -> MakePlan:
        """Plans rollbacks."""
        from shared.app.plan import MakePlan

        traffic: Traffic = Lazy(lambda: self.traffic)
        health: Health = Lazy(lambda: self.health)
        return MakePlan(policy=self.policy, traffic=traffic, health=health, clock=self.clock)

    @once
    def pages(self) -> Pages:
        """The pages of `status`."""
        from shared.adapters.pages.pages import Pages

        return Pages(self.policy, self.clock)


def _retrying_conflicts() -> Retrying:
    """Decide again on fresh state, with jitter, while other writers come first.

    Most decisions meet nobody, and stamina's bookkeeping is for those that do.
    """
    import stamina

    from shared.domain.errors import Conflict

    again = stamina.RetryingCaller(
        attempts=25, timeout=20.0, wait_initial=0.01, wait_max=0.5, wait_jitter=0.05
    ).on(Conflict)

    def retrying(call: Callable[[], T]) -> T:
        try:
            return call()
        except Conflict:
            return again(call)

    return retrying
