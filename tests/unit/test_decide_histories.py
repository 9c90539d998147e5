"""Random histories of a stack, with everything late, twice or in the wrong order.

The machine below keeps handing events to `decide`: alerts of four lanes that fire and end,
buttons pressed and things asked for by anybody, drills, results of actions that may come twice,
timers that ring at any moment. After every step it looks at what must always hold, and in the
end whether everything that was begun has come to its end.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import time, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shared.domain.action import (
    Action,
    ActionKind,
    Delivered,
    Done,
    GaveUp,
    Outcome,
    PlanOrder,
    TellOrder,
    Topic,
    TrafficOrder,
)
from shared.domain.alert import Alert, AlertStatus
from shared.domain.decide import decide
from shared.domain.decide.releases import APPLY
from shared.domain.decision import Decision, IncidentRow, Reason, TimelineRow
from shared.domain.escalation import EscalationStep
from shared.domain.event import (
    ActionFinished,
    DrillDue,
    Event,
    Instructed,
    Timer,
    TimerKind,
    drill_id,
)
from shared.domain.hours import WeeklyHours
from shared.domain.incident import Incident, TimelineKind
from shared.domain.incident_state import OVER, State
from shared.domain.paging import Choice
from shared.domain.policy import Policy
from shared.domain.quiet import QuietHours
from shared.domain.rollback import MoveResult, NoPlan
from shared.domain.rollback_phase import Phase
from shared.domain.severity import Severity
from shared.domain.stack import Stack
from tests.builders import (
    ANA,
    BEN,
    EVE,
    MINUTE,
    NOON,
    SECOND,
    alert,
    message,
    outcome,
    plan,
    policy,
)
from tests.story import Story

LANES = st.sampled_from(["infra", "infra", "data", "auth", "nobody knows"])
NAMES = st.sampled_from(["One", "Two", "Three"])
STARTS = st.integers(0, 2).map(lambda minutes: NOON - minutes * MINUTE)
PAUSES = st.sampled_from([timedelta(), SECOND, SECOND, MINUTE, 5 * MINUTE, 40 * MINUTE])
USUALLY = st.sampled_from([True, True, True, False])
ENDINGS = st.sampled_from(
    [None, None, None, None, NoPlan(reason="nothing older"), GaveUp("it failed"), *MoveResult]
)
"""How an action ends: None is well, a `MoveResult` is what became of the frontend."""
MAY_APPROVE = {BEN: "ben", EVE: "eve"}
PEOPLE = st.sampled_from([*[BEN, EVE] * 3, ANA, "U0STRANGER"])
BUTTONS = st.sampled_from([Choice.APPROVE, Choice.ACKNOWLEDGE, Choice.REJECT, Choice.RESOLVE])
WISHES = st.sampled_from(
    [
        (Choice.ROLLBACK, "it is slow"),
        (Choice.DRILL, f"rollback {APPLY}"),
        (Choice.DRILL, "rollback"),
        (Choice.DECLARE, "it burns"),
        (Choice.PREVIEW, ""),
    ]
)
MOST_DRILLS = 4
INDEX = st.integers(0, 1_000_000)


def with_nights(rules: Policy) -> Policy:
    """The shop's policy with an escalation, and an hour of the day in which milder pages wait."""
    infra = replace(rules.teams["infra"], escalation=(EscalationStep(5 * MINUTE, "web"),))
    hours = WeeklyHours(zone="UTC", start=time(12, 20), end=time(13, 20))
    quiet = QuietHours(severities=(Severity.SEV2, Severity.SEV3), hours=hours)
    return replace(rules, teams={**rules.teams, "infra": infra}, quiet_hours=(quiet,))


class Telling(Story):
    """A story that remembers every event, and checks each decision as it is made."""

    def __init__(self) -> None:
        super().__init__(with_nights(policy()))
        self.events: list[Event] = []
        self.rung: list[Timer] = []
        self.reported: dict[str, Alert] = {}
        self.ordered: dict[str, bool] = {}
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
        self._note_order(event)
        before = self.stack
        again = decide(self.policy, before, event, self.now)
        decision = super().take(event)
        assert decision == again, "the same arguments gave another answer"
        self._check(event, before, decision)
        for incident in self.stack.incidents:
            called_out = incident.state is State.OPEN or (incident.held and not incident.aside)
            if called_out and incident.state not in OVER:
                waits = f"{incident.id}:{TimerKind.REMIND}" in self.timers
                assert waits, "an incident that nobody has, and nobody will be paged about"
        return decision

    def waiting(self) -> list[Action]:
        """Actions that nobody has finished, those about traffic last."""
        finished = {each.id for topic in Topic for each in self.finished(topic)}
        waiting = [each for each in self.actions if each.id not in finished]
        return sorted(waiting, key=lambda each: each.kind.topic is Topic.CHANGES)

    def finished(self, topic: Topic) -> list[Action]:
        """Actions of the topic that have ended, each once, in that order."""
        ended = [each.action for each in self.events if isinstance(each, ActionFinished)]
        return [each for each in dict.fromkeys(ended) if each.kind.topic is topic]

    def _note_order(self, event: Event) -> None:
        """Remember each drill that was ordered, and whether it may move traffic."""
        match event:
            case DrillDue():
                self.ordered[event.drill_id] = event.apply
            case Instructed(instruction=asked) if asked.choice is Choice.DRILL:
                apply = APPLY in asked.text
                known = self.policy.person_by_slack(asked.person) is not None
                if known and (not apply or asked.person in MAY_APPROVE):
                    self.ordered[drill_id(asked.id)] = apply

    def _check(self, event: Event, before: Stack, decision: Decision) -> None:
        assert all(action.id.startswith(f"{event.id}-") for action in decision.actions)
        for action in decision.actions:
            if action.kind is ActionKind.APPLY:
                assert self._has_leave(event, before, action), "traffic moves without leave"
        for row in decision.rows:
            if isinstance(row, TimelineRow) and row.kind is TimelineKind.OPENED:
                paged = {a.incident for a in decision.actions if a.kind is ActionKind.PAGE}
                assert row.incident in paged, "an incident was opened and nobody woken"
            if isinstance(row, IncidentRow):
                over = (State.RESOLVED, State.REVIEWED)
                assert row.incident.state in over, "an open incident left the head"
        if isinstance(event, Instructed) and decision.reason in (Reason.REFUSED, Reason.STALE):
            assert unrefused(decision.stack) == unrefused(before)
            orders = [each.order for each in decision.actions]
            told = [each.slack_user for each in orders if isinstance(each, TellOrder)]
            assert told == [event.instruction.person], "refused, and the person does not know"

    def _has_leave(self, event: Event, before: Stack, action: Action) -> bool:
        """Whether somebody allowed approved it, or it is the next step of an allowed drill."""
        assert isinstance(action.order, TrafficOrder)
        if isinstance(event, ActionFinished):
            order = event.action.order
            planned = isinstance(order, PlanOrder) and order.drill == action.order.drill
            return planned and self.ordered[action.order.drill]
        assert isinstance(event, Instructed)
        incident = before.incident(action.incident)
        assert incident is not None
        assert incident.rollback is not None
        by = MAY_APPROVE.get(event.instruction.person)
        approves = event.instruction.choice is Choice.APPROVE
        return approves and by is not None and by != incident.rollback.requested_by


def unrefused(stack: Stack) -> tuple[Stack, set[Incident]]:
    """The stack but for what its incidents remember of who was refused to end them."""
    incidents = {replace(i, over_says="", over_refused_at=None) for i in stack.incidents}
    return replace(stack, incidents=()), incidents


class Histories(RuleBasedStateMachine):
    """What may happen to a stack."""

    def __init__(self) -> None:
        super().__init__()
        self.story = Telling()
        self.orders = 0

    @initialize(
        first=st.sampled_from(["anything", "a drill", "a wish", "an alert"]),
        who=st.sampled_from([BEN, EVE, ANA]),
    )
    def it_begins(self, first: str, who: str) -> None:
        """What needs a quiet stack would hardly ever find one later."""
        if first == "a drill":
            self.a_drill_is_due(apply=True)
        elif first == "a wish":
            self.story.asks(who, Choice.ROLLBACK, "it is slow")
        elif first == "an alert":
            self.story.reports(alert())
        if first != "anything":
            self.story.finishes(self.story.last(ActionKind.PLAN), plan(self.story.now))

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
        who=PEOPLE,
        choice=BUTTONS,
        up_to_date=USUALLY,
    )
    def somebody_presses(self, index: int, who: str, choice: Choice, up_to_date: bool) -> None:
        incidents = self.story.stack.incidents
        incident = self.story.stack.rollback_owner() or incidents[index % len(incidents)]
        proposal = incident.rollback.plan if incident.rollback else None
        shown = proposal.hash if up_to_date and proposal else "an-older-plan"
        self.story.instructs(who, choice, incident=incident.id, plan=shown)

    @precondition(lambda self: self.proposed() is not None)
    @rule(who=PEOPLE)
    def somebody_approves(self, who: str) -> None:
        incident = self.proposed()
        assert incident is not None
        assert incident.rollback is not None
        assert incident.rollback.plan is not None
        shown = incident.rollback.plan.hash
        self.story.instructs(who, Choice.APPROVE, incident=incident.id, plan=shown)

    def proposed(self) -> Incident | None:
        """The incident whose rollback waits for somebody to approve it."""
        owner = self.story.stack.rollback_owner()
        at = owner.rollback.phase if owner and owner.rollback else None
        return owner if at is Phase.PROPOSED else None

    @rule(who=PEOPLE, wish=WISHES, lane=LANES)
    def somebody_asks(self, who: str, wish: tuple[Choice, str], lane: str) -> None:
        self.story.asks(who, *wish, lane=lane, view="view-1")

    @precondition(lambda self: self.orders < MOST_DRILLS)
    @rule(apply=USUALLY)
    def a_drill_is_due(self, apply: bool) -> None:
        self.orders += 1
        order = f"order-{self.orders}"
        self.story.take(
            DrillDue(id=order, stack="shop", drill="rollback", asked_by="schedule", apply=apply)
        )

    @precondition(lambda self: self.story.waiting())
    @rule(index=INDEX, newest=USUALLY, ended=ENDINGS)
    def an_action_ends(
        self, index: int, newest: bool, ended: MoveResult | GaveUp | NoPlan | None
    ) -> None:
        waiting = self.story.waiting()
        chosen = waiting[-2:] if newest else waiting
        action = chosen[index % len(chosen)]
        self.story.finishes(action, self._outcome(action, ended))

    @precondition(lambda self: self.story.finished(Topic.CHANGES))
    @rule(index=INDEX, ended=ENDINGS)
    def an_action_ends_again(self, index: int, ended: MoveResult | GaveUp | NoPlan | None) -> None:
        """An earlier worker still reports what came of it."""
        lately = self.story.finished(Topic.CHANGES)[-3:]
        action = lately[index % len(lately)]
        self.story.finishes(action, self._outcome(action, ended), attempt=2)

    def _outcome(self, action: Action, ended: MoveResult | GaveUp | NoPlan | None) -> Outcome:
        if isinstance(ended, GaveUp):
            return ended
        match action.kind:
            case ActionKind.PAGE | ActionKind.REFRESH:
                return Delivered(message(), "as it was")
            case ActionKind.PLAN:
                return ended if isinstance(ended, NoPlan) else plan(self.story.now)
            case ActionKind.TELL | ActionKind.SHOW:
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
        kept = (each for each in self.story.stack.incidents if not each.aside)
        lanes = Counter(incident.lane for incident in kept)
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
    def an_open_incident_is_looked_at_again_or_a_person_has_to_end_it(self) -> None:
        for each in self.story.stack.open_incidents():
            waiting = {
                timer.kind for timer in self.story.timers.values() if timer.incident == each.id
            }
            ends_itself = each.settles or each.state is State.RESOLVING
            assert not ends_itself or waiting & {"settle", "confirm"}, f"{each.id} is forgotten"

    @invariant()
    def a_drill_and_a_rollback_never_share_the_stacks_traffic(self) -> None:
        touching = (Phase.PROPOSED, Phase.APPLYING, Phase.RESTORING)
        phases = [each.rollback.phase for each in self.story.stack.incidents if each.rollback]
        assert self.story.stack.drill is None or not set(phases) & set(touching)

    @invariant()
    def a_rollback_waits_only_while_a_drill_is_under_way(self) -> None:
        for each in self.story.stack.incidents:
            if each.rollback is not None and each.rollback.waiting:
                assert each.rollback.phase is Phase.PLANNING
                assert self.story.stack.drill is not None

    @invariant()
    def a_drill_is_under_way_or_recorded_once(self) -> None:
        recorded = [row.id for row in self.story.drills]
        run = self.story.stack.drill
        under_way = [run.id] if run else []
        assert sorted(recorded + under_way) == sorted(self.story.ordered)

    @invariant()
    def a_drill_moves_traffic_once_and_puts_it_back_once(self) -> None:
        orders = [(each.kind, each.order) for each in self.story.actions]
        steps = Counter(
            (kind, order.drill)
            for kind, order in orders
            if isinstance(order, TrafficOrder) and order.drill
        )
        assert all(count == 1 for count in steps.values())

    def teardown(self) -> None:
        """What was begun is brought to its end, and nothing is left hanging."""
        while (waiting := self.story.waiting()) and waiting[-1].kind.topic is Topic.CHANGES:
            self.story.finishes(waiting[-1], self._outcome(waiting[-1], None))
        assert self.story.stack.drill is None
        self.a_drill_is_under_way_or_recorded_once()
        for each in self.story.stack.incidents:
            if each.rollback is not None:
                assert each.rollback.phase.over or each.rollback.phase is Phase.PROPOSED


@pytest.mark.slow
def test_whatever_happens_in_whatever_order_the_invariants_hold() -> None:
    """One incident a lane, one rollback or drill a stack, no traffic without leave, no loose end."""
    run_state_machine_as_test(
        Histories, settings=settings(max_examples=300, stateful_step_count=60, deadline=None)
    )
