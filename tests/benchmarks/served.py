"""What benchmarks send load to: functions as they are deployed, and the one-machine world."""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import httpx

from infra.local.client import WorldClient
from tests.benchmarks.process import NotAnswered, memory
from tests.benchmarks.start import EMPTY
from tests.emulators import free_port
from tests.functions import serving

INGEST_TOKEN: Final = "local"
_SECONDS_TO_START: Final = 60.0
_SECONDS_BETWEEN_TRIES: Final = 0.05


class Deployment:
    """The deployed sources, an empty function beside them, and a folder for what they leave."""

    def __init__(self, here: Path) -> None:
        self.here = here
        self._numbers = count()
        self._source = serving.deploy(here / "source")
        self._empty = here / "empty"
        self._empty.mkdir()
        (self._empty / "main.py").write_text(EMPTY)
        for folder in (self._source, self._empty):
            compileall.compile_dir(str(folder), quiet=2)

    @contextmanager
    def empty(self) -> Iterator[serving.Served]:
        """The empty HTTP function under the same server: the floor."""
        with serving.serve(self._empty, "empty", {}, self.home()) as served:
            yield served

    @contextmanager
    def served(self, name: str, env: Mapping[str, str]) -> Iterator[serving.Served]:
        """One of the functions. It is killed in the end, without a chance to write anything."""
        with serving.serve(self._source, name, env, self.home()) as served:
            yield served

    def home(self) -> Path:
        """A path that nothing has yet."""
        return self.here / str(next(self._numbers))


@contextmanager
def folder_of_its_own() -> Iterator[Path]:
    """A folder that goes away with everything in it."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@contextmanager
def deployment() -> Iterator[Deployment]:
    """A deployment that leaves nothing behind."""
    with folder_of_its_own() as folder:
        yield Deployment(folder)


@dataclass(frozen=True, slots=True)
class LocalWorld:
    """The one-machine world in a process of its own."""

    client: WorldClient
    port: int
    data: Path
    process: subprocess.Popen[bytes]

    def ingest(self, body: bytes) -> None:
        """Send a webhook of any size; return when it is accepted."""
        url, headers = f"{self.client.base_url}/ingest", {"Authorization": f"Bearer {INGEST_TOKEN}"}
        httpx.post(url, content=body, headers=headers, timeout=60).raise_for_status()

    def megabytes(self) -> float:
        """What it holds."""
        return memory(self.process.pid)


@contextmanager
def local_world(home: Path, policy: Path) -> Iterator[LocalWorld]:
    """`switchman local` with this policy, quiet until something is sent to it."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("switchman")), "local", "--scenario", "none"]
    with (home / "world.out").open("wb") as out:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--data", str(home / "data")],
            env={**os.environ, "SWITCHMAN_POLICY": str(policy)},
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    client = WorldClient(f"http://127.0.0.1:{port}", INGEST_TOKEN)
    try:
        _wait(client, process, home / "world.out")
        yield LocalWorld(client, port, home / "data", process)
    finally:
        client.close()
        process.kill()
        process.wait()


def _wait(client: WorldClient, process: subprocess.Popen[bytes], out: Path) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while not client.healthy():
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotAnswered(f"the one-machine world is not up: {out.read_text()[-2000:]}")
        time.sleep(_SECONDS_BETWEEN_TRIES)


def load() -> list[float]:
    """The machine's load averages over 1, 5 and 15 minutes."""
    return [round(each, 2) for each in os.getloadavg()]
