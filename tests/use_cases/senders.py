"""Senders whose messages say when they were published, and a world that hears them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from shared.domain.alert import Alert, AlertStatus
from shared.domain.decision import Reason
from tests.builders import MINUTE, NOON, SECOND, alert
from tests.use_cases.world import World


class Sender:
    """One series of one sender. `said` is when a message was published: now, unless given."""

    def __init__(self, world: World, name: str = "ErrorsHigh", source: str = "prometheus") -> None:
        self._world = world
        self._alert = replace(alert(name), source=source)

    def fires(self, start: datetime = NOON, said: datetime | None = None) -> Alert:
        """It fires."""
        said = said or self._world.clock.now()
        return replace(self._alert, starts_at=start, published_at=said)

    def ends(
        self,
        start: datetime = NOON,
        said: datetime | None = None,
        ends_at: datetime | None = None,
    ) -> Alert:
        """It has ended, a second ago unless given."""
        said = said or self._world.clock.now()
        ends_at = ends_at or said - SECOND
        fired = self.fires(start, said)
        return replace(fired, status=AlertStatus.RESOLVED, ends_at=ends_at)


def heard(world: World, *messages: Alert) -> list[Reason | None]:
    """The messages are delivered one after the other, and pages go out."""
    reasons = [handled.reason for handled in world.reports(*messages)]
    world.deliver()
    return reasons


def pass_time(world: World, duration: timedelta, step: timedelta = MINUTE) -> None:
    """Time passes, with a tick each minute."""
    until = world.clock.now() + duration
    while world.clock.now() < until:
        world.clock.advance(step)
        world.tick()
        world.deliver()


def pages(world: World) -> int:
    """How many pages stand in Slack."""
    return len(world.chat.posted())


def firing(world: World, series: str) -> list[datetime]:
    """The starts of the rows of the series that fire."""
    rows = world.store.series(series)
    return [row.starts_at for row in rows if row.status is AlertStatus.FIRING]
