"""A data rollback from the wish to the end, and every instant at which it must keep its hands off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.pages.pages import Pages
from shared.app.data import ImportData
from shared.domain.action import DataOrder, Topic
from shared.domain.data_phase import DataPhase
from shared.domain.data_rollback import DataPlan, DataResult, DataRollback
from shared.domain.errors import Refused, Transient, UnknownOutcome
from shared.domain.incident import Incident
from shared.domain.incident_report import incident_markdown
from shared.domain.incident_state import State
from shared.domain.paging import Choice, PageStep
from shared.domain.policy import Policy
from shared.domain.snapshots import Snapshot
from shared.ports import Lease
from shared.wire import shown
from tests.builders import ANA, BEN, EVE, MINUTE, NOON, WES, policy, policy_with_data
from tests.fakes.snapshots import FakeSnapshots
from tests.use_cases.world import World

GOOD, NOW = b"as it was", b"as it is now"
TAKEN = NOON - timedelta(hours=3)


class Died(BaseException):
    """The worker ends here."""


class Troubled:
    """Snapshots whose next call of a method meets what was ordered, before or after it is done."""

    def __init__(self, snapshots: FakeSnapshots) -> None:
        self._snapshots = snapshots
        self.before: dict[str, list[BaseException]] = {}
        self.after: dict[str, list[BaseException]] = {}

    def __getattr__(self, name: str) -> Any:
        before, after = self.before.get(name, []), self.after.get(name, [])

        def call(*args: Any) -> Any:
            if before:
                raise before.pop()
            answer = getattr(self._snapshots, name)(*args)
            if after:
                raise after.pop()
            return answer

        return call


class DataWorld(World):
    """The shop, with data that is wrong and one snapshot from before that."""

    def __init__(self, path: Path, rules: Policy) -> None:
        super().__init__(path, rules)
        self.source = FakeSnapshots(self.clock)
        self.trouble = Troubled(self.source)
        self.source.live["shop"] = NOW
        self.good = self.source.put("shop", "good", GOOD, TAKEN)
        self.snapshots = self.trouble
        self.healthy = lambda _: True
        self.act = self.acting(self.traffic, self.chat)

    @property
    def data(self) -> DataRollback:
        """The only incident's data rollback."""
        assert self.incident.data is not None
        return self.incident.data

    @property
    def live(self) -> bytes:
        """The shop's data."""
        return self.source.live["shop"]

    def asked(self, who: str = ANA, snapshot: str = "") -> DataWorld:
        """Somebody asks to go back to a snapshot."""
        self.asks(who, Choice.DATA_ROLLBACK, "orders are garbled", snapshot=snapshot)
        self.deliver()
        return self

    def approved(self) -> DataWorld:
        """Both who may approve do so, and nothing of what follows is delivered yet."""
        self.presses(BEN, Choice.APPROVE)
        self.presses(EVE, Choice.APPROVE)
        return self

    def until_import(self) -> str:
        """The present state is exported; the action that imports waits."""
        self.asked().approved()
        self.act(self.next_on(Topic.CHANGES))
        return self.next_on(Topic.CHANGES)

    def told(self, step: PageStep) -> str:
        """What the newest page of this step says."""
        pages = [page for page in self.incident.pages if page.step is step]
        assert pages, [page.step for page in self.incident.pages]
        return " ".join(pages[-1].details)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[DataWorld]:
    """A quiet shop whose data is wrong."""
    world = DataWorld(tmp_path / "switchman.db", policy_with_data())
    with closing(world.store):
        yield world


def _audited(world: World) -> str:
    """What whoever told us something last was told, where it was refused."""
    newest = max(world.store.audit(), key=lambda row: int(row.id.removeprefix("press-")))
    return newest.text


def test_two_approvals_export_import_and_check(shop: DataWorld) -> None:
    """Two others approve: the present state is exported, data replaced, health and data checked."""
    shop.asked().approved().deliver()
    assert shop.live == GOOD
    assert shop.data.phase is DataPhase.DONE
    assert shop.incident.state is State.MITIGATED
    export = shop.data.export
    assert export is not None
    assert shop.source.verify("shop", export.id).size == len(NOW)
    kinds = [line.partition(":")[0] for line in shop.timeline() if line.startswith("data_")]
    assert kinds == [
        "data_proposed",
        "data_approved",
        "data_approved",
        "data_exported",
        "data_imported",
        "data_done",
    ]
    assert not shop.sent()


def test_one_approval_moves_nothing(shop: DataWorld) -> None:
    """After one approval, and after the same person's second, data is as it was."""
    shop.asked()
    shop.presses(BEN, Choice.APPROVE)
    shop.presses(BEN, Choice.APPROVE)
    assert "you have approved it" in _audited(shop)
    shop.deliver()
    assert (shop.live, shop.data.phase) == (NOW, DataPhase.PROPOSED)


def test_whoever_asks_does_not_approve(tmp_path: Path) -> None:
    """The requester's approval is refused, also where that person may approve others' wishes."""
    rules = policy_with_data(approvers=("infra", "runtime"))
    world = DataWorld(tmp_path / "switchman.db", rules)
    with closing(world.store):
        world.asked(BEN)
        world.presses(BEN, Choice.APPROVE)
        assert "may not approve it" in _audited(world)
        world.presses(EVE, Choice.APPROVE)
        world.presses(ANA, Choice.APPROVE)
        world.deliver()
        assert world.live == GOOD


def test_fewer_than_two_others(shop: DataWorld) -> None:
    """Where the requester is one of two who may approve, it is refused when it is asked for."""
    shop.asked(BEN)
    assert not shop.stack.incidents
    assert "2 people besides you have to approve it, and 1 may" in _audited(shop)


def test_no_source_of_snapshots(world: World) -> None:
    """A stack whose policy names no snapshots is refused, with what to write into the policy."""
    world.asks(ANA, Choice.DATA_ROLLBACK, "orders are garbled")
    assert "add `data: {source: folder}` to the stack" in _audited(world)
    assert not world.stack.incidents


def test_nobody_else_decides(shop: DataWorld) -> None:
    """A person who may not approve is refused by name, and so is a press on another plan."""
    shop.asked()
    shop.presses(WES, Choice.APPROVE)
    assert "only Infra may decide on data rollbacks of shop" in _audited(shop)
    shop._instructs(BEN, Choice.APPROVE, incident=shop.incident.id, plan="another")
    assert "the plan has changed since" in _audited(shop)
    assert not shop.data.approvals


def test_rejected(shop: DataWorld) -> None:
    """Rejected, it is over: a later approval is refused, and data stays as it is."""
    shop.asked()
    shop.presses(BEN, Choice.REJECT)
    shop.presses(EVE, Choice.APPROVE)
    assert "was rejected" in _audited(shop)
    shop.deliver()
    assert (shop.live, shop.data.phase) == (NOW, DataPhase.REJECTED)


def test_expired(shop: DataWorld) -> None:
    """A button pressed too late is refused; the timer ends the proposal and moves nothing."""
    shop.asked()
    shop.clock.advance(31 * MINUTE)
    shop.presses(BEN, Choice.APPROVE)
    assert "has expired" in _audited(shop)
    shop.tick()
    shop.deliver()
    assert (shop.live, shop.data.phase) == (NOW, DataPhase.EXPIRED)


@pytest.mark.parametrize(
    ("snapshot", "change", "why"),
    [
        ("nowhere", {}, "there is no snapshot 'nowhere'; there is: good"),
        ("good", {"format": 2}, "has format 2, newer than the format 1"),
        ("good", {"format": 0}, "has format 0, older than the format 1"),
        ("", {"taken_at": NOON - timedelta(days=8)}, "was taken more than 7 days"),
        ("", {"digest": "0" * 64}, "is not what its manifest says"),
        ("", {"size": 1}, "is not what its manifest says"),
    ],
)
def test_no_usable_snapshot(
    shop: DataWorld, snapshot: str, change: dict[str, object], why: str
) -> None:
    """A snapshot that is unknown, of another format, too old or not as described is refused."""
    shop.source.describe("shop", "good", **change)
    shop.asked(snapshot=snapshot)
    assert shop.data.phase is DataPhase.REFUSED
    assert why in shop.data.detail
    shop.presses(BEN, Choice.APPROVE)
    shop.deliver()
    assert shop.live == NOW


def test_one_rollback_at_a_time(shop: DataWorld) -> None:
    """While a data rollback is proposed neither traffic nor data can be asked for, nor a drill."""
    shop.asked()
    shop.asks(EVE, Choice.ROLLBACK, "it is slow")
    assert "has a rollback under way" in _audited(shop)
    shop.asks(WES, Choice.DATA_ROLLBACK, "again")
    assert "has a rollback under way" in _audited(shop)
    assert shop.drill(apply=True).reason is not None
    assert shop.stack.drill is None


def test_not_while_traffic_is_rolled_back(shop: DataWorld) -> None:
    """A rollback of traffic that is proposed excludes one of data."""
    shop.asks(BEN, Choice.ROLLBACK, "it is slow")
    shop.deliver()
    shop.asks(ANA, Choice.DATA_ROLLBACK, "orders are garbled")
    assert "under way" in _audited(shop)


def test_not_while_a_drill_is_under_way(shop: DataWorld) -> None:
    """A drill excludes a data rollback."""
    shop.drill(apply=True)
    shop.asks(ANA, Choice.DATA_ROLLBACK, "orders are garbled")
    assert "drill" in _audited(shop)


def test_snapshot_changed_since_approval(shop: DataWorld) -> None:
    """A snapshot whose content changed after it was approved is not imported, and that pages."""
    action = shop.until_import()
    shop.source.spoil("shop", "good")
    shop.act(action)
    assert shop.live == NOW
    assert "is not what its manifest says" in shop.told(PageStep.DATA_FAILED)


def test_export_fails(shop: DataWorld) -> None:
    """Without an export of the present state nothing is imported, and a person is paged."""
    shop.asked().approved()
    shop.trouble.before["export"] = [Refused("the disk is full")]
    shop.deliver()
    assert (shop.live, shop.data.phase) == (NOW, DataPhase.FAILED)
    assert shop.incident.state is State.OPEN
    assert "so nothing was imported: the disk is full" in shop.told(PageStep.DATA_FAILED)


def test_approver_leaves_between(tmp_path: Path) -> None:
    """An approval of somebody who may not approve any more counts for nothing at the import."""
    world = DataWorld(tmp_path / "switchman.db", policy_with_data())
    with closing(world.store):
        world.asked().approved()
        later = policy_with_data(approvers=("web", "runtime"))
        left = DataWorld(tmp_path / "switchman.db", later)
        left.source.live["shop"] = NOW
        with closing(left.store):
            left.act(world.next_on(Topic.CHANGES))
            assert left.data.phase is DataPhase.FAILED
            assert "fewer than 2 of its approvals" in left.told(PageStep.DATA_FAILED)
            assert not left.source.imports


def test_approval_runs_out_before_the_import(shop: DataWorld) -> None:
    """An import that comes to its turn too late is not begun."""
    action = shop.until_import()
    shop.clock.advance(31 * MINUTE)
    shop.act(action)
    assert shop.live == NOW
    assert "ran out" in shop.told(PageStep.DATA_FAILED)


def test_a_clock_set_back_makes_no_approval_last_longer(shop: DataWorld) -> None:
    """Nobody can tell how old the snapshot's verification is: the second approval is refused."""
    shop.asked()
    shop.presses(BEN, Choice.APPROVE)
    shop.clock.advance(-60 * MINUTE)
    shop.presses(EVE, Choice.APPROVE)
    assert "the clock was set back" in _audited(shop)
    shop.deliver()
    assert (shop.live, shop.data.phase) == (NOW, DataPhase.PROPOSED)


def test_lost_answer_is_looked_up(shop: DataWorld) -> None:
    """The answer to the import is lost: it is found by its key, and not sent again."""
    action = shop.until_import()
    shop.trouble.after["import_replace"] = [UnknownOutcome("the answer was lost")]
    shop.act(action)
    shop.deliver()
    assert (len(shop.source.imports), shop.data.phase) == (1, DataPhase.DONE)


def test_import_that_never_shows(shop: DataWorld) -> None:
    """An import that nobody can find is not sent again: a page names the export and the way back."""
    action = shop.until_import()
    shop.trouble.before["import_replace"] = [UnknownOutcome("the answer was lost")]
    shop.act(action)
    shop.deliver()
    assert shop.data.phase is DataPhase.HELD
    assert not shop.source.imports
    export = shop.data.export
    assert export is not None
    told = shop.told(PageStep.DATA_HELD)
    assert f"switchman rollback data shop --snapshot {export.id} --apply" in told


@pytest.mark.parametrize("side", ["before", "after"])
def test_death_in_the_middle_of_the_import(shop: DataWorld, side: str) -> None:
    """Whoever takes over from a worker that died only looks, whether it had been sent or not."""
    action = shop.until_import()
    getattr(shop.trouble, side)["import_replace"] = [Died()]
    with pytest.raises(Died):
        shop.act(action)
    shop.clock.advance(MINUTE)
    shop.act(action)
    shop.deliver()
    sent = side == "after"
    assert len(shop.source.imports) == sent
    assert shop.data.phase is (DataPhase.DONE if sent else DataPhase.HELD)


@pytest.mark.parametrize("step", ["verify", "export", "look_up", "smoke"])
@pytest.mark.parametrize("side", ["before", "after"])
def test_death_elsewhere(shop: DataWorld, step: str, side: str) -> None:
    """A worker that dies at any other call is followed by one that carries on to the end."""
    getattr(shop.trouble, side)[step] = [Died()]
    shop.asks(ANA, Choice.DATA_ROLLBACK, "orders are garbled")
    _deliver_though_it_dies(shop)
    shop.approved()
    _deliver_though_it_dies(shop)
    assert (shop.live, shop.data.phase) == (GOOD, DataPhase.DONE)
    assert len(shop.source.imports) == 1


def _deliver_though_it_dies(shop: DataWorld) -> None:
    try:
        shop.deliver()
    except Died:
        shop.clock.advance(MINUTE)
        shop.tick()
        shop.deliver()


def test_the_source_is_away_for_a_moment(shop: DataWorld) -> None:
    """A source that is away when it is asked to import is asked again: nothing was begun."""
    action = shop.until_import()
    shop.trouble.before["import_replace"] = [Transient("away"), Transient("away")]
    shop.act(action)
    shop.deliver()
    assert (len(shop.source.imports), shop.data.phase) == (1, DataPhase.DONE)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda shop: setattr(shop, "healthy", lambda _: False), "answered 500"),
        (lambda shop: shop.source.live.update(shop=b"something else"), "the data is not that of"),
    ],
)
def test_unhealthy_afterwards(
    shop: DataWorld, spoil: Callable[[DataWorld], None], says: str
) -> None:
    """Checks that do not pass after the import page with the way back; nothing is sent again."""
    action = shop.until_import()
    shop.act(action)
    spoil(shop)
    shop.deliver()
    assert shop.data.phase is DataPhase.FAILED
    told = shop.told(PageStep.DATA_FAILED)
    assert says in told
    assert "--snapshot before-" in told
    assert len(shop.source.imports) == 1


def test_the_way_back(shop: DataWorld) -> None:
    """The state before a data rollback is never chosen by itself, and can be gone back to by name."""
    shop.asked().approved().deliver()
    before = shop.data.export
    assert before is not None
    shop.asked()
    assert shop.data.plan is not None
    assert shop.data.plan.snapshot.id == "good"
    shop.presses(BEN, Choice.REJECT)
    shop.asked(snapshot=before.id).approved().deliver()
    assert shop.live == NOW


def test_it_ends_before_anybody_approves(shop: DataWorld) -> None:
    """An incident that a person ends takes its proposal with it."""
    shop.asked()
    shop.presses(BEN, Choice.RESOLVE)
    shop.tick()
    shop.deliver()
    assert shop.incident.state is State.RESOLVED
    assert shop.data.phase is DataPhase.WITHDRAWN
    shop.approved().deliver()
    assert shop.live == NOW


def test_nobody_ends_it_while_data_is_replaced(shop: DataWorld) -> None:
    """Once it is approved the incident cannot be ended until it is known how it went."""
    shop.asked().approved()
    shop.presses(BEN, Choice.RESOLVE)
    assert "a rollback is running" in _audited(shop)
    shop.deliver()
    assert shop.data.phase is DataPhase.DONE


def test_the_page_to_the_approvers(shop: DataWorld) -> None:
    """Two who may approve are paged, and their messages have the plan, its limits and the buttons."""
    shop.asked()
    asked = [page for page in shop.incident.pages if page.step is PageStep.ASKED]
    assert [page.person for page in asked] == ["ben", "eve"]
    card = next(iter(shop.chat.posted())).card
    assert {Choice.APPROVE, Choice.REJECT} <= set(card.choices)
    assert card.subject.partition("|")[2] == _plan(shop.incident).hash
    text = "\n".join(card.paragraphs)
    assert "2 people of Infra have to approve it" in text
    assert "traffic is not touched" in text
    assert card.paragraphs[-1].startswith("All data of shop is replaced by snapshot good")


def _plan(incident: Incident) -> DataPlan:
    assert incident.data is not None
    assert incident.data.plan is not None
    return incident.data.plan


def test_long_running_import(shop: DataWorld) -> None:
    """An import that takes its time is waited for."""
    action = shop.until_import()
    shop.source.takes = MINUTE
    shop.act(action)
    assert shop.data.phase is DataPhase.CHECKING
    assert shop.live == GOOD


def test_import_without_end(shop: DataWorld) -> None:
    """An import that takes longer than anyone waits for is in doubt: a person has to look."""
    action = shop.until_import()
    shop.source.takes = 10 * MINUTE
    shop.act(action)
    assert shop.data.phase is DataPhase.HELD
    assert len(shop.source.imports) == 1


def test_an_order_without_an_export_imports_nothing(shop: DataWorld) -> None:
    """The performer itself refuses to import where no export is named."""
    action = shop.until_import()
    lease = shop.store.claim(action, timedelta(seconds=30))
    assert isinstance(lease, Lease)
    order = lease.action.order
    assert isinstance(order, DataOrder)
    order = replace(order, export=None)
    lease = replace(lease, action=replace(lease.action, order=order))
    perform = ImportData(outbox=shop.store, snapshots=shop.source, clock=shop.clock)
    assert perform(lease).result is DataResult.REFUSED
    assert not shop.source.imports


def test_plans_differ_by_digest() -> None:
    """Another digest under the same name is another plan, so that no approval carries over."""

    def plan(digest: str) -> DataPlan:
        snapshot = Snapshot(id="good", digest=digest, size=3, taken_at=TAKEN, format=1)
        return DataPlan(
            stack="shop",
            source="folder",
            snapshot=snapshot,
            verified_at=NOON,
            made_at=NOON,
            expires_at=NOON + MINUTE,
        )

    assert plan("a").hash == plan("a").hash != plan("b").hash
    assert policy().stacks["shop"].data is None


def test_what_is_told_afterwards(shop: DataWorld) -> None:
    """The JSON, the report and the page name the snapshot, the approvers and the state before."""
    shop.asked().approved().deliver()
    export = shop.data.export
    assert export is not None
    view = shop.store.incident(shop.incident.id)
    assert view is not None
    rows = shop.store.timeline(shop.incident.id)
    told = shown.incident(view.incident, view.alerts, rows)
    assert told["data_rollback"]["phase"] == "done"
    assert told["data_rollback"]["export"]["id"] == export.id
    assert [each["by"] for each in told["data_rollback"]["approvals"]] == ["ben", "eve"]
    report = incident_markdown(shop.policy, view.incident, view.alerts, rows)
    assert "## Data rollback" in report
    assert "Approved by Ben and Eve" in report
    page = Pages(shop.policy, shop.clock).incident(told)
    assert "done: healthy, and as the snapshot has it" in page
    assert export.id in page
