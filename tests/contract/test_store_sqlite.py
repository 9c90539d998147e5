"""What only the SQLite store promises: durability, versions, and sharing its file."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.sqlite.store import SqliteStore
from shared.domain.action import ActionKind
from shared.domain.errors import Transient
from shared.domain.stack import Stack
from shared.ports import Committed, Lease, NotClaimed
from shared.wire.stored import NewerSchema
from tests.contract.store_contract import action, at, commit, incident, line, put, shop
from tests.fakes.clock import ManualClock

# Commits one event after the other; says so on its output only after each has returned.
WRITER = """
import sys
from pathlib import Path
from shared.adapters.sqlite.store import SqliteStore
from tests.contract.store_contract import at, incident, line, put, shop
from tests.fakes.clock import ManualClock

store = SqliteStore(Path(sys.argv[1]), ManualClock(at(0)))
for number in range(int(sys.argv[2]), 10**9):
    put(store, f"e{number}", shop(incident(title=str(number))), rows=(line(f"t{number}"),))
    print(number, flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store's file is, or will be."""
    return tmp_path / "switchman.db"


@pytest.fixture
def clock() -> ManualClock:
    """The store's clock."""
    return ManualClock(at(0))


@pytest.fixture
def store(path: Path, clock: ManualClock) -> Iterator[SqliteStore]:
    """A store on an empty file."""
    with closing(SqliteStore(path, clock)) as opened:
        yield opened


def execute(path: Path, statement: str) -> None:
    """Runs one statement past the store."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)


def test_commits_are_flushed(store: SqliteStore) -> None:
    """The connection that commits has synchronous=FULL (2) and a write-ahead log."""
    assert (store.pragma("synchronous"), store.pragma("journal_mode")) == (2, "wal")


def test_everything_is_there_after_a_restart(path: Path, clock: ManualClock) -> None:
    """A store opened on an existing file has what the last one wrote."""
    with closing(SqliteStore(path, clock)) as first:
        put(first, "e1", shop(), actions=(action("e1-0"),))
    with closing(SqliteStore(path, clock)) as second:
        assert second.load("shop") == (shop(), "1")
        assert second.seen("e1") == (action("e1-0"),)


def test_newer_file_is_refused(path: Path, clock: ManualClock) -> None:
    """A file of a newer program is refused with both versions named, and left as it is."""
    SqliteStore(path, clock).close()
    execute(path, "PRAGMA user_version = 7")
    before = path.read_bytes()
    with pytest.raises(NewerSchema, match=r"version 7, .* up to 2"):
        SqliteStore(path, clock)
    assert path.read_bytes() == before


@pytest.mark.slow
def test_kill_loses_nothing_that_was_reported(path: Path, clock: ManualClock) -> None:
    """Killed between any two instructions, whole commits are there: all reported, none torn."""
    reported = -1
    for _ in range(5):
        command = [sys.executable, "-c", WRITER, str(path), str(reported + 2)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout
            for _ in range(37):
                reported = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            for said in writer.stdout.read().split("\n"):
                reported = int(said) if said else reported
        with closing(SqliteStore(path, clock)) as store:
            newest = int(store.load("shop")[0].incidents[0].title)
            assert newest in (reported, reported + 1)
            assert store.seen(f"e{reported}") == ()
            assert (store.seen(f"e{newest + 1}")) is None
            assert store.timeline(incident().id)[-1].id == f"t{newest}"


def test_another_process_may_write_in_between(
    store: SqliteStore, path: Path, clock: ManualClock
) -> None:
    """A second opener of the file is seen, and its write makes the first one's token old."""
    put(store, "e1", shop())
    with closing(SqliteStore(path, clock)) as other:
        put(other, "e2", shop(incident(title="other")))
    assert store.load("shop") == (shop(incident(title="other")), "2")


def test_locked_file_is_transient(path: Path, clock: ManualClock) -> None:
    """A file that somebody else keeps locked is trouble that may pass."""
    impatient = SqliteStore(path, clock, patience=timedelta(milliseconds=50))
    with closing(impatient) as store, closing(sqlite3.connect(path, isolation_level=None)) as hog:
        hog.execute("BEGIN IMMEDIATE")
        with pytest.raises(Transient, match="locked"):
            put(store, "e1", shop())
        hog.execute("ROLLBACK")
        put(store, "e1", shop())
        assert store.seen("e1") == ()


def test_full_disk_is_transient_and_writes_nothing(store: SqliteStore) -> None:
    """A commit that finds no room leaves no trace, and succeeds once there is room."""
    pages = store.pragma("page_count")
    store.pragma(f"max_page_count = {pages}")
    large = commit("e1", shop(), rows=tuple(line("x" * 4000 + str(n)) for n in range(9)))
    with pytest.raises(Transient, match="full"):
        store.commit(large, "")
    assert store.load("shop") == (Stack(id="shop"), "")
    store.pragma("max_page_count = 100000")
    assert store.commit(large, "") is Committed.NEW


def test_missing_folder_is_transient(tmp_path: Path, clock: ManualClock) -> None:
    """A path that cannot be opened now may be mounted in a moment."""
    with pytest.raises(Transient, match="unable to open"):
        SqliteStore(tmp_path / "nowhere" / "switchman.db", clock)


def test_actions_are_messages_of_their_topic(store: SqliteStore) -> None:
    """A commit writes each action's message in the same transaction."""
    plan = action("e1-1", ActionKind.PLAN)
    put(store, "e1", shop(), actions=(action("e1-0"), plan))
    page, change = (store.messages.waiting(topic, 0, 9) for topic in ("pages", "changes"))
    assert [message.id for message in page + change] == ["e1-0", "e1-1"]
    assert json.loads(page[0].data) == {"action": "e1-0"}
    assert page[0].attributes == {"kind": "action"}


def test_without_the_embedded_bus_there_are_no_messages(path: Path, clock: ManualClock) -> None:
    """With another bus the actions are rows only."""
    with closing(SqliteStore(path, clock, messages=False)) as store:
        put(store, "e1", shop(), actions=(action("e1-0"),))
        assert store.messages.waiting("pages", 0, 9) == ()
        assert store.seen("e1") == (action("e1-0"),)


def test_leases_of_a_dead_process_end(store: SqliteStore) -> None:
    """The one-machine world, when it starts, takes every lease from its dead predecessor."""
    lease = timedelta(minutes=5)
    put(store, "e1", actions=(action("e1-0"), action("e1-1")))
    held = store.claim("e1-0", lease)
    assert store.claim("e1-0", lease) is NotClaimed.HELD
    assert store.expire_leases() == 1
    taken = store.claim("e1-0", lease)
    assert isinstance(held, Lease)
    assert isinstance(taken, Lease)
    assert (taken.attempt, taken.fence != held.fence) == (2, True)
