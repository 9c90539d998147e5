"""`make demo`: plays a scenario in a world of its own and exits 0 only if it ended as it should.

The world runs in a process of its own and is only looked at from outside. If it dies (try
`kill -9`), it is started again on the same port and data, and must carry on.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from infra.local.client import WorldClient
from infra.local.judge import ENDS, look, traffic
from infra.local.prober import Prober, read_probes
from infra.local.story import judge, tell

GIVE_UP_AFTER = 80.0
APPROVE_AFTER = 2.0
SETTLED = 1.0
"""Seconds the prober goes on for after the end, to see that it lasts."""


class WorldProcess:
    """`switchman local` as a process, started again whenever it has died."""

    def __init__(self, scenario: str, port: int, data: Path) -> None:
        self._command = [
            str(Path(sys.executable).with_name("switchman")),
            *("local", "--port", str(port), "--data", str(data)),
            *("--scenario", scenario, "--approve-after", str(APPROVE_AFTER)),
        ]
        self._log = (data / "world.out").open("a")
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command, stdout=self._log, stderr=self._log)  # noqa: S603

    def keep_up(self) -> bool:
        """Start it again if it died; whether it had."""
        if self._process.poll() is None:
            return False
        self._process = self._start()
        return True

    def stop(self) -> None:
        """Stop it for good."""
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


def main() -> int:
    """Play, watch, judge."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("scenario", nargs="?", default="bad-revision", choices=sorted(ENDS))
    parser.add_argument("--data", type=Path, help="keep the state here (default: a new folder)")
    arguments = parser.parse_args()
    console = Console(highlight=False)
    data = arguments.data or Path(tempfile.mkdtemp(prefix="switchman-demo-"))
    data.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    console.print(
        f"Playing [bold]{arguments.scenario}[/bold] on http://127.0.0.1:{port} in {data}",
        soft_wrap=True,
    )
    world = WorldProcess(arguments.scenario, port, data)
    client = WorldClient(f"http://127.0.0.1:{port}")
    try:
        return _watch(console, arguments.scenario, world, client, data)
    finally:
        client.close()
        world.stop()


def _watch(
    console: Console, scenario: str, world: WorldProcess, client: WorldClient, data: Path
) -> int:
    until = time.monotonic() + GIVE_UP_AFTER
    while not client.healthy() and time.monotonic() < until:
        world.keep_up()
        time.sleep(0.1)
    services = client.services()
    before = traffic(services)
    targets = [(s["service"], "/version" if "backend" in s["service"] else "/") for s in services]
    prober = Prober(client.base_url, targets, data / "prober.jsonl")
    prober.start()
    try:
        incident = _until_the_end(console, world, client, until)
        time.sleep(SETTLED)
    finally:
        prober.stop()
    if incident is None:
        console.print(f"[red]No incident was opened within {GIVE_UP_AFTER:.0f} s[/red]")
        return 1
    seen = look(client, incident, before, read_probes(data / "prober.jsonl"))
    tell(console, seen)
    good = judge(console, ENDS[scenario](seen))
    console.print(f"  every probe is in {data / 'prober.jsonl'}", style="dim", soft_wrap=True)
    return 0 if good else 1


def _until_the_end(
    console: Console, world: WorldProcess, client: WorldClient, until: float
) -> str | None:
    """Report progress until there is a verdict; the incident's id."""
    incident_id, told = None, 0
    while time.monotonic() < until:
        if world.keep_up():
            console.print("[red]The world died; started again on the same data[/red]")
        try:
            incident = _newest(client)
        except httpx.HTTPError:
            incident = None
        if incident is not None:
            incident_id = str(incident["id"])
            for row in incident["timeline"][told:]:
                console.print(f"  … {row['text']}", style="dim", markup=False, soft_wrap=True)
            told = len(incident["timeline"])
            if _ended(incident):
                return incident_id
        time.sleep(0.2)
    return incident_id


def _newest(client: WorldClient) -> dict[str, Any] | None:
    incidents = client.incidents()
    return client.incident(incidents[0]["id"]) if incidents else None


def _ended(incident: dict[str, Any]) -> bool:
    """Whether there is a verdict and every page about it is out."""
    rollback = incident["rollback"] or {}
    return bool(rollback.get("verdict")) and all(page["sent_at"] for page in incident["pages"])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
