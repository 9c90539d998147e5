"""Prometheus' and Alertmanager's stand-in: real requests, and a webhook about what fails."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from infra.local import alertmanager
from infra.local.client import WorldClient
from infra.local.durable import read_json, write_json

EVERY_SECONDS = 0.25
REPEAT_SECONDS = 5.0
FAILURES, SUCCESSES = 4, 4
"""So many failed requests in a row and the alert fires; so many good ones and it is resolved."""


@dataclass(slots=True)
class _Watched:
    """One service as the monitor sees it; everything here survives a restart."""

    service: str
    path: str
    streak: int = 0
    firing_since: str = ""
    told: str = ""
    told_at: float = 0.0


class Monitor:
    """Watches services through the front door and tells `ingest`, as Alertmanager would."""

    def __init__(self, client: WorldClient, watched: Sequence[tuple[str, str]], data: Path) -> None:
        self._client = client
        self._file = data / "monitor.json"
        known = {each["service"]: each for each in read_json(self._file, [])}
        self._watched = [
            _Watched(**known.get(service, {"service": service, "path": path}))
            for service, path in watched
        ]
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="monitor", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End; returns when the last request is answered."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(EVERY_SECONDS):
            for each in self._watched:
                try:
                    self._look(each)
                    self._tell(each)
                except httpx.HTTPError:
                    continue  # the world is coming or going; the next round tells

    def _look(self, each: _Watched) -> None:
        good = self._client.front(each.service, each.path) < 500
        firing = bool(each.firing_since)
        each.streak = each.streak + 1 if good == firing else 0
        if not firing and each.streak >= FAILURES:
            each.firing_since, each.streak = datetime.now(UTC).isoformat(), 0
            self._save()
        elif firing and each.streak >= SUCCESSES and each.told == "firing":
            self._send(each, "resolved")
            each.firing_since, each.streak = "", 0
            self._save()

    def _tell(self, each: _Watched) -> None:
        now = datetime.now(UTC).timestamp()
        if each.firing_since and (each.told != "firing" or now - each.told_at > REPEAT_SECONDS):
            self._send(each, "firing")
            each.told_at = now
            self._save()

    def _send(self, each: _Watched, status: str) -> None:
        if self._client.alert(webhook(each.service, status, each.firing_since)) != 200:
            raise httpx.HTTPError("ingest did not take the alert")
        each.told = status

    def _save(self) -> None:
        fields = ("service", "path", "streak", "firing_since", "told", "told_at")
        write_json(self._file, [{f: getattr(each, f) for f in fields} for each in self._watched])


def webhook(service: str, status: str, starts_at: str) -> dict[str, Any]:
    """What is told about one service."""
    labels = {
        "alertname": "CloudRunRequestsFail",
        "service_name": service,
        "severity": "critical",
    }
    summary = f"{service} answers 5xx to every request"
    return alertmanager.webhook([alertmanager.alert(labels, summary, starts_at, status)])
