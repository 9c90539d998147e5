"""The `switchman` command as a person types it: what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from shared.adapters.clock import SystemClock
from shared.adapters.sqlite.store import SqliteStore
from shared.bootstrap import Application
from shared.cli import app
from shared.config import SHIPPED_POLICY, Settings
from shared.wire import alerts, rejections

SAMPLES = sorted((Path(__file__).parents[1] / "samples").glob("*.jsonl"))
ANSWERED = ("alert", "status", "stack", "lane", "team", "severity", "rule", "reasons")
BESIDES = ("considered", "no_rollback")
HOSTILE = "Disk [/full] of [red]C:\\"
ALERT: Mapping[str, Any] = {
    "status": "firing",
    "labels": {"alertname": "ConvexProjectionLagHigh", "severity": "critical"},
    "annotations": {"summary": "Lag is above 500 events"},
    "startsAt": "2026-02-25T10:00:00Z",
    "fingerprint": "00000000000000a1",
}


def switchman(
    *arguments: str | Path,
    store: str = "",
    stdin: bytes = b"",
    folder: Path | None = None,
    more: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the command with a wide terminal, this store, `more` variables, and nothing else set."""
    env = {"PATH": os.environ["PATH"], "PYTHONUTF8": "1", "COLUMNS": "200", **(more or {})}
    ended = subprocess.run(
        [Path(sys.executable).with_name("switchman"), *arguments],
        env={**env, "SWITCHMAN_STORE": store} if store else env,
        input=stdin,
        capture_output=True,
        cwd=folder,
        check=False,
        timeout=60,
    )
    out, err = ended.stdout.decode(), ended.stderr.decode()
    return subprocess.CompletedProcess(ended.args, ended.returncode, out, err)


def refused(ended: subprocess.CompletedProcess[str], code: int = 2) -> str:
    """What the command said as it gave up: one line, on standard error, and this exit code."""
    assert ended.returncode == code, ended.stderr
    (line,) = ended.stderr.splitlines()
    assert "Traceback" not in line
    return line


def webhook(*found: Mapping[str, Any]) -> bytes:
    """A webhook of these alerts."""
    return json.dumps({"version": "4", "status": "firing", "alerts": found}).encode()


@contextmanager
def a_store(folder: Path, found: bytes, rejected: bytes) -> Iterator[str]:
    """The URL of a store that has received these alerts and rejected this message."""
    url = f"sqlite://{folder / 'switchman.sqlite3'}"
    application = Application(Settings.from_env({"SWITCHMAN_STORE": url}))
    application.receive_alerts(alerts.parse_any(found, "alertmanager"))
    application.receive_alerts.reject(rejections.rejection("grafana", "no JSON", rejected))
    yield url
    application.store.close()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A store with an incident of two alerts, and one of a message that was rejected."""
    found = webhook(ALERT, {**ALERT, "fingerprint": "00000000000000a2"})
    home = tmp_path_factory.mktemp("store")
    with a_store(home, found, b"<b>Bad gateway</b>") as url:
        yield url


def incident(store: str, lane: str) -> dict[str, Any]:
    """The incident of a lane, as the list has it."""
    rows = json.loads(switchman("incidents", "list", "--json", store=store).stdout)
    (found,) = [row for row in rows if row["lane"] == lane]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_classify_answers_each_sample_in_one_line(path: Path, tmp_path: Path) -> None:
    """Every format is read; each alert is one JSON object with exactly the promised keys."""
    samples = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    file = tmp_path / "alerts.jsonl"
    file.write_text("\n".join(json.dumps(sample["body"]) for sample in samples))

    ended = switchman("classify", file)

    assert (ended.returncode, ended.stderr) == (0, "")
    answers = [json.loads(line) for line in ended.stdout.splitlines()]
    assert {tuple(sorted(each)) for each in answers} == {tuple(sorted((*ANSWERED, *BESIDES)))}
    wanted = ("lane", "team", "severity")
    assert [[a[k] for k in wanted] for a in answers] == [[s[k] for k in wanted] for s in samples]
    for answer in answers:
        assert all(isinstance(reason, str) and reason for reason in answer["reasons"])


def test_classify_reads_standard_input_and_documents_of_many_lines() -> None:
    """`-` is standard input; a webhook written over many lines is one document, not many."""
    ended = {**ALERT, "status": "resolved", "endsAt": "2026-02-25T10:09:00Z"}
    spread = json.dumps(json.loads(webhook(ALERT, ended)), indent=2).encode()

    told = switchman("classify", "-", stdin=spread)

    answers = [json.loads(line) for line in told.stdout.splitlines()]
    assert [answer["status"] for answer in answers] == ["firing", "resolved"]
    assert {answer["alert"] for answer in answers} == {"ConvexProjectionLagHigh"}
    assert {answer["lane"] for answer in answers} == {"projector"}


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (b'{"alerts": [', "truncated"),
        (b"<html>", "not valid JSON"),
        (b"\xff\xfe\x00", "not valid JSON"),
        (b'{"name": "Ruth"}', "neither an Alertmanager webhook nor a Cloud Monitoring incident"),
        (b'{"alerts": []}', "no alert"),
        (webhook({**ALERT, "startsAt": "soon"}), "startsAt"),
        (b"[" * 100_000, ""),
    ],
    ids=["cut", "no JSON", "no UTF-8", "no alert", "no alerts", "bad alert", "deep"],
)
def test_classify_refuses_what_is_no_alert_in_one_line(bad: bytes, says: str) -> None:
    """Exit code 2, one line that says what is wrong, nothing on standard output."""
    ended = switchman("classify", "-", stdin=bad)

    assert says in refused(ended)
    assert ended.stdout == ""


def test_classify_says_which_file_it_cannot_read(tmp_path: Path) -> None:
    """A file that is missing, a folder, a policy that is missing: exit code 2 and its name."""
    missing = tmp_path / "missing.jsonl"

    assert str(missing) in refused(switchman("classify", missing))
    assert str(tmp_path) in refused(switchman("classify", tmp_path))
    assert "docs/connect.md" in refused(switchman("classify", missing))
    told = switchman("classify", "--policy", missing, "-", stdin=webhook(ALERT))
    assert str(missing) in refused(told)


@pytest.mark.parametrize("words", [("local", "--scenario", "none"), ("lint",), ("classify", "-")])
def test_a_policy_that_is_not_there_is_said_by_its_variable(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    """Exit code 2, and the name of what has to be set, not only of the file."""
    more = {"SWITCHMAN_POLICY": str(tmp_path / "nowhere.yaml")}

    told = refused(switchman(*words, stdin=webhook(ALERT), folder=tmp_path, more=more))

    assert (
        told
        == f"SWITCHMAN_POLICY: there is no file {tmp_path / 'nowhere.yaml'}; name a policy file"
    )


def test_lint_is_content_with_the_shipped_policy() -> None:
    """Exit code 0, named or not."""
    for arguments in ((), (SHIPPED_POLICY,)):
        ended = switchman("lint", *arguments)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert "fine" in ended.stdout


def test_lint_names_every_fault_with_its_line(tmp_path: Path) -> None:
    """Exit code 1, and each fault as `file:line: ...`, all at once."""
    text = SHIPPED_POLICY.read_text(encoding="utf-8")
    text = text.replace("on_call: ruth", "on_call: no-such-person")
    text = text.replace("on_call: petra", "on_call: no-such-person")
    policy = tmp_path / "policy.yaml"
    policy.write_text(text.replace("default: sev3", "default: sev9"), encoding="utf-8")

    ended = switchman("lint", policy)

    assert (ended.returncode, ended.stdout) == (1, "")
    lines = policy.read_text(encoding="utf-8").splitlines()
    wrong = [n for n, line in enumerate(lines, 1) if "no-such-person" in line or "sev9" in line]
    *faults, waiting = ended.stderr.splitlines()
    assert waiting.startswith("Rules that wait until these are mended: ")
    places = [line.partition(": ")[0] for line in faults]
    assert places == [f"{policy}:{number}" for number in wrong]
    assert len(wrong) == 3
    assert "ruth" in ended.stderr


def test_line_100_is_called_100(tmp_path: Path) -> None:
    """What a fault says is printed as it is: `:100:` is a place, and no picture."""
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\n" + "\n" * 98 + "nonsense: 1\n", encoding="utf-8")
    assert f"{policy}:100: 'nonsense' is not known here" in switchman("lint", policy).stderr


def test_port_that_is_taken_is_said_with_what_would_be_right(tmp_path: Path) -> None:
    """Exit code 2, the port, and how to choose another with `make run`."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = switchman("local", "--port", str(port), "--scenario", "none", folder=tmp_path)
    told = refused(ended)
    assert told.startswith(f"port {port} cannot be used: something else listens on it; choose")
    assert "make run PORT=" in told


def test_lint_of_a_missing_file_is_wrong_usage(tmp_path: Path) -> None:
    """Exit code 2: there is no policy to say anything about."""
    missing = tmp_path / "missing.yaml"
    assert str(missing) in refused(switchman("lint", missing))


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every command that does something."""
    below = getattr(command, "commands", None)
    if below is None:
        yield path
        return
    for name, found in below.items():
        yield from leaves(found, (*path, name))


@pytest.mark.parametrize("words", [*leaves(typer.main.get_command(app))], ids=" ".join)
def test_help_shows_an_example(words: tuple[str, ...]) -> None:
    """`--help` of each command ends with a line that can be typed."""
    shown = CliRunner().invoke(app, [*words, "--help"])

    assert shown.exit_code == 0
    assert f"Example: switchman {' '.join(words)}" in shown.output


def test_incidents_are_listed(store: str) -> None:
    """Two lines each for people, whole ids whatever the width, and the same as JSON."""
    rows = json.loads(switchman("incidents", "list", "--json", store=store).stdout)
    table = switchman("incidents", "list", store=store)

    assert {row["lane"]: row["alerts"] for row in rows} == {"projector": 2, "triage": 0}
    assert [row["opened_at"] for row in rows] == sorted(
        (r["opened_at"] for r in rows), reverse=True
    )
    assert table.returncode == 0
    for row in rows:
        (line,) = [line for line in table.stdout.splitlines() if row["id"] in line]
        assert all(row[cell] in line for cell in ("severity", "lane", "state"))
        assert row["opened_at"][:16].replace("T", " ") in line


def test_an_incident_is_shown_with_its_timeline(store: str) -> None:
    """What fails, who was paged, and what happened; the timeline alone on request."""
    found = incident(store, "projector")

    shown = switchman("incidents", "show", found["id"], store=store).stdout
    whole = json.loads(switchman("incidents", "show", found["id"], "--json", store=store).stdout)
    story = switchman("incidents", "timeline", found["id"], store=store).stdout
    rows = json.loads(switchman("incidents", "timeline", found["id"], "--json", store=store).stdout)

    assert "ConvexProjectionLagHigh" in shown
    assert "Lag is above 500 events" in shown
    assert "paged ruth in #oncall-runtime" in shown
    assert shown.startswith(f"{found['id']}  {found['severity']}  {found['state']}  ")
    assert f"switchman incidents ack {found['id']} " in shown
    assert "switchman rollback apply convex " in shown
    nowhere = switchman("incidents", "show", incident(store, "triage")["id"], store=store).stdout
    assert "rollback apply" not in nowhere, "no service is known of what belongs to no stack"
    assert (whole["id"], whole["alerts"], whole["timeline"]) == (found["id"], 2, rows)
    assert {"at", "kind", "text"} <= set(rows[0])
    assert len(story.splitlines()) == len(rows) > 0
    assert all(row["text"] in story for row in rows)
    assert story in shown


def test_rejected_messages_are_listed(store: str) -> None:
    """When, from whom, why, and a piece of each."""
    (row,) = json.loads(switchman("incidents", "rejected", "--json", store=store).stdout)
    table = switchman("incidents", "rejected", store=store)

    assert (row["source"], row["reason"]) == ("grafana", "no JSON")
    assert row["snippet"].startswith("<b>")
    assert table.returncode == 0
    assert all(cell in table.stdout for cell in row.values())


def test_what_senders_say_is_printed_and_never_obeyed(tmp_path: Path) -> None:
    """Words in brackets are words: in the list, in the incident, and in what was rejected."""
    labels = {**ALERT["labels"], "alertname": f"Convex projection lag {HOSTILE}"}
    found = webhook({**ALERT, "labels": labels, "annotations": {"summary": HOSTILE}})
    with a_store(tmp_path, found, HOSTILE.encode()) as url:
        known = incident(url, "projector")["id"]
        ended = [
            switchman("incidents", *words, store=url)
            for words in (("list",), ("show", known), ("timeline", known), ("rejected",))
        ]

    assert [each.returncode for each in ended] == [0] * 4
    assert [HOSTILE in each.stdout for each in ended] == [True] * 4


@pytest.mark.parametrize("command", ["show", "timeline"])
def test_an_unknown_incident_is_a_no(store: str, command: str) -> None:
    """Exit code 1, and a line that says where incidents are listed."""
    said = refused(switchman("incidents", command, "convex-0000000000", store=store), code=1)

    assert "convex-0000000000" in said
    assert "switchman incidents list" in said


def test_the_beginning_of_an_id_is_enough(store: str) -> None:
    """As long as only one incident begins like this."""
    whole = incident(store, "projector")["id"]
    said = switchman("incidents", "show", whole[:-4], "--json", store=store)
    assert json.loads(said.stdout)["id"] == whole


def test_an_empty_store_has_nothing_to_list(tmp_path: Path) -> None:
    """Nothing is said in words for people, and is an empty list for programs."""
    url = f"sqlite://{tmp_path / 'new.sqlite3'}"
    SqliteStore(tmp_path / "new.sqlite3", SystemClock()).close()
    for command, says in (("list", "no incidents"), ("rejected", "Nothing was rejected")):
        assert says in switchman("incidents", command, store=url).stdout
        assert json.loads(switchman("incidents", command, "--json", store=url).stdout) == []


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "There is no store: run this in the folder of"),
        ("postgres://x/y", "SWITCHMAN_STORE 'postgres://x/y' is no store"),
        ("sqlite:///no/such/folder/file", "there is no file /no/such/folder/file"),
    ],
    ids=["not set", "unknown", "away"],
)
def test_a_store_that_cannot_be_used_is_said_in_one_line(
    tmp_path: Path, url: str, says: str
) -> None:
    """Exit code 2 and what would be right, without a traceback."""
    assert says in refused(switchman("incidents", "list", store=url, folder=tmp_path))


def test_who_is_on_call_at_another_time() -> None:
    """By the schedule of the shipped policy: who it is then, who is next, and who after them."""
    shown = switchman("oncall", "--at", "2026-01-13T10:00+01:00", "--json")
    teams = {row["team"]: row for row in json.loads(shown.stdout)}
    command = teams["commanders"]
    assert (command["person"], command["schedule"], command["gap"]) == ("cyrus", "command", None)
    assert (command["next"]["person"], command["next"]["at"]) == (
        "carla",
        "2026-01-19T09:00:00+00:00",
    )
    assert [step["person"] for step in teams["infra"]["escalation"]] == ["ivo", "cyrus"]
    assert "Cyrus Bakker" in switchman("oncall", "--at", "2026-01-13T10:00").stdout


def test_a_time_that_is_none_is_wrong_usage() -> None:
    """Exit 2, and what would be right."""
    ended = switchman("oncall", "--at", "tomorrow")
    assert ended.returncode == 2
    assert "such as 2026-12-24T09:00+01:00" in ended.stderr
