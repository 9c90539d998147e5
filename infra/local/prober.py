"""Sends real requests through the front door all the time, and writes each result to a file."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

EVERY_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Probe:
    """One request: when it was sent (Unix seconds), what came back (0: nothing) and from whom."""

    at: float
    service: str
    status: int
    revision: str = ""

    @property
    def good(self) -> bool:
        """Whether the service did its job."""
        return 200 <= self.status < 400

    @property
    def told(self) -> bool:
        """Whether the front door was there at all; the world may be starting."""
        return self.status != 0


class Prober:
    """Probes each (service, path) 20 times a second; knows nothing of Switchman."""

    def __init__(self, base_url: str, targets: Sequence[tuple[str, str]], file: Path) -> None:
        self._base_url = base_url
        self._file = file
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._run, args=target, daemon=True) for target in targets
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _run(self, service: str, path: str) -> None:
        url = f"{self._base_url}/sim/front/{service}{path}"
        with httpx.Client(timeout=5) as client, self._file.open("a", buffering=1) as file:
            while not self._stopped.wait(EVERY_SECONDS):
                probe = Probe(time.time(), service, *_answer(client, url))
                with self._lock:
                    file.write(json.dumps(asdict(probe)) + "\n")


def _answer(client: httpx.Client, url: str) -> tuple[int, str]:
    """The status, and the revision that answered."""
    try:
        answer = client.get(url)
    except httpx.HTTPError:
        return 0, ""
    return answer.status_code, answer.headers.get("x-sim-revision", "")


@dataclass(frozen=True, slots=True)
class Outage:
    """What the prober saw: the first failure, and the first success after the last one.

    With several services: the first of the failures and the last of the recoveries.
    """

    failed_at: float | None
    recovered_at: float | None


def outage(probes: Sequence[Probe]) -> Outage:
    """The outage in a list of probes; `recovered_at` is None while something still fails."""
    told = [probe for probe in probes if probe.told]
    recoveries: list[float | None] = []
    failures: list[float] = []
    for service in {probe.service for probe in told}:
        mine = sorted((p for p in told if p.service == service), key=lambda p: p.at)
        bad = [probe.at for probe in mine if not probe.good]
        if bad:
            failures.append(bad[0])
            recoveries.append(next((p.at for p in mine if p.at > bad[-1]), None))
    known = [at for at in recoveries if at is not None]
    recovered = max(known) if known and len(known) == len(recoveries) else None
    return Outage(min(failures, default=None), recovered)


def served_by(probes: Sequence[Probe], revisions: Mapping[str, str], after: float) -> float | None:
    """When each service had answered well from its revision, asked after this instant.

    None if one of them never did.
    """
    first: dict[str, float] = {}
    for probe in probes:
        wanted = revisions.get(probe.service)
        if probe.at >= after and probe.good and probe.revision == wanted:
            first[probe.service] = min(probe.at, first.get(probe.service, probe.at))
    return max(first.values()) if first and len(first) == len(revisions) else None


def read_probes(file: Path) -> list[Probe]:
    """Every probe in the file."""
    return [Probe(**json.loads(line)) for line in file.read_text().splitlines() if line.strip()]
