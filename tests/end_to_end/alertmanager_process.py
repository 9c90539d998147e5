"""A real Alertmanager, told to post its webhooks to Switchman.

https://prometheus.io/docs/alerting/latest/configuration/
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx

from tests.emulators import free_port, need_program

START_SECONDS: Final = 20.0
_CONFIGURATION: Final = """
route:
  receiver: switchman
  group_by: [alertname]
  group_wait: 100ms
  group_interval: 1s
  repeat_interval: 1s
receivers:
  - name: switchman
    webhook_configs:
      - url: {url}/ingest
        send_resolved: true
        http_config:
          authorization: {{type: Bearer, credentials_file: {token}}}
"""


class AlertmanagerProcess:
    """Alertmanager with its state in `home`; what fires is repeated every second.

    The bearer token is in a file that Alertmanager reads for each request.
    """

    def __init__(self, home: Path, switchman: str, token: str) -> None:
        self._program = need_program("prometheus-alertmanager", "webhooks of a real Alertmanager")
        self._home = home
        self._url = f"http://127.0.0.1:{free_port()}"
        self._process: subprocess.Popen[bytes] | None = None
        self._http = httpx.Client(base_url=self._url, timeout=15)
        home.mkdir()
        self.set_token(token)
        text = _CONFIGURATION.format(url=switchman, token=home / "token")
        (home / "alertmanager.yml").write_text(text)

    def set_token(self, token: str) -> None:
        """Present this bearer token from now on."""
        (self._home / "token").write_text(token)

    def start(self) -> None:
        """Start it and wait until it is ready."""
        command = [
            str(self._program),
            f"--config.file={self._home / 'alertmanager.yml'}",
            f"--storage.path={self._home / 'data'}",
            f"--web.listen-address={self._url.removeprefix('http://')}",
            "--cluster.listen-address=",
        ]
        with (self._home / "out").open("ab") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out)
        self.until(lambda: self._http.get("/-/ready").status_code == 200, START_SECONDS)

    def close(self) -> None:
        """End it for good."""
        self._http.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def fire(self, labels: Mapping[str, str], since: datetime) -> None:
        """Report that a series fires, as Prometheus does."""
        self._report({"labels": dict(labels), "startsAt": since.isoformat()})

    def resolve(self, labels: Mapping[str, str], since: datetime) -> None:
        """Report that a series fires no more."""
        now = datetime.now(UTC).isoformat()
        self._report({"labels": dict(labels), "startsAt": since.isoformat(), "endsAt": now})

    def failed(self) -> int:
        """How many of its webhooks were not answered with 2xx."""
        return self._counted("alertmanager_notification_requests_failed_total")

    def sent(self) -> int:
        """How many webhooks it has tried to deliver."""
        return self._counted("alertmanager_notification_requests_total")

    def until(self, holds: Callable[[], bool], seconds: float = 20.0) -> None:
        """Ask again and again until it holds; fail with what Alertmanager printed otherwise."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if holds():
                    return
            except httpx.TransportError:
                pass
            printed = self._home / "out"
            assert time.monotonic() < deadline, f"not in {seconds} s:\n{printed.read_text()}"
            time.sleep(0.02)

    def _report(self, alert: Mapping[str, object]) -> None:
        self._http.post("/api/v2/alerts", json=[alert]).raise_for_status()

    def _counted(self, name: str) -> int:
        wanted = f'{name}{{integration="webhook"}} '
        for line in self._http.get("/metrics").raise_for_status().text.splitlines():
            if line.startswith(wanted):
                return int(float(line.removeprefix(wanted)))
        raise AssertionError(f"Alertmanager counts no {name}")


@contextmanager
def alertmanager(home: Path, switchman: str, token: str = "local") -> Iterator[AlertmanagerProcess]:
    """A running Alertmanager that is always ended."""
    process = AlertmanagerProcess(home, switchman, token)
    try:
        process.start()
        yield process
    finally:
        process.close()
