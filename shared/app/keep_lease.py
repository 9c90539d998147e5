"""Keeping a lease for as long as the work takes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Protocol

from shared.domain.errors import StaleHolder, Transient
from shared.ports import Lease, Outbox

Stop = Callable[[], None]


class Repeating(Protocol):
    """Has something done again and again beside the work."""

    def __call__(self, work: Callable[[], bool], pause: timedelta, /) -> Stop:
        """Call `work` after each `pause` until it answers False, or until it is stopped.

        What is returned stops it, and waits for a call that is under way.
        """
        ...


class Keeper:
    """Renews a lease until it is told to stop, or until the lease has passed on."""

    def __init__(
        self, outbox: Outbox, lease: Lease, duration: timedelta, repeating: Repeating
    ) -> None:
        self.lease = lease
        self._outbox = outbox
        self._duration = duration
        self._stop = repeating(self._renew, duration / 3)

    def stop(self) -> Lease:
        """Stop renewing; the lease as it is now."""
        self._stop()
        return self.lease

    def _renew(self) -> bool:
        try:
            self.lease = self._outbox.renew(self.lease, self._duration)
        except StaleHolder:
            return False  # the settlement will be refused; there is nothing left to keep
        except Transient:
            pass
        return True


def in_a_thread(work: Callable[[], bool], pause: timedelta, /) -> Stop:
    """`Repeating` with a thread of its own."""
    stopped = threading.Event()

    def run() -> None:
        while not stopped.wait(pause.total_seconds()) and work():
            pass

    thread = threading.Thread(target=run, name="keep-lease", daemon=True)
    thread.start()

    def stop() -> None:
        stopped.set()
        thread.join()

    return stop


@contextmanager
def keeping(
    outbox: Outbox, lease: Lease, duration: timedelta, repeating: Repeating
) -> Iterator[Keeper]:
    """Hold the lease while the block runs."""
    keeper = Keeper(outbox, lease, duration, repeating)
    try:
        yield keeper
    finally:
        keeper.stop()
