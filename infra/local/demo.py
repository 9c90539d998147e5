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

import httpx
from rich.console import Console

from infra.local.client import WorldClient
from infra.local.judge import Glance, glance, look, traffic
from infra.local.prober import Prober, read_probes
from infra.local.scenarios import SCENARIOS
from infra.local.scenarios.scenario import Scenario
from infra.local.story import judge, tell

GIVE_UP_AFTER = 75.0
APPROVE_AFTER = 2.0


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
    parser.add_argument("scenario", nargs="?", default="bad-revision", choices=[*SCENARIOS])
    parser.add_argument("--data", type=Path, help="keep the state here (default: a new folder)")
    arguments = parser.parse_args()
    scenario = SCENARIOS[arguments.scenario]
    console = Console(highlight=False)
    data = arguments.data or Path(tempfile.mkdtemp(prefix="switchman-demo-"))
    data.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    console.print(f"Playing [bold]{scenario.name}[/bold]: {scenario.about}", soft_wrap=True)
    console.print(f"  on http://127.0.0.1:{port} in {data}", style="dim", soft_wrap=True)
    world = WorldProcess(scenario.name, port, data)
    client = WorldClient(f"http://127.0.0.1:{port}")
    try:
        return _watch(console, scenario, world, client, data)
    finally:
        client.close()
        world.stop()


def _watch(
    console: Console, scenario: Scenario, world: WorldProcess, client: WorldClient, data: Path
) -> int:
    until = time.monotonic() + GIVE_UP_AFTER
    while not client.healthy() and time.monotonic() < until:
        world.keep_up()
        time.sleep(0.1)
    services = client.services()
    targets = [(s["service"], "/version" if "backend" in s["service"] else "/") for s in services]
    prober = Prober(client.base_url, targets, data / "prober.jsonl")
    prober.start()
    try:
        seconds = _until_the_end(console, scenario, world, client, until)
        time.sleep(scenario.lingers)
    finally:
        prober.stop()
    seen = look(client, traffic(services), read_probes(data / "prober.jsonl"), seconds)
    tell(console, seen, scenario.adds(seen))
    good = judge(console, [check(seen) for check in scenario.claims])
    console.print(f"  every probe is in {data / 'prober.jsonl'}", style="dim", soft_wrap=True)
    return 0 if good else 1


def _until_the_end(
    console: Console, scenario: Scenario, world: WorldProcess, client: WorldClient, until: float
) -> float:
    """Report progress until it has ended or time is up; the seconds since something showed."""
    told, began = 0, time.monotonic()
    while time.monotonic() < until:
        if world.keep_up():
            console.print("[red]The world died; started again on the same data[/red]")
        now = _glance(client)
        if now.incident is None and not now.drills:
            began = time.monotonic()
        rows = (now.incident or {"timeline": []})["timeline"]
        for row in rows[told:]:
            console.print(f"  … {row['text']}", style="dim", markup=False, soft_wrap=True)
        told = max(told, len(rows))
        if scenario.ended(now):
            return time.monotonic() - began
        time.sleep(0.2)
    console.print(f"[red]It did not come to its end within {GIVE_UP_AFTER:.0f} s[/red]")
    return time.monotonic() - began


def _glance(client: WorldClient) -> Glance:
    """What there is now; nothing while the world is down."""
    try:
        return glance(client)
    except httpx.HTTPError:
        return Glance(incident=None, drills=())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
