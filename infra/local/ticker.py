"""Cloud Scheduler's stand-in: asks for a tick again and again."""

from __future__ import annotations

import threading
import urllib.request
from datetime import timedelta


class Ticker:
    """Posts to `url` every `every`, from a thread of its own."""

    def __init__(self, url: str, every: timedelta) -> None:
        self._request = urllib.request.Request(url, data=b"{}", method="POST")  # noqa: S310
        self._every = every.total_seconds()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; returns when the last tick is answered."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._every):
            try:
                with urllib.request.urlopen(self._request, timeout=30) as answer:  # noqa: S310
                    answer.read()
            except OSError:
                continue  # the next tick does what this one did not
