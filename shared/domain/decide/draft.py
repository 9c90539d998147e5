"""A decision while it is being made."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from shared.domain.action import Action, ActionKind, Order, PageOrder, TellOrder
from shared.domain.decision import Decision, IncidentRow, Reason, Row, TimelineRow
from shared.domain.escalation import Call, Called
from shared.domain.event import Event, Timer, TimerDue, TimerKind
from shared.domain.incident import Incident, TimelineKind
from shared.domain.paging import Page, PageStep
from shared.domain.policy import Policy
from shared.domain.quiet import MAY_WAIT, Hold, held
from shared.domain.stack import MOST_ASIDE, Stack


class Draft:
    """Collects what a decision consists of; lives no longer than one call of `decide`.

    Ids of actions and timeline rows are the event's id and an ordinal, so that deciding the
    same event again gives the same ids.
    """

    def __init__(self, policy: Policy, stack: Stack, event: Event, now: datetime) -> None:
        self.policy = policy
        self.before = stack
        self.stack = stack
        self.event = event
        self.now = now
        self._rows: list[Row] = []
        self._actions: list[Action] = []
        self._timers: list[Timer] = []
        self._cleared: list[Timer] = []
        self._said = 0

    def put(self, incident: Incident) -> None:
        """The incident is now like this."""
        self.stack = self.stack.with_incident(incident)

    def drop(self, incident: Incident) -> None:
        """The incident leaves the head."""
        self.stack = self.stack.without(incident.id)

    def retire(self, incident: Incident | None) -> None:
        """An incident that is over makes room for a new one of its lane; its row stays.

        What waits for its review is kept aside, as long as there are not too many of those.
        """
        if incident is None:
            return
        if not incident.awaits_review and self.stack.freeze_of(incident.id) is None:
            self.file(incident)
            return
        self.put(replace(incident, aside=True))
        kept = [each for each in self.stack.incidents if each.aside]
        if len(kept) > MOST_ASIDE:
            oldest = min(kept, key=lambda each: each.opened_at)
            text = f"Filed without a review: {MOST_ASIDE} newer incidents wait for theirs"
            self.say(oldest, TimelineKind.REFUSED, text)
            self.file(oldest, heir=incident.id)

    def file(self, incident: Incident, heir: str = "") -> None:
        """The incident leaves the head for good; its row stays, and a freeze goes to its heir."""
        self.stack = self.stack.unfrozen(incident.id, incident.merged_into or heir)
        self.row(IncidentRow(incident=incident))
        self.drop(incident)

    def row(self, row: Row) -> None:
        """Write this row."""
        self._rows.append(row)

    def say(
        self, incident: Incident, kind: TimelineKind, text: str, at: datetime | None = None
    ) -> None:
        """Add a line to the incident's timeline, now unless `at` is given.

        Where the clock was set back, now is the last moment that is known of the incident: the
        story goes on in the order in which it happened.
        """
        self._said += 1
        row_id = f"{self.event.id}-t{self._said}"
        at = at or max(self.now, incident.last_moment)
        self.row(TimelineRow(id=row_id, incident=incident.id, at=at, kind=kind, text=text))

    def act(
        self, kind: ActionKind, incident: str, order: Order, not_after: datetime | None = None
    ) -> str:
        """Have something done; the action's id."""
        action = Action(
            id=f"{self.event.id}-{len(self._actions) + 1}",
            kind=kind,
            stack=self.stack.id,
            incident=incident,
            order=order,
            decided_at=self.now,
            not_after=not_after,
        )
        self._actions.append(action)
        return action.id

    def timer(self, kind: TimerKind, incident: Incident, due: datetime) -> None:
        """Look at the incident again at this time.

        A timer takes effect once. Where the clock was set back, one may go off before its time and
        be set again for the same, and has to be another one.
        """
        timer = Timer(kind=kind, stack=self.stack.id, incident=incident.id, due=due)
        if isinstance(self.event, TimerDue) and timer == self.event.timer:
            timer = replace(timer, due=due + timedelta(microseconds=1))
        self._timers = [each for each in self._timers if each.id != timer.id]
        self._timers.append(timer)

    def waits(self, kind: TimerKind, incident: Incident) -> bool | None:
        """Whether this decision sets the timer; None where it leaves it as it was."""
        if any((each.kind, each.incident) == (kind, incident.id) for each in self._timers):
            return True
        cleared = any((each.kind, each.incident) == (kind, incident.id) for each in self._cleared)
        return False if cleared else None

    def clear(self, timer: Timer) -> None:
        """The timer has done its work."""
        self._cleared.append(timer)

    def page(
        self,
        incident: Incident,
        step: PageStep,
        details: tuple[str, ...] = (),
        team_id: str = "",
        person_id: str = "",
        instead_of: tuple[str, ...] = (),
    ) -> Incident:
        """Wake whoever is on call for the incident's team (or another) and put the incident."""
        team = self.policy.teams[team_id] if team_id else self.policy.owner(incident.lane)
        called = Called((Call(team.id, person_id),))
        if not person_id:
            called = self.policy.on_call(team, self.now)
        return self.call(incident, step, called, details, instead_of)

    def call(
        self,
        incident: Incident,
        step: PageStep,
        called: Called,
        details: tuple[str, ...] = (),
        instead_of: tuple[str, ...] = (),
    ) -> Incident:
        """Wake these people, or show it to the first of them while pages are held back."""
        hold = held(self.policy, incident, self.now) if step in MAY_WAIT else None
        incident = incident.waiting(hold.until if hold else None)
        if called.gap:
            self.say(incident, TimelineKind.NOBODY_ON_CALL, called.gap)
            details = (called.gap, *details)
        if hold is not None:
            details = (f"Held back, it wakes nobody yet: {hold}.", *details)
            self.hold(incident, hold)
        for each in called.calls[:1] if hold else called.calls:
            incident = self._send(
                incident,
                Page(
                    key="",
                    step=step,
                    team=each.team,
                    person=each.person,
                    channel=self.policy.teams[each.team].channel,
                    decided_at=self.now,
                    details=details,
                    instead_of=instead_of,
                    wakes=hold is None,
                ),
            )
        return incident

    def hold(self, incident: Incident, hold: Hold) -> None:
        """Say that pages are held back, and look again when that is over."""
        self.say(incident, TimelineKind.HELD_BACK, f"Pages are held back: {hold}")
        self.timer(TimerKind.REMIND, incident, hold.over(self.now))

    def _send(self, incident: Incident, page: Page) -> Incident:
        """Every page has a key of its own: where that is taken, another round begins."""
        incident = incident.with_room_for_a_page(self.now)
        key = incident.page_key(page.step, page.person, wakes=page.wakes)
        if incident.page(key) is not None:
            return self._send(replace(incident, rounds=incident.rounds + 1), page)
        incident = incident.with_page(replace(page, key=key))
        self.put(incident)
        self.act(ActionKind.PAGE, incident.id, PageOrder(page=key))
        return incident

    def refresh(self, incident: Incident) -> None:
        """Redraw every message that was sent about the incident."""
        for page in incident.pages:
            if page.message is not None:
                self.act(ActionKind.REFRESH, incident.id, PageOrder(page=page.key))

    def tell(self, incident: str, channel: str, slack_user: str, text: str) -> None:
        """Say something only one person sees."""
        order = TellOrder(channel=channel, slack_user=slack_user, text=text)
        self.act(ActionKind.TELL, incident, order)

    def decision(self, reason: Reason) -> Decision:
        """What has been collected. A timer that is set anew is not cleared."""
        again = {timer.id for timer in self._timers}
        return Decision(
            stack=self.stack,
            reason=reason,
            rows=tuple(self._rows),
            actions=tuple(self._actions),
            timers=tuple(self._timers),
            cleared=tuple(timer for timer in self._cleared if timer.id not in again),
        )


def nobody_has_it(incident: Incident) -> Incident:
    """The incident as it is after its remedy failed: somebody has to take it up again."""
    return replace(
        incident,
        acknowledged_at=None,
        acknowledged_by="",
        mitigated_at=None,
        escalated=0,
    )


def reopened(incident: Incident, at: datetime) -> Incident:
    """The incident as it is after it was resolved and fires all the same: from the beginning."""
    return replace(
        nobody_has_it(incident),
        rounds=incident.rounds + 1,
        resolved_at=None,
        ended_by="",
        reopened_at=at,
        cause=replace(incident.cause, holds=False) if incident.cause else None,
    ).waiting(None)


def acknowledged(incident: Incident, by: str, at: datetime) -> Incident:
    """The incident with its first acknowledgement noted, on the pages too."""
    return replace(
        incident,
        acknowledged_at=incident.acknowledged_at or at,
        acknowledged_by=incident.acknowledged_by or by,
        pages=tuple(page.acknowledged(at) for page in incident.pages),
    ).waiting(None)
