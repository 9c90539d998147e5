"""A data rollback in the one-machine world, from the command line and Slack's buttons."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.client import button
from tests.end_to_end.test_cli import switchman
from tests.end_to_end.world_process import WorldProcess, world

pytestmark = pytest.mark.slow

ASK = ("rollback", "data", "convex", "--reason", "orders are garbled", "--as", "wanda", "--apply")


@pytest.fixture
def town(tmp_path: Path) -> Iterator[WorldProcess]:
    """A quiet world; nobody has told its data from its snapshot yet."""
    with world(tmp_path / "data") as process:
        yield process


def _says(town: WorldProcess, *words: str, code: int = 0) -> Any:
    """What a command prints as JSON; it has to end with this exit code."""
    store = f"sqlite://{town.data / 'switchman.sqlite3'}"
    ended = switchman(*words, "--json", store=store)
    assert ended.returncode == code, ended.stderr + ended.stdout
    return json.loads(ended.stdout)


def _live(town: WorldProcess) -> bytes:
    return (town.data / "snapshots" / "convex" / "live").read_bytes()


def test_data_is_rolled_back(town: WorldProcess) -> None:
    """Rehearsed, asked for, approved at a terminal and by button: data is replaced, and told of."""
    before = _live(town)
    found = _says(town, "rollback", "data", "convex")
    assert [each["eligible"] for each in found["snapshots"]] == [True]
    _says(town, "rollback", "data", "convex", "--snapshot", "nope", code=1)
    assert _live(town) == before

    asked = _says(town, *ASK)
    incident, plan = asked["incident"], asked["data"]["plan"]["hash"]
    approve = ("rollback", "approve", incident, "--plan", plan)
    _says(town, *approve, "--as", "ines")
    _says(town, *approve, "--as", "ines", code=1)
    _says(town, *approve, "--as", "wanda", code=1)
    assert _live(town) == before
    message = town.until(
        lambda: next(m for m in town.client.messages() if button(m, "approve_rollback"))
    )
    town.client.press(message["ts"], "approve_rollback", "U0COMMAND1")

    town.until(lambda: _data(town, incident)["phase"] == "done")
    data = _data(town, incident)
    good = town.data / "snapshots" / "convex" / "snapshots" / "known-good"
    assert _live(town) == good.read_bytes()
    assert good.with_name(data["export"]["id"]).read_bytes() == before
    assert [each["by"] for each in data["approvals"]] == ["ines", "carla"]
    shown = town.client.incident(incident)
    assert shown["state"] == "mitigated"
    kinds = {line["kind"] for line in shown["timeline"]}
    assert {"data_approved", "data_exported", "data_imported", "data_done"} <= kinds


def test_killed_while_it_is_asked_for(town: WorldProcess) -> None:
    """Killed right after the last approval, the world carries on, or a page says what is in doubt."""
    before = _live(town)
    asked = _says(town, *ASK)
    approve = ("rollback", "approve", asked["incident"], "--plan", asked["data"]["plan"]["hash"])
    _says(town, *approve, "--as", "ines")
    _says(town, *approve, "--as", "carla")
    town.kill()
    town.start()
    town.until(lambda: _data(town, asked["incident"])["phase"] in ("done", "held"), 150)
    export = _data(town, asked["incident"])["export"]["id"]
    folder = town.data / "snapshots" / "convex" / "snapshots"
    assert (folder / export).read_bytes() == before


def _data(town: WorldProcess, incident: str) -> Any:
    return town.client.incident(incident)["data_rollback"]
