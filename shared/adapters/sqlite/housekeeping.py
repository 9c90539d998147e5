"""Forgetting what nobody needs any more, on SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from shared.adapters.sqlite.database import Database
from shared.domain import retention
from shared.domain.ids import stamp

AT_ONCE: Final = 1000
"""Rows of each kind that one call deletes at most: nobody else writes meanwhile."""

_OLD_EVENTS: Final = """
    SELECT id FROM events WHERE at <= ?
    AND NOT EXISTS (
        SELECT 1 FROM actions WHERE actions.event = events.id AND actions.outcome IS NULL)
    AND NOT EXISTS (SELECT 1 FROM audit WHERE audit.id = events.id)
    ORDER BY at LIMIT ?"""
_ACTIONS: Final = "DELETE FROM actions WHERE event = ? AND outcome IS NOT NULL"
_EVENT: Final = "DELETE FROM events WHERE id = ?"
_ALERTS: Final = """
    DELETE FROM alerts WHERE id IN (
        SELECT id FROM alerts WHERE status = 'resolved' AND ended_at <= ?
        ORDER BY ended_at LIMIT ?)"""
_MESSAGES: Final = """
    DELETE FROM messages WHERE seq IN (
        SELECT seq FROM messages WHERE delivered_at IS NOT NULL AND delivered_at <= ?
        ORDER BY delivered_at LIMIT ?)"""
_INSTRUCTIONS: Final = """
    DELETE FROM instructions WHERE id IN (
        SELECT id FROM instructions WHERE at <= ? ORDER BY at LIMIT ?)"""


class SqliteHousekeeping:
    """`ports.Housekeeping`. Each statement goes by an index of the age."""

    _database: Database

    def prune(self, now: datetime) -> int:
        """Delete up to `AT_ONCE` rows of each kind that may be forgotten, oldest first."""
        week, month = stamp(now - retention.EVENTS), stamp(now - retention.RESOLVED_ALERTS)
        asked = stamp(now - retention.INSTRUCTIONS)

        def work(write: sqlite3.Connection) -> int:
            return (
                _prune_events(write, week)
                + _prune(write, _MESSAGES, week)
                + _prune(write, _ALERTS, month)
                + _prune(write, _INSTRUCTIONS, asked)
            )

        return self._database.write(work)


def _prune_events(write: sqlite3.Connection, until: str) -> int:
    """Events with the settled actions they led to; one with an unsettled action stays."""
    old: Iterable[tuple[str]] = write.execute(_OLD_EVENTS, (until, AT_ONCE)).fetchall()
    gone = [write.execute(_ACTIONS, event).rowcount for event in old]
    gone += [write.execute(_EVENT, event).rowcount for event in old]
    return sum(gone)


def _prune(write: sqlite3.Connection, statement: str, until: str) -> int:
    return write.execute(statement, (until, AT_ONCE)).rowcount
