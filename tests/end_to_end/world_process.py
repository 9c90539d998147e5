"""`switchman local` as a real process that can be killed and started again."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import httpx

from infra.local.client import WorldClient

T = TypeVar("T")
START_SECONDS = 30.0


class WorldProcess:
    """The world under one port and data folder, over any number of lives."""

    def __init__(self, data: Path, scenario: str = "none", approve_after: float = 0.5) -> None:
        self.data = data
        self._port = _lasting_port()
        self._command = [
            str(Path(sys.executable).with_name("switchman")),
            *("local", "--port", str(self._port), "--data", str(data)),
            *("--scenario", scenario, "--approve-after", str(approve_after)),
        ]
        self._process: subprocess.Popen[bytes] | None = None
        self.client = WorldClient(f"http://127.0.0.1:{self._port}")

    def start(self) -> None:
        """Start it and wait until it is up."""
        self.launch()
        self.until(self.client.healthy, START_SECONDS)

    def launch(self) -> None:
        """Start it, and wait for nothing."""
        with (self.data.parent / "world.out").open("ab") as out:
            self._process = subprocess.Popen(
                self._command, stdout=out, stderr=out, env=os.environ | {"PYTHONFAULTHANDLER": "1"}
            )

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
        """Ask again and again until the answer is true; what is not there yet is no answer.

        Otherwise fail with what was printed, and with what each thread was doing.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                if answer := holds():
                    return answer
            except (httpx.HTTPError, LookupError, TypeError):
                pass
            if time.monotonic() >= deadline:
                raise AssertionError(f"not in {seconds} s:\n{self._last_words()}")
            time.sleep(0.02)

    def _last_words(self) -> str:
        """What it printed, and what each thread was doing when it was ended just now."""
        if self._process is not None:
            self._process.send_signal(signal.SIGABRT)
            self._process.wait()
        return (self.data.parent / "world.out").read_text()


def _lasting_port() -> int:
    """A free port that the system gives to no outgoing connection while the world is down."""
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free between 20000 and 30000")


@contextmanager
def world(data: Path, scenario: str = "none", approve_after: float = 0.5) -> Iterator[WorldProcess]:
    """A running world that is always ended."""
    process = WorldProcess(data, scenario, approve_after)
    try:
        process.start()
        yield process
    finally:
        process.close()
