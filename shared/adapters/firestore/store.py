"""The whole store on Firestore."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared.adapters.firestore.heads import FirestoreHeads
from shared.adapters.firestore.outbox import (
    FirestoreInstructions,
    FirestoreOutbox,
    FirestoreTimers,
)
from shared.adapters.firestore.reports import FirestoreReports
from shared.ports import Clock

if TYPE_CHECKING:
    from google.cloud.firestore import Client


class FirestoreStore(
    FirestoreHeads, FirestoreOutbox, FirestoreTimers, FirestoreInstructions, FirestoreReports
):
    """`ports.Store` in one Firestore database. `deadline` is how long one answer may take."""

    def __init__(
        self, client: Client, clock: Clock, deadline: timedelta = timedelta(seconds=5)
    ) -> None:
        self._client = client
        self._clock = clock
        self._deadline = deadline

    def prune(self, now: datetime) -> int:  # noqa: ARG002  # Google's clock says when
        """Nothing to do: what may be forgotten says when in `expire_at`, and Firestore deletes it.

        Typically within a day after that: https://cloud.google.com/firestore/docs/ttl.
        """
        return 0

    def close(self) -> None:
        """Nothing to let go of: the client belongs to whoever made it."""
