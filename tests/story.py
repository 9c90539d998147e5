"""A stack's life, played through `decide` alone: no store, no threads, a clock that is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from shared.domain.action import Action, ActionKind, Delivered, Outcome, PageOrder, TellOrder
from shared.domain.alert import Alert, AlertRow, AlertStatus
from shared.domain.card import card_for, digest
from shared.domain.decide import decide
from shared.domain.decision import Decision, DrillRow, IncidentRow, MovedAlert, TimelineRow
from shared.domain.event import (
    ActionFinished,
    Event,
    Instructed,
    Instruction,
    Timer,
    TimerDue,
    TimerKind,
)
from shared.domain.incident import Incident, Rollback, TimelineKind
from shared.domain.incident_state import State
from shared.domain.paging import Choice
from shared.domain.policy import Policy
from shared.domain.rollback_phase import Phase
from shared.domain.severity import Severity
from shared.domain.stack import Stack
from tests.builders import NOON, message, plan, policy, received


class Story:
    """Keeps what a store would keep, and hands each event to `decide` as `Handle` would."""

    def __init__(self, rules: Policy | None = None) -> None:
        self.policy = rules or policy()
        self.now = NOON
        self.stack = Stack(id="shop")
        self.alerts: dict[str, AlertRow] = {}
        self.timers: dict[str, Timer] = {}
        self.timeline: list[TimelineRow] = []
        self.actions: list[Action] = []
        self.drills: list[DrillRow] = []
        self.closed: dict[str, Incident] = {}
        self._presses = 0

    @property
    def incident(self) -> Incident:
        """The only incident of the stack, besides those that are kept for their review."""
        live = [each for each in self.stack.incidents if not each.aside]
        (only,) = live or self.stack.incidents
        return only

    def state(self) -> State:
        """Where the only incident stands."""
        return self.incident.state

    def rollback(self) -> Rollback:
        """The only incident's rollback."""
        assert self.incident.rollback is not None
        return self.incident.rollback

    def phase(self) -> Phase:
        """How far the only incident's rollback has got."""
        return self.rollback().phase

    def take(self, event: Event) -> Decision:
        """Let the event take effect."""
        decision = decide(self.policy, self.stack, event, self.now)
        self.stack = decision.stack
        self.actions += decision.actions
        for row in decision.rows:
            if isinstance(row, AlertRow):
                self.alerts[row.id] = row
            elif isinstance(row, MovedAlert):
                known = self.alerts[row.id]
                self.alerts[row.id] = replace(known, incident=row.incident, lane=row.lane)
            elif isinstance(row, IncidentRow):
                self.closed[row.incident.id] = row.incident
            elif isinstance(row, TimelineRow):
                self.timeline.append(row)
            elif isinstance(row, DrillRow):
                self.drills.append(row)
        for cleared in decision.cleared:
            if self.timers.get(cleared.id) == cleared:
                del self.timers[cleared.id]
        self.timers.update({timer.id: timer for timer in decision.timers})
        return decision

    def later(self, duration: timedelta) -> datetime:
        """Let time pass."""
        self.now += duration
        return self.now

    def reports(self, what: Alert) -> Decision:
        """A sender reports the alert."""
        rows = [row for row in self.alerts.values() if row.series == what.series]
        return self.take(received(what, rows, self.now))

    def rings(self, kind: TimerKind) -> Decision:
        """The timer of this kind comes due, for the only incident."""
        timer = self.timers[f"{self.incident.id}:{kind}"]
        self.now = max(self.now, timer.due)
        return self.take(self.due(timer))

    def due(self, timer: Timer) -> TimerDue:
        """The event of a timer, with what fires just now."""
        firing = self.firing(timer.incident)
        return TimerDue(timer=timer, firing=firing, trigger=self._trigger(timer.incident))

    def firing(self, incident_id: str) -> int:
        """How many alerts of the incident fire."""
        return len(self.fires(incident_id))

    def fires(self, incident_id: str) -> tuple[AlertRow, ...]:
        """The alerts of the incident that fire."""
        incident = self.stack.incident(incident_id)
        ids = incident.alerts_of if incident else (incident_id,)
        rows = [row for row in self.alerts.values() if row.incident in ids]
        return tuple(row for row in rows if row.status is AlertStatus.FIRING)

    def presses(self, who: str, choice: Choice, plan_hash: str = "") -> Decision:
        """A person presses a button of the only incident's page."""
        return self.instructs(who, choice, incident=self.incident.id, plan=plan_hash)

    def asks(
        self,
        who: str,
        choice: Choice,
        text: str = "",
        *,
        lane: str = "",
        severity: Severity | None = None,
        view: str = "",
    ) -> Decision:
        """A person asks for something of the stack, outside an incident."""
        asked = {"stack": self.stack.id, "text": text, "lane": lane, "view": view}
        return self.instructs(who, choice, severity=severity, **asked)

    def instructs(
        self,
        who: str,
        choice: Choice,
        *,
        severity: Severity | None = None,
        alerts: str = "",
        **about: str,
    ) -> Decision:
        """A person's instruction reaches us."""
        self._presses += 1
        told = Instruction(
            id=f"press-{self._presses}",
            choice=choice,
            person=who,
            channel="C-infra",
            at=self.now,
            severity=severity,
            alerts=tuple(alerts.split()),
            **about,
        )
        fires = self.fires(told.incident) if told.incident else ()
        return self.take(
            Instructed(instruction=told, stack=self.stack.id, firing=len(fires), fires=fires)
        )

    def finishes(self, action: Action, outcome: Outcome, attempt: int = 1) -> Decision:
        """The action came to this end."""
        trigger = self._trigger(action.incident)
        return self.take(
            ActionFinished(action=action, attempt=attempt, outcome=outcome, trigger=trigger)
        )

    def delivers(self, action: Action) -> Decision:
        """The page or its redrawing arrives, and shows the incident as it is now."""
        assert isinstance(action.order, PageOrder)
        page = self.incident.page(action.order.page)
        assert page is not None
        standing = page.message or message(f"{len(self.timeline)}.000001")
        drawn = digest(card_for(self.policy, self.incident, page))
        return self.finishes(action, Delivered(standing, drawn))

    def delivers_all(self) -> None:
        """Every page that was decided and has not been sent arrives."""
        for action in self.actions:
            order, incident = action.order, self.stack.incident(action.incident)
            if not isinstance(order, PageOrder) or incident is None:
                continue
            page = incident.page(order.page)
            if page is not None and page.message is None:
                self.finishes(action, Delivered(message(f"{len(self.timeline)}.000001"), ""))

    def last(self, kind: ActionKind) -> Action:
        """The newest action of this kind."""
        return next(action for action in reversed(self.actions) if action.kind is kind)

    def _trigger(self, incident_id: str) -> AlertStatus | None:
        incident = self.stack.incident(incident_id)
        if incident is None or incident.rollback is None:
            return None
        by_all = incident.rollback.release or not incident.rollback.trigger
        if by_all and self.firing(incident_id):
            return AlertStatus.FIRING
        if not incident.rollback.trigger:
            return AlertStatus.RESOLVED
        row = self.alerts.get(incident.rollback.trigger)
        if row is None:
            return None
        series = [each for each in self.alerts.values() if each.series == row.series]
        fires = any(each.status is AlertStatus.FIRING for each in (row, *series))
        return AlertStatus.FIRING if fires else AlertStatus.RESOLVED


def proposed(story: Story, trigger: Alert) -> str:
    """Plays until a rollback is proposed, and gives the plan's hash."""
    story.reports(trigger)
    story.delivers(story.last(ActionKind.PAGE))
    made = plan(story.now)
    story.finishes(story.last(ActionKind.PLAN), made)
    return made.hash


def kinds(decision: Decision) -> list[ActionKind]:
    """What is to be done, in order."""
    return [action.kind for action in decision.actions]


def said(decision: Decision) -> dict[TimelineKind, str]:
    """What the timeline now says, by kind; of several lines of a kind the last."""
    return {row.kind: row.text for row in decision.rows if isinstance(row, TimelineRow)}


def told(decision: Decision) -> str:
    """What the person who pressed was told, privately."""
    orders = [action.order for action in decision.actions]
    (order,) = [order for order in orders if isinstance(order, TellOrder)]
    return order.text
