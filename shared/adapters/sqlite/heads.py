"""The commit port on SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.messages import Messages
from shared.adapters.sqlite.rows import write_row
from shared.domain.action import Action
from shared.domain.alert import AlertRow, AlertStatus
from shared.domain.errors import Conflict, StaleHolder
from shared.domain.ids import stamp
from shared.domain.stack import Stack
from shared.ports import Commit, Committed, Recalled, Settlement, Token
from shared.wire import stored

_SEEN: Final = """
    SELECT actions.seq, actions.body FROM events
    LEFT JOIN actions ON actions.event = events.id AND actions.outcome IS NULL
    WHERE events.id = ?"""
_SERIES: Final = """
    SELECT body FROM alerts WHERE series = ? ORDER BY starts_at DESC, id LIMIT ?"""
_RECALL: Final = """
    SELECT 'event', actions.seq, actions.body FROM events
    LEFT JOIN actions ON actions.event = events.id AND actions.outcome IS NULL
    WHERE events.id = ?
    UNION ALL SELECT 'own', 0, body FROM alerts WHERE id = ?
    UNION ALL SELECT 'series', 0, body FROM (
        SELECT body FROM alerts WHERE series = ? ORDER BY starts_at DESC, id LIMIT ?)"""
_CHECK: Final = """
    SELECT EXISTS (SELECT 1 FROM events WHERE id = ?),
    (SELECT version FROM heads WHERE stack = ?),
    EXISTS (SELECT 1 FROM alerts WHERE series = ?)"""


class SqliteHeads:
    """`ports.Heads`. With an outbox, each action of a commit is a message too."""

    _database: Database
    _outbox: Messages | None

    def load(self, stack_id: str) -> tuple[Stack, Token]:
        """The head and its token."""
        rows = self._database.query("SELECT body, version FROM heads WHERE stack = ?", stack_id)
        for body, version in rows:
            return _head(body), str(version)
        return Stack(id=stack_id), ""

    def seen(self, event_id: str) -> tuple[Action, ...] | None:
        """The unsettled actions of an event, or None if it was never committed."""
        return _pending(self._database.query(_SEEN, event_id))

    def alert(self, row_id: str) -> AlertRow | None:
        """The alert's row."""
        rows = self._database.query("SELECT body FROM alerts WHERE id = ?", row_id)
        return next(iter(_alerts(rows)), None)

    def series(self, series: str, limit: int = 20) -> tuple[AlertRow, ...]:
        """The rows of one series, the newest start first."""
        return _alerts(self._database.query(_SERIES, series, limit))

    def recall(self, event_id: str, row_id: str, series: str, limit: int) -> Recalled:
        """All of it by one query."""
        found: dict[str, list[tuple[Any, Any]]] = {"event": [], "own": [], "series": []}
        for part, *row in self._database.query(_RECALL, event_id, row_id, series, limit):
            found[part].append((row[0], row[1]))
        rows = [stored.ALERT.decode(body) for _, body in found["series"]]
        own = [stored.ALERT.decode(body) for _, body in found["own"]]
        return Recalled(
            pending=_pending(found["event"]),
            own=own[0] if own else None,
            rows=_newest_first(rows),
        )

    def firing(self, incident_id: str) -> int:
        """How many alerts of the incident fire."""
        ((count,),) = self._database.query(
            "SELECT COUNT(*) FROM alerts WHERE incident = ? AND status = ?",
            incident_id,
            AlertStatus.FIRING,
        )
        return int(count)

    def alerts(self, incident_id: str) -> int:
        """How many alerts the incident has."""
        ((count,),) = self._database.query(
            "SELECT COUNT(*) FROM alerts WHERE incident = ?", incident_id
        )
        return int(count)

    def firing_rows(self, incident_id: str, limit: int) -> tuple[AlertRow, ...]:
        """Alerts of the incident that fire, by their ids."""
        return _alerts(
            self._database.query(
                "SELECT body FROM alerts WHERE incident = ? AND status = ? ORDER BY id LIMIT ?",
                incident_id,
                AlertStatus.FIRING,
                limit,
            )
        )

    def commit(self, commit: Commit, token: Token) -> Committed:
        """Write all of it or nothing; see `ports.Heads` for what is raised."""
        try:
            done = self._database.write(lambda write: self._commit(write, commit, token))
        except sqlite3.IntegrityError as error:
            raise Conflict(f"a row of event {commit.event} was written by another") from error
        if self._outbox and done is Committed.NEW:
            self._outbox.ring({action.kind.topic for action in commit.actions})
        return done

    def _commit(self, write: sqlite3.Connection, commit: Commit, token: Token) -> Committed:
        if _done_before(write, commit, token):
            return Committed.ALREADY
        if commit.settles:
            _settle(write, commit.settles)
        _write_event(write, commit)
        if commit.stack:
            _write_head(write, commit.stack, token)
        for row in commit.rows:
            write_row(write, row, commit.at)
        if commit.actions:
            _write_actions(write, commit)
            if self._outbox:
                self._outbox.add_actions(write, commit.actions, stamp(commit.at))
        if commit.timers or commit.cleared:
            _write_timers(write, commit)
        return Committed.NEW


@lru_cache(maxsize=64)
def _head(body: bytes) -> Stack:
    """In a storm the same head is read for each alert; what a head is made of never changes."""
    return stored.HEAD.decode(body)


def _pending(rows: Iterable[tuple[Any, ...]]) -> tuple[Action, ...] | None:
    """The actions of `_SEEN`: an event without any that is unsettled is a row without a body."""
    found = sorted(rows)
    if not found:
        return None
    return tuple(stored.ACTION.decode(body) for _, body in found if body is not None)


def _newest_first(rows: Iterable[AlertRow]) -> tuple[AlertRow, ...]:
    """In the order of `_SERIES`, which a part of a larger query need not have."""
    by_id = sorted(rows, key=lambda row: row.id)
    return tuple(sorted(by_id, key=lambda row: row.starts_at, reverse=True))


def _alerts(rows: Iterable[tuple[Any, ...]]) -> tuple[AlertRow, ...]:
    return tuple(stored.ALERT.decode(body) for (body,) in rows)


def _done_before(write: sqlite3.Connection, commit: Commit, token: Token) -> bool:
    """Whether the event was committed before. Raises `Conflict` if it was not and now cannot be."""
    series = commit.series
    values = (commit.event, commit.stack_id, series.id if series else None)
    known, version, has_rows = write.execute(_CHECK, values).fetchone()
    if known:
        return True
    if ("" if version is None else str(version)) != token:
        raise Conflict(f"the head of {commit.stack_id} was written since it was loaded")
    if series is not None and (has_rows or series.rows):
        rows = write.execute(_SERIES, (series.id, series.limit)).fetchall()
        if _alerts(rows) != series.rows:
            raise Conflict(f"series {series.id} was written since it was looked up")
    return False


def _settle(write: sqlite3.Connection, settlement: Settlement) -> None:
    settled = write.execute(
        "UPDATE actions SET outcome = ?, lease_until = NULL"
        " WHERE id = ? AND fence = ? AND outcome IS NULL",
        (stored.OUTCOME.encode(settlement.outcome), settlement.action, settlement.fence),
    )
    if settled.rowcount != 1:
        raise StaleHolder(f"action {settlement.action} has passed to another worker")


def _write_event(write: sqlite3.Connection, commit: Commit) -> None:
    write.execute(
        "INSERT INTO events (id, stack, kind, at) VALUES (?, ?, ?, ?)",
        (commit.event, commit.stack_id, commit.kind, stamp(commit.at)),
    )


def _write_head(write: sqlite3.Connection, stack: Stack, token: Token) -> None:
    body = stored.HEAD.encode(stack)
    if token:
        write.execute(
            "UPDATE heads SET version = version + 1, body = ? WHERE stack = ?", (body, stack.id)
        )
    else:
        write.execute("INSERT INTO heads (stack, version, body) VALUES (?, 1, ?)", (stack.id, body))


def _write_actions(write: sqlite3.Connection, commit: Commit) -> None:
    write.executemany(
        "INSERT INTO actions (id, event, decided_at, body) VALUES (?, ?, ?, ?)",
        [
            (action.id, commit.event, stamp(action.decided_at), stored.ACTION.encode(action))
            for action in commit.actions
        ],
    )


def _write_timers(write: sqlite3.Connection, commit: Commit) -> None:
    write.executemany(
        "DELETE FROM timers WHERE id = ? AND due = ?",
        [(each.id, stamp(each.due)) for each in commit.cleared],
    )
    write.executemany(
        "REPLACE INTO timers (id, due, body) VALUES (?, ?, ?)",
        [(timer.id, stamp(timer.due), stored.TIMER.encode(timer)) for timer in commit.timers],
    )
