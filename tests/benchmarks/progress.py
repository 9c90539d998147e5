"""Saying how far a measurement is."""

from __future__ import annotations

import sys
import time
from typing import TextIO

_SECONDS_BETWEEN_LINES = 5.0


class Progress:
    """`progress("round 3 of 11")`: on a terminal one line that changes, elsewhere a line at times."""

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        self._stream = stream
        self._terminal = stream.isatty()
        self._last = float("-inf")

    def __call__(self, text: str) -> None:
        """Say where the measurement is."""
        if self._terminal:
            self._write(f"\r\033[K{text}")
        elif time.monotonic() - self._last >= _SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            self._write(f"{text}\n")

    def done(self) -> None:
        """Leave the terminal's line empty."""
        if self._terminal:
            self._write("\r\033[K")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
