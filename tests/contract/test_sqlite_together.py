"""Writers that share a transaction on SQLite."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from shared.adapters.sqlite.together import WriteTogether

OTHERS = 5
SECONDS = 10.0
HALF_WAY = "it fails half-way"
DISK_FAILS = "the disk fails"
DANGLING = "it refers to nothing"
"""Texts whose writes fail: with something written, with the whole transaction, when committed."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database with a table of texts, and one of what mentions them."""
    path = tmp_path / "texts.sqlite3"
    with closing(_connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE texts (text TEXT PRIMARY KEY)")
        connection.execute(
            "CREATE TABLE mentions"
            " (text TEXT REFERENCES texts (text) DEFERRABLE INITIALLY DEFERRED)"
        )
    return path


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)


def _found(path: Path) -> list[str]:
    with closing(_connect(path)) as connection:
        return [text for (text,) in connection.execute("SELECT text FROM texts ORDER BY text")]


class Writers:
    """Threads that write texts, while the first of them takes until `go` is set."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.statements: list[str] = []
        connection.set_trace_callback(self.statements.append)
        self.go = threading.Event()
        self._together = WriteTogether(connection)
        self._threads = ThreadPoolExecutor(OTHERS + 1)

    def first(self) -> Future[str]:
        """The write that the others wait for."""
        begun = threading.Event()

        def slowly(connection: sqlite3.Connection) -> str:
            begun.set()
            assert self.go.wait(SECONDS)
            return _insert(connection, "first")

        future = self._threads.submit(self._together.write, slowly)
        assert begun.wait(SECONDS)
        return future

    def waiting(self, *texts: str) -> list[Future[str]]:
        """These writes, all of which wait when this returns, in this order."""
        futures = []
        for text in texts:
            before = self._together.waiting
            futures.append(self._threads.submit(self._together.write, _inserting(text)))
            deadline = time.monotonic() + SECONDS
            while self._together.waiting == before and time.monotonic() < deadline:
                time.sleep(0.001)
        return futures

    def alone(self, text: str) -> str:
        """A write while nobody else writes."""
        return self._together.write(_inserting(text))

    def close(self) -> None:
        """Wait for every thread."""
        self.go.set()
        self._threads.shutdown()


def _inserting(text: str) -> Callable[[sqlite3.Connection], str]:
    return lambda connection: _insert(connection, text)


def _insert(connection: sqlite3.Connection, text: str) -> str:
    if text == DANGLING:
        connection.execute("INSERT INTO mentions VALUES ('nothing')")
    if text == DISK_FAILS:
        connection.execute("ROLLBACK")
        raise sqlite3.OperationalError(text)
    connection.execute("INSERT INTO texts VALUES (?)", (text,))
    if text == HALF_WAY:
        raise sqlite3.OperationalError(text)
    return text


@contextmanager
def writers(path: Path) -> Iterator[Writers]:
    """Writers on a connection of their own."""
    with closing(_connect(path)) as connection, closing(Writers(connection)) as found:
        connection.execute("PRAGMA foreign_keys = ON")
        yield found


def test_who_waits_for_the_same_transaction_shares_the_next(file: Path) -> None:
    """Six writers take two commits, and each gets its own answer."""
    texts = [str(number) for number in range(OTHERS)]
    with writers(file) as threads:
        first, others = threads.first(), threads.waiting(*texts)
        threads.go.set()

        assert first.result(SECONDS) == "first"
        assert [each.result(SECONDS) for each in others] == texts
        assert threads.statements.count("COMMIT") == 2
    assert _found(file) == [*texts, "first"]


def test_what_one_of_them_raises_undoes_only_its_own(file: Path) -> None:
    """A row that is there already is one writer's error; the others share the transaction."""
    with writers(file) as threads:
        first, others = threads.first(), threads.waiting("a", "first", "b")
        threads.go.set()

        assert first.result(SECONDS) == "first"
        assert others[0].result(SECONDS) == "a"
        assert others[2].result(SECONDS) == "b"
        with pytest.raises(sqlite3.IntegrityError):
            others[1].result(SECONDS)
        assert threads.statements.count("COMMIT") == 2
    assert _found(file) == ["a", "b", "first"]


@pytest.mark.parametrize("spoiling", [HALF_WAY, DISK_FAILS])
def test_a_failure_half_way_leaves_nothing_and_costs_the_others_nothing(
    file: Path, spoiling: str
) -> None:
    """What it wrote is undone with the transaction, in which the others are done again."""
    with writers(file) as threads:
        first, others = threads.first(), threads.waiting("a", spoiling, "b")
        threads.go.set()

        assert first.result(SECONDS) == "first"
        assert others[0].result(SECONDS) == "a"
        assert others[2].result(SECONDS) == "b"
        with pytest.raises(sqlite3.OperationalError, match=spoiling):
            others[1].result(SECONDS)
    assert _found(file) == ["a", "b", "first"]


def test_nobody_is_told_that_it_is_stored_when_the_transaction_fails(file: Path) -> None:
    """What cannot be committed is an error of everybody who waited for that commit."""
    with writers(file) as threads:
        first, others = threads.first(), threads.waiting("a", DANGLING, "b")
        threads.go.set()

        assert first.result(SECONDS) == "first"
        for each in others:
            with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
                each.result(SECONDS)
        assert threads.alone("c") == "c"
    assert _found(file) == ["c", "first"]


def test_a_file_that_another_process_holds_is_no_writers_end(file: Path) -> None:
    """The write is refused; as soon as the file is free the next one is done."""
    with writers(file) as threads, closing(_connect(file)) as other_process:
        other_process.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            threads.alone("a")
        other_process.execute("ROLLBACK")

        assert threads.alone("b") == "b"
    assert _found(file) == ["b"]
