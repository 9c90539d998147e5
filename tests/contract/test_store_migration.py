"""A SQLite file of an older Switchman: taken over with everything in it, or left as it was.

`store_version_1.sql` is what a file looked like before there was a second version.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from shared.adapters.sqlite.schema import STEPS
from shared.adapters.sqlite.store import SqliteStore
from shared.domain.action import ActionKind, Done
from shared.domain.alert import AlertStatus
from shared.ports import Committed, Lease, NotClaimed, Settlement
from tests.contract.store_contract import (
    action,
    alert_row,
    at,
    audited,
    commit,
    incident,
    line,
    put,
    shop,
    timer,
)
from tests.fakes.clock import ManualClock

OLD: Final = Path(__file__).parents[1] / "samples" / "store_version_1.sql"
LEASE: Final = timedelta(seconds=30)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of version 1 with something in every table."""
    path = tmp_path / "switchman.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(OLD.read_text(encoding="utf-8"))
    return path


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    """That file, opened by this program."""
    with closing(SqliteStore(path, ManualClock(at(0)))) as opened:
        yield opened


def tables(path: Path) -> dict[str, int]:
    """How many rows each table of a file has."""
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        names = [name for (name,) in connection.execute(query)]
        counts = "SELECT COUNT(*) FROM {}"  # of tables that the file itself names
        return {name: connection.execute(counts.format(name)).fetchone()[0] for name in names}


def version(path: Path) -> int:
    """The schema version of a file."""
    with closing(sqlite3.connect(path)) as connection:
        found: int = connection.execute("PRAGMA user_version").fetchone()[0]
        return found


def test_the_sample_leaves_no_table_out(path: Path) -> None:
    """The old file is of version 1 and has a row in every table, so nothing is tested on none."""
    assert version(path) == 1
    assert all(tables(path).values())


def test_no_row_is_lost(path: Path) -> None:
    """Every table has as many rows as before, and the file is of the newest version."""
    before = tables(path)
    SqliteStore(path, ManualClock(at(0))).close()
    assert tables(path) == {**before, "audit": 0}
    assert version(path) == len(STEPS)


def test_everything_is_read(store: SqliteStore) -> None:
    """Whatever the older program wrote comes back through the doors."""
    assert store.load("shop") == (shop(), "1")
    assert store.alert("alert-1") == alert_row(1)
    assert store.alert("alert-2") == alert_row(2, status=AlertStatus.RESOLVED, ends_at=at(5))
    assert store.firing(incident().id) == 2
    assert store.timeline(incident().id) == (line("t1", 1),)
    assert [view.incident.id for view in store.incidents()] == [incident(2).id, incident().id]
    assert [each.id for each in store.drills()] == ["d1"]
    assert [each.id for each in store.rejected()] == ["r1"]
    assert store.seen("e1") == (action("e1-2", ActionKind.PLAN), action("e1-3"))
    assert store.due(at(9)) == (timer(minutes=9),)
    instruction = store.instruction("f00d")
    assert instruction is not None
    assert instruction.at == at(4)
    assert [each.message.id for each in store.dead_letters()] == ["m1"]
    assert [each.id for each in store.messages.waiting("events", 0, 9)] == ["m2"]


def test_older_alerts_belong_to_no_series(store: SqliteStore) -> None:
    """Nobody kept their fingerprint; what is written from now on is found."""
    put(store, "e3", rows=(alert_row(5, series="s1"),))
    assert store.series("") == ()
    assert store.series("s1") == (alert_row(5, series="s1"),)


def test_everything_is_written(store: SqliteStore) -> None:
    """The file goes on as if it had always been of this version."""
    ended = alert_row(1, status=AlertStatus.RESOLVED, ends_at=at(6), heard_at=at(7))
    _, token = store.load("shop")
    assert store.commit(commit("e1"), token) is Committed.ALREADY
    changed = commit("e3", shop(), rows=(ended, line("t2", 2), audited("i1")))
    assert store.commit(changed, token) is Committed.NEW
    assert store.alert("alert-1") == ended
    assert store.audit() == (audited("i1"),)
    held = store.claim("e1-3", LEASE)
    assert isinstance(held, Lease)
    put(store, "e1-3-1", settles=Settlement(action="e1-3", fence=held.fence, outcome=Done()))
    assert store.claim("e1-3", LEASE) is NotClaimed.SETTLED


def test_older_rows_are_forgotten_in_their_time(store: SqliteStore) -> None:
    """Ended alerts (also one without a time), instructions, events, delivered messages."""
    assert store.prune(at(0) + timedelta(days=7)) == len({"e2", "e1-1-1", "message m0"})
    assert store.alert("alert-2") is not None
    assert store.prune(at(5) + timedelta(days=30)) == len({"alert-2", "alert-4", "f00d"})
    assert store.seen("e1") == (action("e1-2", ActionKind.PLAN), action("e1-3"))


def test_lease_goes_on(path: Path) -> None:
    """What a worker held is held until its lease ends, and is free if the clock was set back."""
    clock = ManualClock(at(0))
    with closing(SqliteStore(path, clock)) as store:
        assert store.claim("e1-2", LEASE) is NotClaimed.HELD
        clock.advance(timedelta(hours=-1))
        assert isinstance(store.claim("e1-2", LEASE), Lease)


def test_second_opening_finds_nothing_to_do(path: Path) -> None:
    """A file is migrated once, and opening it again changes nothing."""
    for _ in range(2):
        with closing(SqliteStore(path, ManualClock(at(0)))) as store:
            assert store.load("shop") == (shop(), "1")


def test_migration_that_fails_leaves_the_old_file(path: Path) -> None:
    """All of it or nothing: a step that fails takes back what the steps before it did."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE audit (in_the_way TEXT)")
        before = list(connection.iterdump())
    with pytest.raises(sqlite3.OperationalError, match="audit already exists"):
        SqliteStore(path, ManualClock(at(0)))
    with closing(sqlite3.connect(path)) as connection:
        assert list(connection.iterdump()) == before
    assert version(path) == 1
