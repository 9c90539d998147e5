"""`switchman local` as a real process that can be killed and started again."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import httpx

from infra.local.client import WorldClient
from tests.emulators import free_port

T = TypeVar("T")
START_SECONDS = 30.0


class WorldProcess:
    """The world under one port and data folder, over any number of lives."""

    def __init__(self, data: Path, scenario: str = "none", approve_after: float = 0.5) -> None:
        self.data = data
        self._port = free_port()
        self._command = [
            str(Path(sys.executable).with_name("switchman")),
            *("local", "--port", str(self._port), "--data", str(data)),
            *("--scenario", scenario, "--approve-after", str(approve_after)),
        ]
        self._process: subprocess.Popen[bytes] | None = None
        self.client = WorldClient(f"http://127.0.0.1:{self._port}")

    def start(self) -> None:
        """Start it and wait until it is up."""
        with (self.data.parent / "world.out").open("ab") as out:
            self._process = subprocess.Popen(self._command, stdout=out, stderr=out)
        self.until(self.client.healthy, START_SECONDS)

    def kill(self) -> None:
        """End it as `kill -9` does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """End it for good."""
        self.client.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def until(self, holds: Callable[[], T], seconds: float = 40.0) -> T:
        """Ask again and again until the answer is true; fail with what was printed otherwise."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if answer := holds():
                    return answer
            except httpx.HTTPError:
                pass
            printed = self.data.parent / "world.out"
            assert time.monotonic() < deadline, f"not in {seconds} s:\n{printed.read_text()}"
            time.sleep(0.02)


@contextmanager
def world(data: Path, scenario: str = "none", approve_after: float = 0.5) -> Iterator[WorldProcess]:
    """A running world that is always ended."""
    process = WorldProcess(data, scenario, approve_after)
    try:
        process.start()
        yield process
    finally:
        process.close()
