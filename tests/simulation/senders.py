"""Those who send alerts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from shared.domain.alert import Alert, AlertStatus
from shared.domain.event import MessageRejected, TimerKind
from shared.domain.severity import Severity
from tests.simulation.drawn import Drawn
from tests.simulation.shop import LANES
from tests.simulation.world import MINUTE, World

_FAR: Final = timedelta(days=1)
_LESS_BAD: Final = (Severity.SEV2, Severity.SEV3, Severity.SEV4)
_SETTLING: Final = (TimerKind.SETTLE, TimerKind.CONFIRM)


class Senders(Drawn):
    """Alerts fire, end, come twice and out of order; some messages nobody can read."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._alerts: list[Alert] = []
        self._over = False

    def alert_fires(
        self, stack: str = "", lane: str = "", severity: Severity | None = None
    ) -> None:
        """A new alert; a few are the first of their fingerprint to be heard of at their end."""
        if self._over:
            return
        stack = stack or self._stack()
        lane = lane or self._chance.one_of((*LANES, "infra", "infra"))
        fired = Alert(
            source="prometheus",
            fingerprint=f"{stack}-{lane}-{self._chance.random.randint(1, 3)}",
            status=AlertStatus.FIRING,
            starts_at=self._world.schedule.now - self._chance.seconds(0, 30),
            name=f"{lane} of {stack}",
            severity=severity or self._chance.one_of((*Severity, *_LESS_BAD, *_LESS_BAD)),
            labels={"stack": stack, "lane": lane},
        )
        self._alerts.append(fired)
        if self._chance.random.random() < 0.1:
            self._report(self._ended(fired))
        self._report(fired)

    def alert_ends(self) -> None:
        """An alert that fires, or fired, ends."""
        if self._alerts:
            self._report(self._ended(self._chance.one_of(self._alerts)))

    def alert_again(self) -> None:
        """A second sender, or the same one again, reports what was reported."""
        if self._alerts:
            self._report(self._chance.one_of(self._alerts))

    def alert_meets_a_timer(self) -> None:
        """What fires ends, and another alert fires just when the incident is looked at."""
        world = self._world
        timers = [t for t in world.store.due(world.clock.now() + _FAR) if t.kind in _SETTLING]
        meant = self._chance.one_of(timers) if timers else None
        incident = world.record.incident(meant.incident) if meant else None
        if meant is None or incident is None:
            return
        for alert in self._alerts:
            if alert.row_id in world.record.firing[incident.id]:
                self._report(self._ended(alert))
        due = max(meant.due - world.clock.error, world.schedule.now)
        tick = due.replace(second=0, microsecond=0) + MINUTE
        when = max(tick + self._chance.seconds(-0.15, 0.15), world.schedule.now)
        world.schedule.at(when, lambda: self.alert_fires(incident.stack, incident.lane))

    def end_all(self) -> None:
        """Every alert ends, and none fires any more."""
        self._over = True
        for alert in self._alerts:
            self._report(self._ended(alert))

    def unreadable(self) -> None:
        """A sender sends what nobody can read."""
        unread = self._id("rejected")
        event = MessageRejected(
            id=unread,
            source=self._chance.one_of(("prometheus", "pubsub")),
            reason="not JSON",
            snippet="{" + unread,
        )
        self._world.rejections[event.id] = event
        self._do("ingest", lambda: self._reject(event))

    def _reject(self, event: MessageRejected) -> None:
        self._world.app.publish_rejections([(event.id, b"")])
        self._world.accepted[event.id] = None

    def _report(self, alert: Alert) -> None:
        self._world.alerts[alert.event_id] = alert
        self._do("ingest", lambda: self._accept(alert))

    def _accept(self, alert: Alert) -> None:
        self._world.app.publish_alerts([(alert.event_id, b"")], alert.source)
        self._world.accepted[alert.event_id] = None

    def _ended(self, alert: Alert) -> Alert:
        return replace(alert, status=AlertStatus.RESOLVED, ends_at=self._world.schedule.now)
