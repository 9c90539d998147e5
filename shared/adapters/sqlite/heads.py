"""The commit port on SQLite."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import Final, assert_never

from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.messages import Messages
from shared.domain.action import Action
from shared.domain.alert import AlertRow, AlertStatus
from shared.domain.decision import DrillRow, IncidentRow, RejectedRow, Row, TimelineRow
from shared.domain.errors import Conflict, StaleHolder
from shared.domain.ids import stamp
from shared.domain.stack import Stack
from shared.ports import Commit, Committed, Settlement, Token
from shared.wire import stored

_INSERT_ALERT: Final = (
    "INSERT INTO alerts (id, incident, status, ends_at, body) VALUES (?, ?, ?, ?, ?)"
)
_REPLACE_ALERT: Final = (
    "REPLACE INTO alerts (id, incident, status, ends_at, body) VALUES (?, ?, ?, ?, ?)"
)


class SqliteHeads:
    """`ports.Heads`. With an outbox, each action of a commit is a message too."""

    _database: Database
    _outbox: Messages | None

    def load(self, stack_id: str) -> tuple[Stack, Token]:
        """The head and its token."""
        with self._database.reading() as read:
            row = read.execute(
                "SELECT body, version FROM heads WHERE stack = ?", (stack_id,)
            ).fetchone()
        return (stored.HEAD.decode(row[0]), str(row[1])) if row else (Stack(id=stack_id), "")

    def seen(self, event_id: str) -> tuple[Action, ...] | None:
        """The unsettled actions of an event, or None if it was never committed."""
        with self._database.reading() as read:
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
        with self._database.reading() as read:
            row = read.execute("SELECT body FROM alerts WHERE id = ?", (row_id,)).fetchone()
        return stored.ALERT.decode(row[0]) if row else None

    def firing(self, incident_id: str) -> int:
        """How many alerts of the incident fire."""
        with self._database.reading() as read:
            row = read.execute(
                "SELECT COUNT(*) FROM alerts WHERE incident = ? AND status = ?",
                (incident_id, AlertStatus.FIRING),
            ).fetchone()
        return int(row[0])

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
        if write.execute("SELECT 1 FROM events WHERE id = ?", (commit.event,)).fetchone():
            return Committed.ALREADY
        _check_token(write, commit.stack_id, token)
        if commit.settles:
            _settle(write, commit.settles)
        _write_event(write, commit)
        if commit.stack:
            _write_head(write, commit.stack, token)
        for row in commit.rows:
            _write_row(write, row)
        _write_actions(write, commit)
        if self._outbox:
            self._outbox.add_actions(write, commit.actions, stamp(commit.at))
        _write_timers(write, commit)
        return Committed.NEW


def _check_token(write: sqlite3.Connection, stack_id: str, token: Token) -> None:
    row = write.execute("SELECT version FROM heads WHERE stack = ?", (stack_id,)).fetchone()
    if (str(row[0]) if row else "") != token:
        raise Conflict(f"the head of {stack_id} was written since it was loaded")


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


def _write_row(write: sqlite3.Connection, row: Row) -> None:
    match row:
        case AlertRow():
            _write_alert(write, row)
        case TimelineRow():
            write.execute(
                "INSERT INTO timeline (id, incident, at, body) VALUES (?, ?, ?, ?)",
                (row.id, row.incident, stamp(row.at), stored.TIMELINE.encode(row)),
            )
        case IncidentRow(incident=incident):
            write.execute(
                "INSERT INTO incidents (id, opened_at, body) VALUES (?, ?, ?)",
                (incident.id, stamp(incident.opened_at), stored.INCIDENT.encode(incident)),
            )
        case DrillRow():
            write.execute(
                "INSERT INTO drills (id, at, body) VALUES (?, ?, ?)",
                (row.id, stamp(row.at), stored.DRILL.encode(row)),
            )
        case RejectedRow():
            write.execute(
                "INSERT INTO rejected (id, at, body) VALUES (?, ?, ?)",
                (row.id, stamp(row.at), stored.REJECTED.encode(row)),
            )
        case _:
            assert_never(row)


def _write_alert(write: sqlite3.Connection, row: AlertRow) -> None:
    """Inserts the row, or ends the one that is there: an alert never fires again."""
    known = None
    if row.status is AlertStatus.RESOLVED:
        known = write.execute("SELECT body FROM alerts WHERE id = ?", (row.id,)).fetchone()
    if known:
        row = replace(stored.ALERT.decode(known[0]), status=row.status, ends_at=row.ends_at)
    ends_at = stamp(row.ends_at) if row.ends_at else None
    write.execute(
        _REPLACE_ALERT if known else _INSERT_ALERT,
        (row.id, row.incident, row.status, ends_at, stored.ALERT.encode(row)),
    )


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
