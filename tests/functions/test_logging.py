import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from shared.adapters.clock import SystemClock
from shared.adapters.sqlite.store import SqliteStore
from shared.config import SHIPPED_POLICY
from tests.functions.conftest import Serve
from tests.functions.messages import (
    BEARER,
    SIGNING_SECRET,
    TOKEN,
    alert,
    press,
    push,
    push_of,
    signed,
    webhook,
)

LOOKS_SECRET = "xoxb-0123456789-letmein"
TRACE = "0123456789abcdef0123456789abcdef"


def telling() -> dict[str, object]:
    """An alert that holds what nobody should read in a log, wherever it may hold text."""
    held = f"password={LOOKS_SECRET}"
    labels = {"alertname": held, "severity": held, held: "x"}
    return alert(1, labels=labels, annotations={"summary": held}, generatorURL=held)


def test_no_line_holds_a_secret_a_token_or_a_body(served: Serve) -> None:
    """Accepted, rejected or unauthorised: what was sent, and what proves who sent it, stays out."""
    ingest, respond, slack = served("ingest"), served("respond"), served("slack")
    wrong = {"Authorization": f"Bearer {LOOKS_SECRET}", "X-Cloud-Trace-Context": LOOKS_SECRET}
    for found in (telling(), {**telling(), "status": LOOKS_SECRET}, LOOKS_SECRET):
        ingest.client.post("/", headers=BEARER, json=webhook(found))
        ingest.client.post("/", headers=wrong, json=webhook(found))
        respond.client.post("/", json=push_of(webhook(found), source=LOOKS_SECRET))
        respond.client.post("/", json=push_of(found))
        respond.client.post("/", json=push(LOOKS_SECRET.encode()))
    for body in (press(LOOKS_SECRET), press("i", LOOKS_SECRET), LOOKS_SECRET.encode()):
        slack.client.post("/", content=body, headers=signed(body, time.time()))
        slack.client.post("/", content=body, headers=signed(body, LOOKS_SECRET))

    said = "".join(function.said() for function in (ingest, respond, slack))
    assert len(said.splitlines()) > 15
    assert [line for line in said.splitlines() if "letmein" in line] == []
    assert TOKEN not in said
    assert SIGNING_SECRET not in said


def test_every_line_says_which_function_and_which_trace(served: Serve) -> None:
    """A line can be found by the function that wrote it, and by the request's trace."""
    function = served("respond", {"GOOGLE_CLOUD_PROJECT": "p"})
    headers = {"X-Cloud-Trace-Context": f"{TRACE}/1;o=1"}

    function.client.post("/", headers=headers, json=push_of(webhook(alert())))

    (line,) = function.log()
    assert line["severity"] == "INFO"
    assert line["message"] == "an incident was opened"
    assert line["logging.googleapis.com/labels"]["function"] == "respond"
    assert line["logging.googleapis.com/labels"]["stack"] == "convex"
    assert line["logging.googleapis.com/trace"] == f"projects/p/traces/{TRACE}"


def test_a_wrong_environment_is_503_and_one_line_names_every_fault(served: Serve) -> None:
    """Whoever mends the deployment reads all that is wrong at once; the sender reads nothing."""
    wrong = {"SWITCHMAN_STORE": "", "SWITCHMAN_BUS": "x", "SWITCHMAN_POLICY": "/no/file"}
    function = served("respond", wrong)

    answer = function.client.post("/", json=push_of(webhook(alert())))

    assert (answer.status_code, answer.json()) == (503, {"error": "not set up; send it again"})
    (line,) = function.log()
    assert line["severity"] == "ERROR"
    assert all(name in line["message"] for name in wrong)


def test_a_policy_that_is_mended_is_used_at_once(
    served: Serve, tmp_path: Path, store: SqliteStore
) -> None:
    """With a broken policy a message comes again, until the file is right; no page is lost."""
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nlanes: 7\nstacks: 7\n")
    function = served("respond", {"SWITCHMAN_POLICY": str(policy)})

    broken = function.client.post("/", json=push_of(webhook(alert())))
    (line,) = function.log()
    policy.write_text(SHIPPED_POLICY.read_text())
    mended = function.client.post("/", json=push_of(webhook(alert())))

    assert (broken.status_code, mended.status_code) == (503, 200)
    assert line["severity"] == "ERROR"
    assert len(re.findall(rf"{policy}:\d+: ", line["message"])) > 1
    assert len(store.incidents()) == 1


def test_a_store_of_a_newer_program_is_503(served: Serve, database: Path) -> None:
    """An old program that was deployed over a new one waits, and says what to do."""
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    function = served("respond")

    answer = function.client.post("/", json=push_of(webhook(alert())))

    assert answer.status_code == 503
    assert "start the Switchman that wrote it" in function.log()[0]["message"]


def test_what_nobody_foresaw_is_500_without_a_traceback(served: Serve, database: Path) -> None:
    """It comes again; the log has its type and where it came from, and not what it quotes."""
    SqliteStore(database, SystemClock()).close()
    with closing(sqlite3.connect(database)) as broken:
        broken.execute("DROP TABLE heads")
        broken.execute(f'CREATE VIEW heads AS SELECT "{LOOKS_SECRET}"() AS body, 1 AS version')
    function = served("respond")

    answer = function.client.post("/", json=push_of(webhook(alert())))

    said = {"error": "something unforeseen happened; send it again"}
    assert (answer.status_code, answer.json()) == (500, said)
    (line,) = function.log()
    assert (line["severity"], line["message"]) == ("ERROR", "unforeseen: OperationalError")
    assert 'functions/respond.py", line' in line["stack_trace"]
    assert LOOKS_SECRET not in function.said()
    assert function.lives()
