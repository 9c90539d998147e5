"""The tables, and which version of them a file has."""

from __future__ import annotations

import sqlite3
from typing import Final

from shared.wire.stored import NewerSchema

_VERSION_1: Final = (
    """CREATE TABLE events (
        id TEXT PRIMARY KEY, stack TEXT NOT NULL, kind TEXT NOT NULL, at TEXT NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX events_by_age ON events (at)",
    """CREATE TABLE heads (
        stack TEXT PRIMARY KEY, version INTEGER NOT NULL, body BLOB NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE alerts (
        id TEXT PRIMARY KEY, incident TEXT NOT NULL, status TEXT NOT NULL,
        ends_at TEXT, body BLOB NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX alerts_by_incident ON alerts (incident, status)",
    "CREATE INDEX alerts_by_age ON alerts (ends_at) WHERE status = 'resolved'",
    """CREATE TABLE timeline (
        seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, incident TEXT NOT NULL,
        at TEXT NOT NULL, body BLOB NOT NULL
    )""",
    "CREATE INDEX timeline_by_incident ON timeline (incident, at, seq)",
    """CREATE TABLE incidents (
        id TEXT PRIMARY KEY, opened_at TEXT NOT NULL, body BLOB NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX incidents_by_opening ON incidents (opened_at DESC)",
    "CREATE TABLE drills (id TEXT PRIMARY KEY, at TEXT NOT NULL, body BLOB NOT NULL) WITHOUT ROWID",
    "CREATE INDEX drills_by_time ON drills (at DESC)",
    """CREATE TABLE rejected (
        id TEXT PRIMARY KEY, at TEXT NOT NULL, body BLOB NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX rejected_by_time ON rejected (at DESC)",
    """CREATE TABLE actions (
        seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, event TEXT NOT NULL,
        decided_at TEXT NOT NULL, body BLOB NOT NULL, fence INTEGER NOT NULL DEFAULT 0,
        attempts INTEGER NOT NULL DEFAULT 0, lease_until TEXT, first_claimed_at TEXT,
        outcome BLOB
    )""",
    "CREATE INDEX actions_unsettled ON actions (event) WHERE outcome IS NULL",
    "CREATE INDEX actions_waiting ON actions (decided_at) WHERE outcome IS NULL",
    """CREATE TABLE timers (
        id TEXT PRIMARY KEY, due TEXT NOT NULL, body BLOB NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX timers_by_due ON timers (due)",
    "CREATE TABLE instructions (id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID",
    """CREATE TABLE messages (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, id TEXT NOT NULL,
        data BLOB NOT NULL, attributes TEXT NOT NULL, published_at TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0, last_error TEXT NOT NULL DEFAULT '',
        delivered_at TEXT, dead_at TEXT, UNIQUE (topic, id)
    )""",
    """CREATE INDEX messages_waiting ON messages (topic, seq)
        WHERE delivered_at IS NULL AND dead_at IS NULL""",
    "CREATE INDEX messages_dead ON messages (dead_at) WHERE dead_at IS NOT NULL",
    "CREATE INDEX messages_by_delivery ON messages (delivered_at) WHERE delivered_at IS NOT NULL",
)

_VERSION_2: Final = (
    "ALTER TABLE alerts RENAME COLUMN ends_at TO ended_at",
    """UPDATE alerts SET ended_at = json_extract(CAST(body AS TEXT), '$.received_at')
        WHERE status = 'resolved' AND ended_at IS NULL""",
    "ALTER TABLE alerts ADD COLUMN series TEXT",
    "ALTER TABLE alerts ADD COLUMN starts_at TEXT",
    "CREATE INDEX alerts_by_series ON alerts (series, starts_at DESC) WHERE series IS NOT NULL",
    "ALTER TABLE actions ADD COLUMN leased_at TEXT",
    "UPDATE actions SET leased_at = first_claimed_at WHERE lease_until IS NOT NULL",
    "CREATE INDEX actions_settled ON actions (event) WHERE outcome IS NOT NULL",
    "ALTER TABLE instructions ADD COLUMN at TEXT NOT NULL DEFAULT ''",
    "UPDATE instructions SET at = json_extract(CAST(body AS TEXT), '$.at')",
    "CREATE INDEX instructions_by_age ON instructions (at)",
    "CREATE TABLE audit (id TEXT PRIMARY KEY, at TEXT NOT NULL, body BLOB NOT NULL) WITHOUT ROWID",
    "CREATE INDEX audit_by_time ON audit (at DESC)",
)
# `ended_at` is when we heard of an end, which no sender's clock can move; `series` is empty for
# rows of version 1, whose fingerprint nobody kept.

STEPS: Final = (_VERSION_1, _VERSION_2)
"""What leads from each version to the next; a new file takes all of them."""


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Make a new file ours, or take an older one to the newest version, in one transaction.

    Raises `NewerSchema` for a file that a newer program wrote; that file is left as it is.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in STEPS[_version(connection) :]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(STEPS)}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > len(STEPS):
        raise NewerSchema(found, len(STEPS))
    return found
