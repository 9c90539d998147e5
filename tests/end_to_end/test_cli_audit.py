"""`switchman audit log` as a person types it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.bootstrap import Application
from shared.config import Settings
from shared.domain.event import Instruction
from shared.domain.paging import Choice
from tests.end_to_end.test_cli import HOSTILE, switchman

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a store in which Ruth declared an incident and a stranger wanted a drill."""
    url = f"sqlite://{tmp_path_factory.mktemp('store') / 'switchman.sqlite3'}"
    application = Application(Settings.from_env({"SWITCHMAN_STORE": url}))
    ruth = application.policy.people["ruth"].slack
    for number, (who, choice) in enumerate(((ruth, Choice.DECLARE), ("U0X", Choice.DRILL))):
        told = Instruction(
            id=f"told-{number}",
            choice=choice,
            person=who,
            channel="#oncall-runtime",
            at=NOON.replace(minute=number),
            stack="convex",
            lane="projector",
            text=f"rollback {HOSTILE}",
        )
        application.store.add_instruction(told)
        application.follow_instruction(told.id)
    application.store.close()
    return url


def test_the_log_is_json_for_programs(store: str) -> None:
    """Newest first: who told what, about what, and what came of it."""
    rows = json.loads(switchman("audit", "log", "--json", store=store).stdout)
    drill, declared = rows
    assert (declared["name"], declared["choice"], declared["stack"]) == (
        "Ruth Adeyemi",
        "declare",
        "convex",
    )
    assert (declared["at"], declared["text"]) == ("2026-03-01T12:00:00+00:00", "")
    assert (drill["person"], drill["name"], drill["via"]) == ("U0X", "U0X", "Slack")
    assert "refused" in drill["answer"]
    assert "the policy knows no person" in drill["text"]


def test_the_log_is_a_table_for_people(store: str) -> None:
    """A line for each, and what was typed is printed as it was typed."""
    ended = switchman("audit", "log", store=store)
    assert (ended.returncode, ended.stderr) == (0, "")
    words = " ".join(ended.stdout.split())
    assert "Ruth Adeyemi declare: rollback" in words
    assert "the policy knows no person" in words
    assert HOSTILE in words


def test_as_many_lines_as_asked_for(store: str) -> None:
    """The newest one alone."""
    rows = json.loads(switchman("audit", "log", "--limit", "1", "--json", store=store).stdout)
    assert [row["choice"] for row in rows] == ["drill"]


def test_nobody_has_told_anything_yet(tmp_path: Path) -> None:
    """An empty list for programs, a sentence for people."""
    url = f"sqlite://{tmp_path / 'new.sqlite3'}"
    application = Application(Settings.from_env({"SWITCHMAN_STORE": url}))
    application.store.close()
    assert json.loads(switchman("audit", "log", "--json", store=url).stdout) == []
    assert "Nobody has told" in switchman("audit", "log", store=url).stdout


def test_a_persons_own_clock_is_not_believed(tmp_path: Path) -> None:
    """What the command line stored counts from when it was followed, whatever their clock says."""
    url = f"sqlite://{tmp_path / 'new.sqlite3'}"
    application = Application(Settings.from_env({"SWITCHMAN_STORE": url}))
    told = Instruction(
        id="typed",
        choice=Choice.DECLARE,
        person="person:ruth",
        channel="",
        at=NOON.replace(year=1999),
        stack="convex",
        lane="projector",
        text="it lags",
        via="the command line",
    )
    application.store.add_instruction(told)
    before = datetime.now(UTC)
    application.follow_instruction(told.id)
    (row,) = application.store.audit()
    application.store.close()
    assert row.at >= before
