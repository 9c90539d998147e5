"""The commit port on SQLite."""

from __future__ import annotations

import sqlite3

from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.messages import Messages
from shared.adapters.sqlite.rows import write_row
from shared.domain.action import Action
from shared.domain.alert import AlertRow, AlertStatus
from shared.domain.errors import Conflict, StaleHolder
from shared.domain.ids import stamp
from shared.domain.stack import Stack
from shared.ports import Commit, Committed, Series, Settlement, Token
from shared.wire import stored


class SqliteHeads:
    """`ports.Heads`. With an outbox, each action of a commit is a message too."""

    _database: Database
    _outbox: Messages | None

    def load(self, stack_id: str) -> tuple[Stack, Token]:
        """The head and its token."""
        with self._database.querying() as read:
            row = read.execute(
                "SELECT body, version FROM heads WHERE stack = ?", (stack_id,)
            ).fetchone()
        return (stored.HEAD.decode(row[0]), str(row[1])) if row else (Stack(id=stack_id), "")

    def seen(self, event_id: str) -> tuple[Action, ...] | None:
        """The unsettled actions of an event, or None if it was never committed."""
        with self._database.querying() as read:
            rows = read.execute(
                "SELECT actions.body FROM events LEFT JOIN actions"
                " ON actions.event = events.id AND actions.outcome IS NULL"
                " WHERE events.id = ? ORDER BY actions.seq",
                (event_id,),
            ).fetchall()
        if not rows:
            return None
        return tuple(stored.ACTION.decode(body) for (body,) in rows if body is not None)

    def alert(self, row_id: str) -> AlertRow | None:
        """The alert's row."""
        with self._database.querying() as read:
            row = read.execute("SELECT body FROM alerts WHERE id = ?", (row_id,)).fetchone()
        return stored.ALERT.decode(row[0]) if row else None

    def series(self, series: str, limit: int = 20) -> tuple[AlertRow, ...]:
        """The rows of one series, the newest start first."""
        with self._database.querying() as read:
            return _series(read, series, limit)

    def firing(self, incident_id: str) -> int:
        """How many alerts of the incident fire."""
        with self._database.querying() as read:
            row = read.execute(
                "SELECT COUNT(*) FROM alerts WHERE incident = ? AND status = ?",
                (incident_id, AlertStatus.FIRING),
            ).fetchone()
        return int(row[0])

    def alerts(self, incident_id: str) -> int:
        """How many alerts the incident has."""
        with self._database.querying() as read:
            row = read.execute(
                "SELECT COUNT(*) FROM alerts WHERE incident = ?", (incident_id,)
            ).fetchone()
        return int(row[0])

    def firing_rows(self, incident_id: str, limit: int) -> tuple[AlertRow, ...]:
        """Alerts of the incident that fire, by their ids."""
        with self._database.querying() as read:
            rows = read.execute(
                "SELECT body FROM alerts WHERE incident = ? AND status = ? ORDER BY id LIMIT ?",
                (incident_id, AlertStatus.FIRING, limit),
            ).fetchall()
        return tuple(stored.ALERT.decode(body) for (body,) in rows)

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
        _check_series(write, commit.series)
        if commit.settles:
            _settle(write, commit.settles)
        _write_event(write, commit)
        if commit.stack:
            _write_head(write, commit.stack, token)
        for row in commit.rows:
            write_row(write, row, commit.at)
        _write_actions(write, commit)
        if self._outbox:
            self._outbox.add_actions(write, commit.actions, stamp(commit.at))
        _write_timers(write, commit)
        return Committed.NEW


def _done_before(write: sqlite3.Connection, commit: Commit, token: Token) -> bool:
    """Whether the event was committed before. Raises `Conflict` if it was not and now cannot be."""
    known, version = write.execute(
        "SELECT EXISTS (SELECT 1 FROM events WHERE id = ?),"
        " (SELECT version FROM heads WHERE stack = ?)",
        (commit.event, commit.stack_id),
    ).fetchone()
    if not known and ("" if version is None else str(version)) != token:
        raise Conflict(f"the head of {commit.stack_id} was written since it was loaded")
    return bool(known)


def _series(read: sqlite3.Connection, series: str, limit: int) -> tuple[AlertRow, ...]:
    rows = read.execute(
        "SELECT body FROM alerts WHERE series = ? ORDER BY starts_at DESC, id LIMIT ?",
        (series, limit),
    ).fetchall()
    return tuple(stored.ALERT.decode(body) for (body,) in rows)


def _check_series(write: sqlite3.Connection, series: Series | None) -> None:
    if series is not None and _series(write, series.id, series.limit) != series.rows:
        raise Conflict(f"series {series.id} was written since it was looked up")


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
