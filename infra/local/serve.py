"""`switchman local`: the world, and what it says on the terminal."""

from __future__ import annotations

import errno
import signal
import threading
from datetime import timedelta
from pathlib import Path

from infra.local.client import WorldClient
from infra.local.player import Player
from infra.local.scenarios import SCENARIOS
from infra.local.scenarios.steps import SUFFIXES
from infra.local.stage import Say
from infra.local.world import AlreadyRunning, World, WorldOptions

NONE, EMPTY = "none", "empty"
"""Nothing is played; in an empty world nothing is deployed either."""


def serve(port: int, data: Path, scenario: str, approve_after: timedelta, say: Say) -> None:
    """Start the world, play the scenario, and stay up until stopped.

    Raises `ValueError` for what a person has to put right: an unknown scenario, a port or a
    data folder that is taken.
    """
    if scenario not in (*SCENARIOS, NONE, EMPTY):
        known = ", ".join((*SCENARIOS, NONE, EMPTY))
        raise ValueError(f"there is no scenario {scenario!r}; there is: {known}")
    stopped = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopped.set())
    try:
        with World(WorldOptions(port=port, data=data)) as world:
            _greet(world, say)
            client = WorldClient(world.base_url)
            player = None
            if scenario == NONE:
                _deploy_once(client)
            elif scenario != EMPTY:
                played = SCENARIOS[scenario]
                say(f"Playing [bold]{scenario}[/bold]: {played.about}")
                player = Player(played, client, world.policy, data, say, approve_after)
                player.start()
            stopped.wait()
            if player:
                player.stop()
            client.close()
    except AlreadyRunning as error:
        raise ValueError(str(error)) from error
    except OSError as error:
        raise ValueError(_in_the_way(error, port)) from error


def _in_the_way(error: OSError, port: int) -> str:
    """What keeps the world from starting, and what would be right."""
    if error.filename is not None:
        return f"the data folder cannot be used: {error}; choose another: `make run DATA=...`"
    taken = error.errno == errno.EADDRINUSE
    why = "something else listens on it" if taken else error.strerror or str(error)
    another = "`make run PORT=8081`, or `switchman local --port 8081`"
    return f"port {port} cannot be used: {why}; choose another, such as {another}"


def _deploy_once(client: WorldClient) -> None:
    """In a new world, a second good revision of every service: something to roll back from."""
    services = client.services()
    if all(len(service["revisions"]) == 1 for service in services):
        for service, suffix in zip(services, SUFFIXES, strict=False):
            client.deploy(service["service"], "good", suffix)


def _greet(world: World, say: Say) -> None:
    say(f"Switchman's one-machine world is up on {world.base_url}")
    say(f"  alerts      POST {world.base_url}/ingest, bearer token `local` unless you set one")
    say(f"  Slack       {world.base_url}/sim/slack")
    say(f"  status      {world.base_url}/status")
    say(f"  Cloud Run   {world.base_url}/sim/run/services")
    say(f"  state, log  {world.options.data}")
    say("Ctrl-C stops it; started again, it carries on.")
