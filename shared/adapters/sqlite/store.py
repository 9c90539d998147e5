"""The whole store on SQLite."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.heads import SqliteHeads
from shared.adapters.sqlite.housekeeping import SqliteHousekeeping
from shared.adapters.sqlite.messages import DeadLetter, Messages
from shared.adapters.sqlite.outbox import SqliteInstructions, SqliteOutbox, SqliteTimers
from shared.adapters.sqlite.reports import SqliteReports
from shared.ports import Clock


class SqliteStore(
    SqliteHeads,
    SqliteOutbox,
    SqliteTimers,
    SqliteInstructions,
    SqliteReports,
    SqliteHousekeeping,
):
    """`ports.Store` in one file; the file is made if there is none.

    With `messages` (the embedded bus) each committed action is also a message of its topic,
    written in the same transaction. `patience` is how long to wait while another process
    writes. Raises `NewerSchema` for a file of a newer Switchman,
    `Transient` when the file cannot be opened, `NotDurable` where commits would not last.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        messages: bool = True,
        patience: timedelta = timedelta(seconds=5),
    ) -> None:
        self._clock = clock
        self._database = Database(path, patience)
        self.messages = Messages(self._database, clock)
        self._outbox = self.messages if messages else None

    def dead_letters(self, limit: int = 100) -> tuple[DeadLetter, ...]:
        """Messages of the embedded bus that were tried as often as allowed, latest first."""
        return self.messages.dead_letters(limit)

    def pragma(self, name: str) -> object:
        """A setting of the connection that commits, read from it."""
        return self._database.pragma(name)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()
