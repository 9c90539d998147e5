"""What every store forgets, when, and what it never forgets.

SQLite deletes when it is told to; a Firestore database is pruned here as Google does it, by the
TTL fields that `infra/firestore.indexes.json` declares.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from shared.adapters.firestore.store import FirestoreStore
from shared.adapters.sqlite import housekeeping
from shared.adapters.sqlite.store import SqliteStore
from shared.domain.action import Done
from shared.domain.alert import AlertStatus
from shared.domain.decision import IncidentRow
from shared.ports import Committed, Lease, Message, NotClaimed, Settlement, Store
from tests.contract.store_contract import (
    DURABLE,
    NOON,
    action,
    alert_row,
    at,
    audited,
    commit,
    firestore_client,
    incident,
    instruction,
    line,
    put,
    shop,
    timer,
)
from tests.fakes.clock import ManualClock

INDEXES: Final = Path(__file__).parents[2] / "infra" / "firestore.indexes.json"
LEASE: Final = timedelta(seconds=30)
WEEK: Final = NOON + timedelta(days=7)
MONTH: Final = NOON + timedelta(days=30)
YEAR: Final = NOON + timedelta(days=365)
INSTANT: Final = timedelta(microseconds=1)

Forget = Callable[[datetime], int]
"""Forgets what may be forgotten at this time, and says how many rows went."""


class ForgetfulFirestore(FirestoreStore):
    """A database in which documents go as soon as they may, and those of undeclared kinds never."""

    def prune(self, now: datetime) -> int:
        assert super().prune(now) == 0
        declared = json.loads(INDEXES.read_text(encoding="utf-8"))["fieldOverrides"]
        gone = [
            row.reference.delete()
            for each in declared
            if each.get("ttl")
            for row in self._client.collection(each["collectionGroup"]).stream()
            if _over(row.to_dict() or {}, each["fieldPath"], now)
        ]
        return len(gone)


def _over(fields: dict[str, Any], field: str, now: datetime) -> bool:
    return field in fields and fields[field] <= now


@pytest.fixture(params=DURABLE)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each store in turn, empty."""
    clock = ManualClock(at(0))
    if request.param == "sqlite":
        opened: Store = SqliteStore(tmp_path / "switchman.db", clock, messages=False)
    else:
        address = request.getfixturevalue("firestore_emulator")
        opened = ForgetfulFirestore(firestore_client(address), clock)
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SqliteStore]:
    """A file with the embedded bus in it."""
    store = SqliteStore(tmp_path / "switchman.db", ManualClock(at(0)))
    try:
        yield store
    finally:
        store.close()


def settle(store: Store, name: str) -> None:
    """Claim the action and record it as done."""
    held = store.claim(name, LEASE)
    assert isinstance(held, Lease)
    settles = Settlement(action=name, fence=held.fence, outcome=Done())
    put(store, f"{name}-1", settles=settles)


def ended(number: int, **changes: Any) -> Any:
    """An alert that has ended."""
    return alert_row(number, status=AlertStatus.RESOLVED, **{"ends_at": at(0), **changes})


def test_event_goes_after_a_week(store: Store) -> None:
    """Until then a message that comes again finds that it was dealt with."""
    put(store, "e1", shop())
    assert store.prune(WEEK - INSTANT) == 0
    assert store.seen("e1") == ()
    assert store.prune(WEEK) == 1
    assert store.seen("e1") is None


def test_settled_action_goes_with_its_event(store: Store) -> None:
    """Whoever is told of it later finds that there is no such action, and does nothing."""
    put(store, "e1", actions=(action("e1-0"),))
    settle(store, "e1-0")
    assert store.claim("e1-0", LEASE) is NotClaimed.SETTLED
    assert store.prune(WEEK) == 3
    assert store.claim("e1-0", LEASE) is NotClaimed.UNKNOWN


def test_unsettled_action_never_goes(store: Store) -> None:
    """However old it is, it is found, claimed and settled."""
    put(store, "e1", actions=(action("e1-0"), action("e1-1")))
    settle(store, "e1-1")
    store.prune(YEAR)
    assert store.unsettled(timedelta(0)) == (action("e1-0"),)
    settle(store, "e1-0")
    assert store.unsettled(timedelta(0)) == ()


def test_ended_alert_goes_after_a_month(store: Store) -> None:
    """Counted from when its end was heard of, whatever the sender's clock says of it."""
    long_ago, far_ahead = at(0) - timedelta(days=900), at(0) + timedelta(days=900)
    put(store, "e1", rows=(alert_row(1), ended(2, ends_at=long_ago), ended(3, ends_at=far_ahead)))
    put(store, "e2", rows=(ended(1),))
    store.prune(MONTH - INSTANT)
    assert all(store.alert(f"alert-{number}") for number in (1, 2, 3))
    store.prune(MONTH)
    assert [store.alert(f"alert-{number}") for number in (1, 2, 3)] == [None] * 3


def test_ended_alert_is_forgotten_by_its_series(store: Store) -> None:
    """What is gone is not found by its series either; a firing one of the same series is."""
    firing = alert_row(2, series="s1", starts_at=at(2))
    put(store, "e1", rows=(ended(1, series="s1"), firing))
    store.prune(MONTH)
    assert store.series("s1") == (firing,)


def test_instruction_goes_after_a_month(store: Store) -> None:
    """Counted from when it was given; what came of it stays in the audit."""
    store.add_instruction(instruction())
    put(store, "f00d", rows=(audited("f00d"),))
    assert store.prune(MONTH - INSTANT) == 0
    assert store.instruction("f00d") == instruction()
    assert store.prune(MONTH) == 1
    assert store.instruction("f00d") is None
    assert store.audit() == (audited("f00d"),)


def test_what_is_never_forgotten(store: Store) -> None:
    """Heads, firing alerts, incidents with their story, timers and the audit stay for years."""
    closed = IncidentRow(incident=incident(2))
    rows = (alert_row(1), line("t1"), closed, audited("e1"))
    put(store, "e1", shop(), rows=rows, timers=(timer(),))
    store.prune(YEAR)
    assert store.load("shop")[0] == shop()
    assert store.alert("alert-1") == alert_row(1)
    assert store.firing(incident().id) == 1
    assert [view.incident.id for view in store.incidents()] == [incident(2).id, incident().id]
    assert store.timeline(incident().id) == (line("t1"),)
    assert store.due(at(0)) == (timer(),)
    assert store.audit() == (audited("e1"),)


def test_forgotten_event_that_comes_again(store: Store) -> None:
    """A firing alert that is reported for weeks finds its row, and its event is written anew."""
    put(store, "e1", shop(), rows=(alert_row(1),))
    store.prune(WEEK)
    assert store.alert("alert-1") == alert_row(1)
    _, token = store.load("shop")
    assert store.commit(commit("e1"), token) is Committed.NEW
    assert store.commit(commit("e1"), token) is Committed.ALREADY
    assert store.alert("alert-1") == alert_row(1)


def test_instructed_event_that_comes_again(store: Store) -> None:
    """What a person asked for is done once, even if it is asked for again years later."""
    put(store, "f00d", rows=(audited("f00d"),))
    store.prune(YEAR)
    assert store.seen("f00d") == ()
    assert store.commit(commit("f00d", rows=(audited("f00d"),)), "") is Committed.ALREADY


def test_second_time_finds_nothing(store: Store) -> None:
    """What is forgotten is forgotten."""
    put(store, "e1", rows=(ended(1),), actions=(action("e1-0"),))
    settle(store, "e1-0")
    assert store.prune(YEAR) == 4
    assert store.prune(YEAR) == 0


def test_pruning_is_bounded(sqlite: SqliteStore) -> None:
    """One call deletes so many rows of each kind and no more, the oldest first."""
    rows = tuple(ended(number) for number in range(housekeeping.AT_ONCE + 1))
    put(sqlite, "e0", rows=rows)
    for number in range(1, 4):
        put(sqlite, f"e{number}", at=at(number))
    assert sqlite.prune(at(2) + timedelta(days=7)) == 3
    assert sqlite.seen("e3") == ()
    assert sqlite.prune(MONTH) == housekeeping.AT_ONCE + 1
    assert sqlite.prune(MONTH) == 1


def test_delivered_messages_go_after_a_week(sqlite: SqliteStore) -> None:
    """Those that wait and those that are dead stay: somebody has to see to them."""
    messages = sqlite.messages
    messages.publish("events", [Message(id=name, data=b"{}") for name in ("done", "dead", "new")])
    done, dead, new = messages.waiting("events", 0, 9)
    messages.delivered(done.seq)
    messages.failed(dead.seq, "it broke", dead=True)
    assert sqlite.prune(WEEK - INSTANT) == 0
    assert sqlite.prune(WEEK) == 1
    assert messages.waiting("events", 0, 9) == (new,)
    assert [each.message.id for each in sqlite.dead_letters()] == ["dead"]
    assert sqlite.prune(YEAR) == 0
