"""An incident from alert to recovery while Slack answers nobody, worked from the command line."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.local import alertmanager
from tests.end_to_end.test_cli import refused, switchman
from tests.end_to_end.test_slash import BACKEND, GOOD, serving
from tests.end_to_end.world_process import WorldProcess, world

pytestmark = pytest.mark.slow

SERIES: Mapping[str, str] = {
    "alertname": "CloudRunRequestsFail",
    "severity": "critical",
    "service_name": BACKEND,
}


class Town:
    """A world whose Slack is down, and people at their terminals."""

    def __init__(self, process: WorldProcess) -> None:
        self.process = process
        self.store = f"sqlite://{process.data / 'switchman.sqlite3'}"
        self.began = datetime.now(UTC).isoformat()

    def stop_slack(self) -> None:
        """From now on every call of Slack's API fails."""
        fault = {"method": "*", "fault": "server_error", "times": 1_000_000}
        url = f"{self.process.client.base_url}/sim/slack/faults"
        httpx.post(url, json=fault).raise_for_status()

    def alert(self, status: str = "firing") -> None:
        """Alertmanager reports that the backend fails, or that it no longer does."""
        told = alertmanager.alert(SERIES, "every request fails", self.began, status)
        assert self.process.client.alert(alertmanager.webhook([told])) == 200

    def asks(self, *words: str, code: int = 0) -> Any:
        """What a command prints as JSON; it has to end with this exit code."""
        ended = switchman(*words, "--json", store=self.store)
        assert ended.returncode == code, ended.stderr + ended.stdout
        return json.loads(ended.stdout)

    def store_says(self, *words: str) -> str:
        """What a command prints, however it ends: what it asks for may have happened already."""
        return switchman(*words, store=self.store).stdout

    def proposed(self) -> dict[str, Any]:
        """The incident, once its rollback is proposed."""

        def found() -> dict[str, Any] | None:
            rows = self.asks("incidents", "list")
            wished = [row for row in rows if row["rollback"]]
            return next((r for r in wished if r["rollback"]["phase"] == "proposed"), None)

        row = self.process.until(found)
        assert row is not None
        return row


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """A world in which each service has a newer revision that fails, and Slack has gone."""
    with world(tmp_path / "data", "empty") as process:
        for service in GOOD:
            process.client.deploy(service, "failing", "bad")
        process.until(lambda: all(r.endswith("-bad") for r in serving(process).values()))
        here = Town(process)
        here.stop_slack()
        yield here


def test_an_incident_is_worked_without_slack(town: Town) -> None:
    """Acknowledged by one person, rolled back by another, recovered, and the audit says who."""
    town.alert()
    found = town.proposed()
    incident, plan = found["id"], found["rollback"]["plan"]

    (acknowledged,) = town.asks("incidents", "ack", incident, "--as", "ines")
    assert (acknowledged["name"], acknowledged["answer"]) == ("Ines Carvalho", "carried out")

    approved = town.asks("rollback", "approve", incident, "--plan", plan, "--as", "carla")
    assert approved["plan"]["hash"] == plan
    town.process.until(lambda: serving(town.process) == GOOD)
    town.alert("resolved")
    town.process.until(lambda: rollback(town, incident)["verdict"])
    assert rollback(town, incident)["verdict"] == "recovered"

    told = town.asks("audit", "log")
    assert [(row["name"], row["choice"], row["incident"]) for row in told] == [
        ("Carla Moreau", "approve_rollback", incident),
        ("Ines Carvalho", "acknowledge", incident),
    ]
    assert all("the command line" in row["via"] for row in told)
    assert town.process.client.messages() == []
    report = switchman("incidents", "report", incident, store=town.store).stdout
    assert "Approved by Carla Moreau" in report
    assert "RTO: " in report
    before, after = f"100 % LATEST ({BACKEND}-00011-bad)", f"100 % {GOOD[BACKEND]}"
    assert f"| {BACKEND} | {before} | {after} | moved |" in report
    afterwards(town, incident)


def afterwards(town: Town, incident: str) -> None:
    """The known-good images are re-pinned, and only then is the incident reviewed."""
    town.store_says("incidents", "resolve", incident, "--as", "ines")
    town.process.until(lambda: town.asks("incidents", "show", incident)["state"] == "resolved")
    review = ("incidents", "review", incident, "--note", "the canary was too short", "--as", "ines")
    (refused,) = town.asks(*review, code=1)
    assert f"`/switchman repinned {incident}`" in refused["text"]
    pins = town.asks("incidents", "show", incident)["repin"]["services"]
    assert {pin["service"]: pin["revision"] for pin in pins} == GOOD
    assert all(pin["digest"] for pin in pins)
    shown = switchman("incidents", "show", incident, store=town.store).stdout
    assert f"to re-pin in the provisioning: {BACKEND}" in shown
    assert shown.count(pins[0]["digest"]) == 2, "once in the task, once in the timeline"
    assert f"switchman incidents repinned {incident} " in shown
    town.asks("incidents", "repinned", incident, "--as", "carla")
    town.asks(*review)
    assert town.asks("incidents", "show", incident)["state"] == "reviewed"
    released(town)


def released(town: Town) -> None:
    """Once the fix is out, and not before, traffic goes back to LATEST; another person approves."""
    releasing = ("rollback", "release", "convex", "--reason", "1.4.2 is out")
    assert "rolled back from" in town.asks(*releasing, code=1)["why_not"]
    for service in GOOD:
        town.process.client.deploy(service, "good", "fix")
    town.process.until(lambda: town.store_says(*releasing).startswith("Release plan"))
    assert serving(town.process) == GOOD
    asked = town.asks(*releasing, "--apply", "--as", "ines")
    approve = ("rollback", "approve", asked["incident"], "--plan", asked["plan"]["hash"])
    assert "somebody else" in town.asks(*approve, "--as", "ines", code=1)["answer"]["text"]
    town.asks(*approve, "--as", "carla")
    town.process.until(lambda: rollback(town, asked["incident"])["verdict"])
    found = rollback(town, asked["incident"])
    assert (found["release"], found["verdict"]) == (True, "recovered")
    assert all(name.endswith("-fix") for name in serving(town.process).values())
    nothing = town.asks(*releasing, code=1)["why_not"]
    assert "no rollback has left a service of it pinned" in nothing


def test_a_rollback_is_asked_for_and_approved_without_slack(town: Town) -> None:
    """A rehearsal changes nothing; who asks may not approve; nobody approves what they have not seen."""
    asking = ("rollback", "apply", "convex", "--reason", "it fails since noon")
    rehearsed = town.asks(*asking)
    assert [each["to"] for each in rehearsed["plan"]["services"]] == [*GOOD.values()]
    assert town.asks("incidents", "list") == []

    asked = town.asks(*asking, "--apply", "--as", "ines")
    plan = asked["plan"]["hash"]
    approve = ("rollback", "approve", "convex", "--plan", plan)
    own = town.asks(*approve, "--as", "ines", code=1)
    assert "somebody else has to" in own["answer"]["text"]
    stranger = town.asks(*approve, "--as", "petra", code=1)
    assert "may decide on rollbacks" in stranger["answer"]["text"]
    other = town.asks("rollback", "approve", "convex", "--plan", "0", "--as", "carla", code=1)
    assert "the plan has changed" in other["answer"]["text"]
    short = ("rollback", "approve", "convex", "--plan", plan[:8], "--as", "carla")
    shortened = switchman(*short, store=town.store)
    assert (shortened.returncode, f"say all of it: --plan {plan}" in shortened.stderr) == (2, True)
    unseen = switchman("rollback", "approve", "convex", "--as", "carla", store=town.store)
    assert f"--plan {plan}" in unseen.stderr
    assert (unseen.returncode, set(serving(town.process).values()) & {*GOOD.values()}) == (2, set())

    looking = ("rollback", "approve", "convex", "--as", "carla", "--follow")
    assert at_a_terminal(town, *looking, answer="n").returncode == 1
    assert set(serving(town.process).values()) & {*GOOD.values()} == set()

    ended = at_a_terminal(town, *looking, answer="y")

    assert (ended.returncode, serving(town.process)) == (0, GOOD), ended.stdout
    assert f"Hash: {plan}" in ended.stdout
    assert "Recovered" in ended.stdout
    again = town.asks(*approve, "--as", "cyrus", code=1)
    assert "refused" in again["answer"]["text"]


def test_a_rejected_rollback_moves_nothing(town: Town) -> None:
    """Rejected by somebody who may; approving it afterwards is refused."""
    town.alert()
    found = town.proposed()
    incident, plan = found["id"], found["rollback"]["plan"]

    rejected = switchman("rollback", "reject", incident, "--as", "cyrus", store=town.store)

    assert (rejected.returncode, plan in rejected.stdout) == (0, True), rejected.stderr
    late = town.asks("rollback", "approve", incident, "--plan", plan, "--as", "carla", code=1)
    assert "refused" in late["answer"]["text"]
    over = switchman("rollback", "approve", incident, "--as", "carla", store=town.store)
    assert (over.returncode, "is over: it is rejected" in over.stderr) == (1, True)
    assert rollback(town, incident)["phase"] == "rejected"
    assert all(name.endswith("-bad") for name in serving(town.process).values())


def test_incidents_are_declared_and_ended_without_slack(town: Town) -> None:
    """Declared by one person, and over when they say so; what does not exist is a no."""
    declared = town.asks(
        *("incidents", "declare", "auth", "nobody", "can", "sign", "in"),
        *("--severity", "sev2", "--as", "wanda"),
    )
    shown = town.asks("incidents", "show", declared["opened"])
    assert (shown["title"], shown["severity"]) == ("nobody can sign in", "sev2")
    town.asks("incidents", "resolve", declared["opened"], "--as", "wanda")
    town.process.until(
        lambda: town.asks("incidents", "show", declared["opened"])["state"] == "resolved"
    )
    (again,) = town.asks("incidents", "ack", declared["opened"], "--as", "wim", code=1)
    assert "resolved" in again["text"]
    missing = switchman("incidents", "ack", "convex-0", "--as", "wim", store=town.store)
    assert "convex-0" in missing.stderr
    nothing = switchman("rollback", "approve", "convex", "--as", "carla", store=town.store)
    assert "no rollback of convex is proposed" in nothing.stderr
    assert (missing.returncode, nothing.returncode) == (1, 1)


def test_a_world_that_stopped_leaves_the_word_for_the_next(town: Town) -> None:
    """What is told while nothing runs is stored and said so; the next start carries it out."""
    town.alert()
    incident = town.proposed()["id"]
    town.process.kill()

    told = switchman(
        *("incidents", "ack", incident, "--as", "ines", "--timeout", "0.5"), store=town.store
    )

    assert "is Switchman running?" in told.stderr
    assert told.returncode == 1
    plan = refused(switchman("rollback", "plan", store=town.store))
    assert "Connection refused" in plan
    town.process.start()
    town.process.until(lambda: [row["name"] for row in town.asks("audit", "log")])
    assert town.asks("incidents", "show", incident)["acknowledged_by"] == "ines"


def rollback(town: Town, incident: str) -> dict[str, Any]:
    """The incident's rollback."""
    found: dict[str, Any] = town.asks("incidents", "show", incident)["rollback"]
    return found


def at_a_terminal(town: Town, *words: str, answer: str) -> subprocess.CompletedProcess[str]:
    """A command typed at a terminal, with what is typed when it asks."""
    keyboard, terminal = pty.openpty()
    try:
        os.write(keyboard, f"{answer}\n".encode())
        return subprocess.run(
            [Path(sys.executable).with_name("switchman"), *words],
            env={"PATH": os.environ["PATH"], "COLUMNS": "200", "SWITCHMAN_STORE": town.store},
            stdin=terminal,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        os.close(keyboard)
        os.close(terminal)


def test_incidents_are_put_together_and_taken_apart_without_slack(town: Town) -> None:
    """Merged, split, moved to another lane, graded and annotated; each is in the audit."""
    auth, triage = (
        town.asks("incidents", "declare", lane, "it", "is", "odd", "--as", "wanda")["opened"]
        for lane in ("auth", "triage")
    )
    none_fires = switchman("incidents", "alerts", auth, store=town.store)
    assert "None of its alerts fires." in none_fires.stdout
    town.asks("incidents", "merge", triage, "--into", auth, "--as", "wanda")
    assert town.asks("incidents", "show", triage)["merged_into"] == auth
    late = town.asks("incidents", "merge", triage, "--into", auth, "--as", "wim", code=1)
    assert late["text"] == f"That incident was merged into {auth}."
    town.asks("incidents", "split", auth, "--merged", triage, "--as", "wanda")
    rows = town.asks("incidents", "list")
    (again,) = [row["id"] for row in rows if row["split_from"] == auth]
    refused_lane = town.asks("incidents", "lane", again, "auth", "--as", "wanda", code=1)
    assert "is open in lane auth" in refused_lane["text"]
    moved = switchman("incidents", "lane", again, "infra", "--as", "wanda", store=town.store)
    assert "Moved to lane infra" in moved.stdout, moved.stderr
    town.asks("incidents", "severity", again, "sev1", "--why", "nobody can pay", "--as", "ines")
    town.asks("incidents", "note", again, "restarted", "the", "queue", "--as", "ines")
    shown = switchman("incidents", "show", again, store=town.store).stdout
    assert "moved from lane triage" in shown
    assert "restarted the queue" in shown
    assert "0 alerts" in shown
    told = [(row["choice"], row["asked"]) for row in town.asks("audit", "log")][:6]
    assert told == [
        ("note", "restarted the queue"),
        ("severity", "sev1: nobody can pay"),
        ("lane", "infra"),
        ("lane", "auth"),
        ("split", triage),
        ("merge", f"into {auth}"),
    ]
    neither = switchman("incidents", "split", auth, "--as", "wanda", store=town.store)
    assert "--alert" in refused(neither)
