"""A last resort without a network."""

from __future__ import annotations

import threading

from shared.domain.errors import Transient


class FakeLastResort:
    """Keeps what it is sent; `away`, it takes nothing."""

    def __init__(self) -> None:
        self.away = False
        self._lock = threading.Lock()
        self._texts: list[str] = []

    def texts(self) -> list[str]:
        """What it has taken, in order."""
        with self._lock:
            return list(self._texts)

    def send(self, text: str) -> None:
        """Keep the text, or raise."""
        if self.away:
            raise Transient("nobody is there")
        with self._lock:
            self._texts.append(text)
