"""Random histories of a stack, with everything late, twice or in the wrong order.

The machine below keeps handing events to `decide`: alerts of three lanes that fire and end,
buttons pressed by anybody, results of actions that may come twice, timers that ring at any
moment. After every step it looks at what must always hold.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shared.domain.action import Action, ActionKind, Delivered, Done, GaveUp, Outcome, Topic
from shared.domain.alert import Alert, AlertStatus
from shared.domain.decide import decide
from shared.domain.decision import Decision, TimelineRow
from shared.domain.event import ActionFinished, Event, Instructed, Instruction, Timer
from shared.domain.incident import TimelineKind
from shared.domain.incident_state import State
from shared.domain.paging import Choice
from shared.domain.rollback import MoveResult, NoPlan
from shared.domain.severity import Severity
from tests.builders import ANA, BEN, EVE, MINUTE, NOON, SECOND, alert, message, outcome, plan
from tests.story import Story

LANES = st.sampled_from(["infra", "data", "auth"])
NAMES = st.sampled_from(["One", "Two", "Three"])
STARTS = st.integers(0, 2).map(lambda minutes: NOON - minutes * MINUTE)
PAUSES = st.sampled_from([timedelta(), SECOND, SECOND, MINUTE, 5 * MINUTE, 40 * MINUTE])
USUALLY = st.sampled_from([True, True, True, False])
ENDINGS = st.sampled_from(
    [None, None, None, None, NoPlan(reason="nothing older"), GaveUp("it failed"), *MoveResult]
)
"""How an action ends: None is well, a `MoveResult` is what became of the frontend."""
MAY_APPROVE = {BEN, EVE}
INDEX = st.integers(0, 1_000_000)


class Telling(Story):
    """A story that remembers every event, and checks each decision as it is made."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []
        self.rung: list[Timer] = []
        self.pressed: dict[str, Instruction] = {}
        self.reported: dict[str, Alert] = {}
        self._seen: set[str] = set()

    def reports(self, what: Alert) -> Decision:
        """A sender reports the alert, which may be reported as ended later."""
        self.reported[what.row_id] = what
        return super().reports(what)

    def take(self, event: Event) -> Decision:
        """As `Handle` does: an event that took effect before changes nothing."""
        if event.id in self._seen:
            return decide(self.policy, self.stack, event, self.now)
        self._seen.add(event.id)
        self.events.append(event)
        before = self.stack
        again = decide(self.policy, before, event, self.now)
        decision = super().take(event)
        assert decision == again, "the same arguments gave another answer"
        self._check(event, decision)
        return decision

    def _check(self, event: Event, decision: Decision) -> None:
        assert all(action.id.startswith(f"{event.id}-") for action in decision.actions)
        for action in decision.actions:
            if action.kind is ActionKind.APPLY:
                assert isinstance(event, Instructed)
                assert event.instruction.choice is Choice.APPROVE
                assert event.instruction.person in MAY_APPROVE
        for row in decision.rows:
            if isinstance(row, TimelineRow) and row.kind is TimelineKind.OPENED:
                paged = {a.incident for a in decision.actions if a.kind is ActionKind.PAGE}
                assert row.incident in paged, "an incident was opened and nobody woken"


class Histories(RuleBasedStateMachine):
    """What may happen to a stack."""

    def __init__(self) -> None:
        super().__init__()
        self.story = Telling()
        self.presses = 0

    @rule(pause=PAUSES)
    def time_passes(self, pause: timedelta) -> None:
        self.story.later(pause)

    @rule(
        name=NAMES,
        lane=LANES,
        starts_at=STARTS,
        severity=st.sampled_from(list(Severity)),
        status=st.sampled_from(list(AlertStatus)),
    )
    def a_sender_reports(self, **facts: object) -> None:
        self.story.reports(alert(**facts))  # type: ignore[arg-type]  # drawn above, by name

    @precondition(lambda self: self.story.reported)
    @rule(most=st.integers(1, 5))
    def alerts_end(self, most: int) -> None:
        for each in list(self.story.reported.values())[:most]:
            self.story.reports(replace(each, status=AlertStatus.RESOLVED))

    @precondition(lambda self: self.story.stack.incidents)
    @rule(
        index=INDEX,
        who=st.sampled_from([BEN, EVE, BEN, EVE, ANA, "U0STRANGER"]),
        choice=st.sampled_from([Choice.APPROVE, Choice.APPROVE, Choice.ACKNOWLEDGE, Choice.REJECT]),
        up_to_date=USUALLY,
    )
    def somebody_presses(self, index: int, who: str, choice: Choice, up_to_date: bool) -> None:
        incidents = self.story.stack.incidents
        incident = self.story.stack.rollback_owner() or incidents[index % len(incidents)]
        proposal = incident.rollback.plan if incident.rollback else None
        self.presses += 1
        press = Instruction(
            id=f"press-{self.presses}",
            choice=choice,
            incident=incident.id,
            plan=proposal.hash if up_to_date and proposal else "an-older-plan",
            person=who,
            channel="C-infra",
            at=self.story.now,
        )
        self.story.take(Instructed(instruction=press, stack="shop"))

    @precondition(lambda self: self.story.actions)
    @rule(index=INDEX, attempt=st.integers(1, 2), newest=USUALLY, ended=ENDINGS)
    def an_action_ends(
        self, index: int, attempt: int, newest: bool, ended: MoveResult | GaveUp | NoPlan | None
    ) -> None:
        finished = {e.action.id for e in self.story.events if isinstance(e, ActionFinished)}
        waiting = [each for each in self.story.actions if each.id not in finished]
        waiting.sort(key=lambda each: each.kind.topic is Topic.CHANGES)
        chosen = waiting[-2:] if newest and waiting else self.story.actions
        action = chosen[index % len(chosen)]
        self.story.finishes(action, self._outcome(action, ended), attempt)

    def _outcome(self, action: Action, ended: MoveResult | GaveUp | NoPlan | None) -> Outcome:
        if isinstance(ended, GaveUp):
            return ended
        match action.kind:
            case ActionKind.PAGE | ActionKind.REFRESH:
                return Delivered(message(), "as it was")
            case ActionKind.PLAN:
                return ended if isinstance(ended, NoPlan) else plan(self.story.now)
            case ActionKind.TELL:
                return Done()
            case _:
                result = ended if isinstance(ended, MoveResult) else MoveResult.MOVED
                healthy = SECOND if ended is None else None
                at = self.story.now
                return outcome(MoveResult.MOVED, result, started_at=at, healthy_after=healthy)

    @precondition(lambda self: self.story.timers)
    @rule(index=INDEX, in_order=USUALLY)
    def a_timer_rings(self, index: int, in_order: bool) -> None:
        timers = sorted(self.story.timers.values(), key=lambda timer: (timer.due, timer.id))
        timer = timers[0 if in_order else index % len(timers)]
        self.story.now = max(self.story.now, timer.due)
        self.story.rung.append(timer)
        self.story.take(self.story.due(timer))

    @precondition(lambda self: self.story.rung)
    @rule(index=INDEX)
    def a_timer_rings_again(self, index: int) -> None:
        timer = self.story.rung[index % len(self.story.rung)]
        self.story.take(self.story.due(timer))

    @invariant()
    def a_lane_has_at_most_one_incident(self) -> None:
        lanes = Counter(incident.lane for incident in self.story.stack.incidents)
        assert all(count == 1 for count in lanes.values())

    @invariant()
    def no_alert_fires_on_a_resolved_incident(self) -> None:
        resolved = {each.id for each in self.story.stack.incidents if each.state is State.RESOLVED}
        firing = {
            row.incident for row in self.story.alerts.values() if row.status is AlertStatus.FIRING
        }
        assert not resolved & firing

    @invariant()
    def a_stack_has_at_most_one_live_rollback(self) -> None:
        live = [
            each.id
            for each in self.story.stack.incidents
            if each.rollback and not each.rollback.phase.over
        ]
        assert len(live) <= 1

    @invariant()
    def an_incident_is_mitigating_exactly_while_its_traffic_moves(self) -> None:
        for each in self.story.stack.incidents:
            busy = each.rollback is not None and each.rollback.phase.busy
            assert (each.state is State.MITIGATING) is busy

    @invariant()
    def every_line_and_action_has_an_id_of_its_own(self) -> None:
        lines = [row.id for row in self.story.timeline]
        actions = [action.id for action in self.story.actions]
        assert len(set(lines)) == len(lines)
        assert len(set(actions)) == len(actions)

    @invariant()
    def an_open_incident_is_looked_at_again(self) -> None:
        for each in self.story.stack.open_incidents():
            waiting = {
                timer.kind for timer in self.story.timers.values() if timer.incident == each.id
            }
            assert waiting & {"settle", "confirm"}, f"nothing will ever resolve {each.id}"


@pytest.mark.slow
def test_whatever_happens_in_whatever_order_the_invariants_hold() -> None:
    """One incident a lane, one rollback a stack, no traffic without leave, nothing forgotten."""
    run_state_machine_as_test(
        Histories, settings=settings(max_examples=200, stateful_step_count=60, deadline=None)
    )
