"""Keeping a lease for as long as the work takes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from shared.domain.errors import StaleHolder, Transient
from shared.ports import Lease, Outbox


class Keeper:
    """Renews a lease from a thread of its own until it is told to stop."""

    def __init__(self, outbox: Outbox, lease: Lease, duration: timedelta) -> None:
        self.lease = lease
        self._outbox = outbox
        self._duration = duration
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keep-lease", daemon=True)

    def start(self) -> None:
        """Begin to renew."""
        self._thread.start()

    def stop(self) -> Lease:
        """Stop renewing; the lease as it is now."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        return self.lease

    def _run(self) -> None:
        while not self._stopped.wait((self._duration / 3).total_seconds()):
            try:
                self.lease = self._outbox.renew(self.lease, self._duration)
            except StaleHolder:
                return  # the settlement will be refused; there is nothing left to keep
            except Transient:
                continue


@contextmanager
def keeping(outbox: Outbox, lease: Lease, duration: timedelta) -> Iterator[Keeper]:
    """Hold the lease while the block runs."""
    keeper = Keeper(outbox, lease, duration)
    keeper.start()
    try:
        yield keeper
    finally:
        keeper.stop()
