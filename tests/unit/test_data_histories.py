"""Whatever people do in whatever order: no import without two living approvals of others."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.domain.action import Action, ActionKind, DataOrder, DataWish, GaveUp, Outcome
from shared.domain.data_rollback import DataOutcome, DataPlan, DataResult, approvers
from shared.domain.event import TimerKind
from shared.domain.paging import Choice
from shared.domain.policy import Policy
from shared.domain.rollback import NoPlan
from shared.domain.snapshots import Snapshot
from tests.builders import ANA, BEN, EVE, MINUTE, NOON, WES, policy_with_data
from tests.story import Story

PEOPLE = (ANA, BEN, EVE, WES)
TEAMS = st.sampled_from([("infra",), ("infra", "runtime"), ("infra", "web", "runtime"), ("web",)])
ANYTHING = st.one_of(
    st.tuples(st.sampled_from(["ask", "approve", "late", "reject"]), st.sampled_from(PEOPLE)),
    st.tuples(st.sampled_from(["export", "import", "check"]), st.sampled_from(DataResult)),
    st.tuples(st.just("verify"), st.sampled_from("abc")),
    st.tuples(st.just("wait"), st.integers(1, 40)),
    st.tuples(st.just("policy"), TEAMS),
    st.tuples(st.sampled_from(["refuse", "lose", "expire"]), st.none()),
)
STRAIGHT: tuple[tuple[str, object], ...] = (
    ("ask", ANA),
    ("verify", "a"),
    ("approve", BEN),
    ("approve", EVE),
    ("export", DataResult.DONE),
    ("import", DataResult.DONE),
    ("check", DataResult.DONE),
)


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, object]]:
    """The straight way, once or twice, with anything in between and some of it left out."""
    steps: list[tuple[str, object]] = []
    for step in STRAIGHT * draw(st.integers(1, 2)):
        steps += draw(st.lists(ANYTHING, max_size=1))
        steps += [step] * draw(st.sampled_from([1, 1, 1, 0, 2]))
    return steps


KINDS = {
    "export": ActionKind.EXPORT_DATA,
    "import": ActionKind.IMPORT_DATA,
    "check": ActionKind.CHECK_DATA,
}


class History:
    """A stack's life, and who approved which plan since it was proposed."""

    def __init__(self) -> None:
        self.story = Story(policy_with_data())
        self.imports: list[Action] = []
        self.given: dict[str, set[str]] = {}
        self.exported: dict[str, Snapshot] = {}
        self.plans: list[DataPlan] = []

    def happens(self, what: str, detail: object) -> None:
        """One thing; every import that it leads to is judged at once."""
        before = len(self.story.actions)
        getattr(self, f"_{what}")(detail)
        for action in self.story.actions[before:]:
            if action.kind is ActionKind.IMPORT_DATA:
                self.judge(action)

    def judge(self, action: Action) -> None:
        """Two living approvals of others for exactly that plan, and its export, and only once."""
        order = action.order
        assert isinstance(order, DataOrder)
        allowed = {p.id for p in approvers(self.story.policy, "shop", self.story.now)}
        data = self.story.incident.data
        assert data is not None
        living = self.given.get(order.plan.hash, set()) & allowed - {data.requested_by}
        assert len(living) >= 2
        assert order.export is not None
        assert self.exported[order.plan.hash] == order.export
        assert order.plan.hash not in {_hash(each) for each in self.imports}
        assert action.not_after is not None
        assert self.story.now < action.not_after
        self.imports.append(action)

    def _ask(self, who: str) -> None:
        self.story.instructs(who, Choice.DATA_ROLLBACK, stack="shop", text="garbled")

    def _approve(self, who: str) -> None:
        self._press(who, self.plans[-1] if self.plans else None)

    def _late(self, who: str) -> None:
        """A button of the first plan that there ever was."""
        self._press(who, self.plans[0] if self.plans else None)

    def _press(self, who: str, plan: DataPlan | None) -> None:
        if plan is None or not self.story.stack.incidents:
            return
        data = self.story.incident.data
        before = data.approvals if data else ()
        self.story.presses(who, Choice.APPROVE, plan.hash)
        data = self.story.incident.data
        if data and data.plan == plan and data.approvals != before:
            self.given.setdefault(plan.hash, set()).add(data.approvals[-1].by)

    def _reject(self, who: str) -> None:
        if self.plans and self.story.stack.incidents:
            self.story.presses(who, Choice.REJECT, self.plans[-1].hash)

    def _wait(self, minutes: int) -> None:
        self.story.later(minutes * MINUTE)

    def _verify(self, content: str) -> None:
        action = self._newest(ActionKind.VERIFY_SNAPSHOT)
        if action is None:
            return
        wish = action.order
        assert isinstance(wish, DataWish)
        plan = _plan(self.story, content, action.id)
        self.plans.append(plan)
        self.story.finishes(action, plan)

    def _refuse(self, _: object) -> None:
        action = self._newest(ActionKind.VERIFY_SNAPSHOT)
        if action is not None:
            self.story.finishes(action, NoPlan(reason="there are no snapshots"))

    def _export(self, result: DataResult) -> None:
        self._ends("export", result)

    def _import(self, result: DataResult) -> None:
        self._ends("import", result)

    def _check(self, result: DataResult) -> None:
        self._ends("check", result)

    def _ends(self, step: str, result: DataResult) -> None:
        action = self._newest(KINDS[step])
        if action is None:
            return
        export = None
        if step == "export" and result is DataResult.DONE:
            export = replace(_snapshot("now"), id="before", made_by=_hash(action))
            self.exported[_hash(action)] = export
        self._finish(action, DataOutcome(result=result, detail="so it is", export=export))

    def _lose(self, _: object) -> None:
        newest = [a for a in map(self._newest, KINDS.values()) if a is not None]
        if newest:
            self._finish(newest[-1], GaveUp("tried 8 times"))

    def _policy(self, teams: tuple[str, ...]) -> None:
        self.story.policy = policy_with_data(approvers=teams)

    def _expire(self, _: object) -> None:
        timers = [t for t in self.story.timers.values() if t.kind is TimerKind.DATA_EXPIRES]
        for timer in timers:
            self.story.now = max(self.story.now, timer.due)
            self.story.take(self.story.due(timer))

    def _finish(self, action: Action, outcome: Outcome) -> None:
        self.story.finishes(action, outcome)

    def _newest(self, kind: ActionKind) -> Action | None:
        found = [each for each in self.story.actions if each.kind is kind]
        return found[-1] if found else None


def _hash(action: Action) -> str:
    assert isinstance(action.order, DataOrder)
    return action.order.plan.hash


def _snapshot(content: str) -> Snapshot:
    taken_at = NOON - timedelta(hours=1)
    return Snapshot(id="good", digest=content, size=3, taken_at=taken_at, format=1)


def _plan(story: Story, content: str, made_by: str) -> DataPlan:
    return DataPlan(
        stack="shop",
        source="folder",
        snapshot=_snapshot(content),
        verified_at=story.now,
        made_at=story.now,
        expires_at=story.now + 30 * MINUTE,
        made_by=made_by,
    )


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories())
def test_no_import_without_two_living_approvals(steps: list[tuple[str, object]]) -> None:
    """Whoever asks, approves, leaves or is late: nothing is imported that two others do not want."""
    history = History()
    for what, detail in steps:
        history.happens(what, detail)


def test_the_straight_way_imports_once() -> None:
    """The histories above are not empty: asked, approved by two and exported, it is imported."""
    history = History()
    for what, detail in STRAIGHT:
        history.happens(what, detail)
    assert len(history.imports) == 1


def test_a_policy_without_snapshots_stops_what_was_approved() -> None:
    """Where `data` leaves the policy between export and import, nothing is imported."""
    history = History()
    for what, detail in STRAIGHT[:4]:
        history.happens(what, detail)
    known = history.story.policy
    shop = replace(known.stacks["shop"], data=None)
    without: Policy = replace(known, stacks={"shop": shop})
    history.story.policy = without
    history.happens("export", DataResult.DONE)
    assert not history.imports
