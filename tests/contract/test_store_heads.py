"""The commit port: what every store promises about one event taking effect."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest

from shared.domain.action import ActionKind, Done
from shared.domain.alert import AlertStatus
from shared.domain.decision import IncidentRow, MovedAlert
from shared.domain.errors import Conflict, StaleHolder
from shared.domain.stack import Stack
from shared.ports import Commit, Committed, Lease, Recalled, Series, Settlement, Store
from tests.contract.store_contract import (
    STORES,
    action,
    alert_row,
    at,
    commit,
    incident,
    line,
    open_store,
    put,
    shop,
    timer,
)
from tests.fakes.clock import ManualClock

LEASE = timedelta(seconds=30)


@pytest.fixture
def clock() -> ManualClock:
    """The store's clock."""
    return ManualClock(at(0))


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    """Each store in turn, empty."""
    with open_store(request, tmp_path, clock) as opened:
        yield opened


def claimed(store: Store, name: str) -> Lease:
    """The lease of an action that is free."""
    lease = store.claim(name, LEASE)
    assert isinstance(lease, Lease)
    return lease


def test_unknown_stack_is_empty(store: Store) -> None:
    """A stack nobody wrote is empty, and its token is empty too."""
    assert store.load("shop") == (Stack(id="shop"), "")


def test_head_comes_back_as_written(store: Store) -> None:
    """What a commit wrote as the head is what the next load returns."""
    assert store.commit(commit("e1", shop()), "") is Committed.NEW
    head, token = store.load("shop")
    assert head == shop()
    assert token


def test_each_write_gives_a_new_token(store: Store) -> None:
    """Two writes of the same head content still give two tokens."""
    put(store, "e1", shop())
    _, first = store.load("shop")
    put(store, "e2", shop())
    _, second = store.load("shop")
    assert first != second


def test_of_two_writers_one_wins(store: Store) -> None:
    """Whoever commits second on the same token is told to decide again."""
    put(store, "e1", shop())
    _, token = store.load("shop")
    winner = shop(incident(acknowledged_by="ana"))
    assert store.commit(commit("e2", winner), token) is Committed.NEW
    with pytest.raises(Conflict):
        store.commit(commit("e3", shop(incident(acknowledged_by="ben"))), token)
    assert store.load("shop")[0] == winner
    assert store.seen("e3") is None


def test_of_two_first_writers_one_wins(store: Store) -> None:
    """The same holds for a head that does not exist yet."""
    assert store.commit(commit("e1", shop()), "") is Committed.NEW
    with pytest.raises(Conflict):
        store.commit(commit("e2", Stack(id="shop")), "")
    assert store.load("shop")[0] == shop()


def test_stacks_do_not_disturb_each_other(store: Store) -> None:
    """A commit on one stack leaves another stack's token good."""
    put(store, "e1", shop())
    _, token = store.load("shop")
    put(store, "e2", Stack(id="mail"))
    assert store.commit(commit("e3", shop()), token) is Committed.NEW


def test_repeated_event_changes_nothing(store: Store) -> None:
    """An event committed before is reported as done, whatever the token says by now."""
    put(store, "e1", shop(), rows=(line("t1"),))
    _, token = store.load("shop")
    again = commit("e1", shop(incident(title="another")), rows=(line("t2"),))
    assert store.commit(again, token) is Committed.ALREADY
    assert store.commit(again, "") is Committed.ALREADY
    assert store.load("shop") == (shop(), token)
    assert [row.id for row in store.timeline(incident().id)] == ["t1"]


def test_fifty_deliveries_of_one_event_write_once(store: Store) -> None:
    """Fifty threads commit the same event: one writes it, forty-nine are told it is done."""
    together = Barrier(50)
    event = commit("e1", shop(), rows=(line("t1"),), actions=(action("e1-0"),))

    def deliver(number: int) -> Committed | None:
        _, token = store.load("shop")
        together.wait(timeout=60)
        try:
            return store.commit(event, token)
        except Conflict:
            return Committed.ALREADY if store.seen("e1") else None

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(deliver, range(50)))
    assert answers.count(Committed.NEW) == 1
    assert answers.count(Committed.ALREADY) == 49
    assert len(store.timeline(incident().id)) == 1


def test_commit_without_head_leaves_the_head_alone(store: Store) -> None:
    """An alert that changes nothing writes its row and not the head."""
    put(store, "e1", shop())
    head, token = store.load("shop")
    assert store.commit(commit("e2", rows=(alert_row(1),)), token) is Committed.NEW
    assert store.load("shop") == (head, token)
    assert store.alert("alert-1") == alert_row(1)
    assert store.seen("e2") == ()


def test_commit_without_head_is_refused_when_the_head_moved(store: Store) -> None:
    """The alert row's transaction reads the head, and is abandoned if it is another by now."""
    put(store, "e1", shop())
    _, token = store.load("shop")
    put(store, "e2", shop(incident(acknowledged_by="ana")))
    with pytest.raises(Conflict):
        store.commit(commit("e3", rows=(alert_row(1),)), token)
    assert store.alert("alert-1") is None
    assert store.seen("e3") is None


def test_commit_without_head_is_refused_when_a_head_appeared(store: Store) -> None:
    """The empty token means that there is no head, and is checked as well."""
    put(store, "e1", shop())
    with pytest.raises(Conflict):
        store.commit(commit("e2", rows=(alert_row(1),)), "")
    assert store.alert("alert-1") is None


def test_repeated_event_without_head_changes_nothing(store: Store) -> None:
    """A redelivered alert that only wrote its row is reported as done."""
    first = commit("e1", rows=(alert_row(1),))
    assert store.commit(first, "") is Committed.NEW
    assert store.commit(first, "") is Committed.ALREADY


@pytest.mark.parametrize("head", [shop(), None], ids=["with head", "rows only"])
def test_last_row_that_clashes_undoes_everything(store: Store, head: Stack | None) -> None:
    """A commit whose last row was raced leaves no trace of any of its parts."""
    put(store, "e1", shop(incident(title="before")), rows=(line("taken"),))
    before = store.load("shop")
    clashing = commit(
        "e2",
        head,
        rows=(alert_row(1), IncidentRow(incident=incident(2)), line("new"), line("taken")),
        actions=(action("e2-0"),),
        timers=(timer(),),
    )
    with pytest.raises(Conflict):
        store.commit(clashing, before[1])
    assert store.load("shop") == before
    assert store.seen("e2") is None
    assert store.alert("alert-1") is None
    assert [row.id for row in store.timeline(incident().id)] == ["taken"]
    assert store.due(at(1)) == ()
    assert store.unsettled(timedelta(0)) == ()
    assert store.incident(incident(2).id) is None


def test_alert_fires_only_once(store: Store) -> None:
    """A second insert of a firing alert is a race: decide again."""
    put(store, "e1", rows=(alert_row(1),))
    with pytest.raises(Conflict):
        put(store, "e2", rows=(alert_row(1),))


def test_alert_ends(store: Store) -> None:
    """A resolved alert keeps its row, with status and end, and no longer counts as firing."""
    put(store, "e1", shop(), rows=(alert_row(1), alert_row(2)))
    ended = alert_row(1, status=AlertStatus.RESOLVED, ends_at=at(5))
    put(store, "e2", rows=(ended,))
    assert store.alert("alert-1") == ended
    assert store.firing(incident().id) == 1


def test_end_changes_only_the_end(store: Store) -> None:
    """Where an alert went was decided when it fired; its end does not move it."""
    put(store, "e1", rows=(alert_row(1),))
    ended = alert_row(1, status=AlertStatus.RESOLVED, ends_at=at(5))
    put(store, "e2", rows=(replace(ended, incident="other-0", title="other"),))
    assert store.alert("alert-1") == ended


def test_end_says_when_it_was_heard_of(store: Store) -> None:
    """The row keeps when the message was published that told of the end."""
    put(store, "e1", rows=(alert_row(1),))
    ended = alert_row(1, status=AlertStatus.RESOLVED, ends_at=at(5), heard_at=at(6))
    put(store, "e2", rows=(replace(ended, series="other"),))
    assert store.alert("alert-1") == ended


def test_series_comes_newest_start_first(store: Store) -> None:
    """All rows of one series by their start, firing or ended, and no row of another."""
    old, new, newest = (alert_row(n, series="s1", starts_at=at(n)) for n in (1, 2, 3))
    put(store, "e1", rows=(new, newest, old, alert_row(8, series="s2"), alert_row(9)))
    ended = replace(new, status=AlertStatus.RESOLVED, ends_at=at(5))
    put(store, "e2", rows=(ended,))
    assert store.series("s1") == (newest, ended, old)
    assert store.series("s1", limit=1) == (newest,)


def test_row_without_a_series_is_found_by_none(store: Store) -> None:
    """Rows of an older program have no series, which is not one that they share."""
    put(store, "e1", rows=(alert_row(1), alert_row(2)))
    assert store.series("") == store.series("s1") == ()


def test_what_an_alert_is_about_is_recalled_at_once(store: Store) -> None:
    """The event, the alert's own row and its series, as each of them is answered by itself."""
    old, newest = (alert_row(n, series="s1", starts_at=at(n)) for n in (1, 2))
    actions = tuple(action(f"e1-{n}") for n in range(12))
    put(store, "e1", shop(), rows=(old, newest), actions=actions)
    unseen = store.recall("e2", old.id, "s1", 20)
    assert unseen == Recalled(pending=None, own=old, rows=(newest, old))
    assert store.recall("e2", old.id, "s1", 1).rows == (newest,)
    assert store.recall("e2", "nobody", "s2", 20) == Recalled(pending=None, own=None)
    seen = store.recall("e1", old.id, "s1", 20)
    assert (seen.pending, seen.own) == (actions, old)


def test_ended_alert_never_fires_again(store: Store) -> None:
    """A firing report that comes after the end is a race, and the row stays ended."""
    ended = alert_row(1, status=AlertStatus.RESOLVED, ends_at=at(5))
    put(store, "e1", rows=(ended,))
    with pytest.raises(Conflict):
        put(store, "e2", rows=(alert_row(1),))
    assert store.alert("alert-1") == ended


def test_firing_alert_is_confirmed(store: Store) -> None:
    """A later message that it fires moves on when it was heard to, and nothing else."""
    fires = alert_row(1, series="s1", heard_at=at(1))
    put(store, "e1", rows=(fires,))
    read = Series(id="s1", limit=20, rows=(fires,))
    put(store, "e2", rows=(replace(fires, heard_at=at(2), title="other"),), series=read)
    assert store.alert("alert-1") == replace(fires, heard_at=at(2))
    assert store.firing(incident().id) == 1


def test_firing_alert_older_than_its_series_shows_is_confirmed(store: Store) -> None:
    """It is not among the newest rows, was looked up by its id, and is no new row."""
    fires, newer = (alert_row(n, series="s1", starts_at=at(n), heard_at=at(n)) for n in (1, 2))
    put(store, "e1", rows=(fires, newer))
    read = Series(id="s1", limit=1, rows=(newer,), older=(fires,))
    put(store, "e2", rows=(replace(fires, heard_at=at(3)),), series=read)
    assert store.alert("alert-1") == replace(fires, heard_at=at(3))


def test_firing_alert_is_not_confirmed_by_what_was_said_before(store: Store) -> None:
    """An earlier message that it fires is a race: decide again."""
    fires = alert_row(1, series="s1", heard_at=at(2))
    put(store, "e1", rows=(fires,))
    read = Series(id="s1", limit=20, rows=(fires,))
    with pytest.raises(Conflict):
        put(store, "e2", rows=(replace(fires, heard_at=at(1)),), series=read)
    assert store.alert("alert-1") == fires


@pytest.mark.parametrize("head", [shop(), None], ids=["with head", "rows only"])
def test_series_that_was_written_since_is_a_race(store: Store, head: Stack | None) -> None:
    """What was decided on another state of the series leaves no trace."""
    one, two = (alert_row(n, series="s1", starts_at=at(n)) for n in (1, 2))
    read = Series(id="s1", limit=20)
    put(store, "e1", rows=(one,), series=read)
    with pytest.raises(Conflict):
        put(store, "e2", head, rows=(two,), series=read)
    assert store.series("s1") == (one,)
    assert store.seen("e2") is None
    put(store, "e2", head, rows=(two,), series=replace(read, rows=(one,)))
    assert store.series("s1") == (two, one)
    assert store.load("shop")[0] == (head or Stack(id="shop"))


def test_firing_counts_one_incident(store: Store) -> None:
    """The count is over the incident's own firing alerts."""
    rows = [alert_row(n) for n in range(3)] + [alert_row(9, incident="other-0")]
    put(store, "e1", rows=tuple(rows))
    assert store.firing(incident().id) == 3
    assert store.firing("nobody-0") == 0


def test_alerts_are_counted_firing_or_not(store: Store) -> None:
    """The count is over all rows of one incident."""
    ended = alert_row(2, status=AlertStatus.RESOLVED, ends_at=at(5))
    put(store, "e1", rows=(alert_row(1), ended, alert_row(9, incident="other-0")))
    assert (store.alerts(incident().id), store.alerts("nobody-0")) == (2, 0)


def test_moved_alert_belongs_to_another_incident_and_is_else_as_it_was(store: Store) -> None:
    """Only incident and lane change; that it fires, and since when, stays."""
    put(store, "e1", rows=(alert_row(1), alert_row(2)))
    put(store, "e2", shop(), rows=(MovedAlert(id="alert-1", incident="other-0", lane="auth"),))
    assert store.alert("alert-1") == alert_row(1, incident="other-0", lane="auth")
    assert (store.firing(incident().id), store.firing("other-0")) == (1, 1)
    put(store, "e3", rows=(alert_row(1, status=AlertStatus.RESOLVED, ends_at=at(5)),))
    assert (store.alerts("other-0"), store.firing("other-0")) == (1, 0)


def test_alert_that_is_gone_cannot_be_moved(store: Store) -> None:
    """Decide again on what is there."""
    with pytest.raises(Conflict):
        put(store, "e1", shop(), rows=(MovedAlert(id="alert-1", incident="other-0", lane="auth"),))
    assert store.load("shop") == (Stack(id="shop"), "")


def test_rows_that_fire_come_by_their_ids(store: Store) -> None:
    """Those of one incident, as many as are asked for."""
    rows = [alert_row(n) for n in (3, 1, 2)]
    ended = alert_row(4, status=AlertStatus.RESOLVED, ends_at=at(5))
    put(store, "e1", rows=(*rows, ended, alert_row(9, incident="other-0")))
    assert store.firing_rows(incident().id, 9) == (rows[1], rows[2], rows[0])
    assert store.firing_rows(incident().id, 2) == (rows[1], rows[2])


def test_end_may_say_why(store: Store) -> None:
    """What a person ended says so; an end without a reason keeps the one that is there."""
    put(store, "e1", rows=(alert_row(1, reason="first"), alert_row(2, reason="first")))
    over = {"status": AlertStatus.RESOLVED, "ends_at": at(5)}
    put(store, "e2", rows=(alert_row(1, reason="ended by Ben", **over), alert_row(2, **over)))
    assert [store.alert(f"alert-{n}") for n in (1, 2)] == [
        alert_row(1, reason="ended by Ben", **over),
        alert_row(2, reason="first", **over),
    ]


def test_unknown_event_and_alert(store: Store) -> None:
    """What was never written is not there."""
    assert store.seen("e1") is None
    assert store.alert("alert-1") is None


def test_seen_names_what_is_left_to_do(store: Store) -> None:
    """A redelivered event finds its own actions that are not settled, in their order."""
    actions = tuple(action(f"e1-{n}", ActionKind.PAGE) for n in range(12))
    put(store, "e1", shop(), actions=actions)
    put(store, "e2", actions=(action("e2-0"),))
    held = claimed(store, "e1-0")
    settlement = Settlement(action="e1-0", fence=held.fence, outcome=Done())
    put(store, "e1-0-1", settles=settlement)
    assert store.seen("e1") == actions[1:]


@pytest.mark.parametrize("head", [shop(), None], ids=["with head", "rows only"])
def test_stale_settlement_is_refused(store: Store, clock: ManualClock, head: Stack | None) -> None:
    """A holder whose lease has passed on writes nothing at all."""
    put(store, "e1", shop(), actions=(action("e1-0"),))
    old = claimed(store, "e1-0")
    clock.advance(LEASE * 2)
    new = claimed(store, "e1-0")
    _, token = store.load("shop")

    def result(event: str, held: Lease) -> Commit:
        settles = Settlement(action="e1-0", fence=held.fence, outcome=Done())
        return commit(event, head, rows=(line(event),), settles=settles)

    with pytest.raises(StaleHolder):
        store.commit(result("e1-0-1", old), token)
    assert store.seen("e1-0-1") is None
    assert store.timeline(incident().id) == ()
    assert store.commit(result("e1-0-2", new), token) is Committed.NEW
    assert store.seen("e1") == ()


def test_repeated_settlement_is_done(store: Store) -> None:
    """A settlement whose answer was lost is recognised by its event, not refused as stale."""
    put(store, "e1", shop(), actions=(action("e1-0"),))
    held = claimed(store, "e1-0")
    settles = Settlement(action="e1-0", fence=held.fence, outcome=Done())
    result = commit("e1-0-1", settles=settles)
    _, token = store.load("shop")
    assert store.commit(result, token) is Committed.NEW
    assert store.commit(result, token) is Committed.ALREADY


def test_settlement_of_an_unknown_action_is_refused(store: Store) -> None:
    """Nobody holds an action that does not exist."""
    settles = Settlement(action="nothing", fence="1", outcome=Done())
    with pytest.raises(StaleHolder):
        store.commit(commit("e1", settles=settles), "")
