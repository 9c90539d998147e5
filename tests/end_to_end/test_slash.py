"""`/switchman` in the simulated Slack: what a person reads, asks for, and is refused."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from infra.local.client import button
from infra.local.world import SIGNING_SECRET
from tests.end_to_end.world_process import WorldProcess, world

pytestmark = pytest.mark.slow

BACKEND, DASHBOARD = "oa-convex-backend-nonprod", "oa-convex-dashboard-nonprod"
GOOD = {BACKEND: f"{BACKEND}-00010-kpf", DASHBOARD: f"{DASHBOARD}-00001-8rs"}
"""What serves when the world begins."""

INES, COMMANDERS = "U0INFRA001", {"carla": "U0COMMAND1", "cyrus": "U0COMMAND2"}


class Slack:
    """A person's hands and eyes in the simulated Slack, and whoever replays their requests."""

    def __init__(self, process: WorldProcess, http: httpx.Client) -> None:
        self.process = process
        self._http = http

    def types(self, text: str, user: str = "ines") -> str:
        """What the person is answered, read from the message only they see."""
        before = len(self.messages())
        sent = {"command": "/switchman", "text": text, "user": user, "channel": "#oncall-infra"}
        assert self._post("command", sent)["status"] == 200
        return "\n".join(shown(m) for m in self.messages()[before:] if m["ephemeral_to"] == INES)

    def messages(self) -> list[dict[str, Any]]:
        """Everything that stands in Slack."""
        return self.process.client.messages()

    def modal(self) -> dict[str, Any] | None:
        """The only open modal."""
        found: list[dict[str, Any]] = self._http.get("/sim/slack/views").json()
        return found[0] if found else None

    def submits(self, reason: str) -> dict[str, Any]:
        """Ines fills in the form and sends it; what becomes of the modal."""
        modal = self.modal()
        assert modal is not None
        values = {"reason": {"reason": reason}}
        return self._post("submit", {"view_id": modal["id"], "user": "ines", "values": values})

    def presses(self, action: str, user: str) -> None:
        """A person presses a button, as soon as a message has it."""
        ts = self.process.until(lambda: self._with_button(action))
        self._post("press", {"ts": ts, "action_id": action, "user": user})

    def _with_button(self, action: str) -> str:
        """The newest message with this button; empty while there is none."""
        shown = (m["ts"] for m in reversed(self.messages()) if button(m, action))
        return next(shown, "")

    def signed(self, form: dict[str, str], age: float = 0, secret: str = SIGNING_SECRET) -> Any:
        """A request as Slack signed it `age` seconds ago; calling it sends it, each time the same."""
        body = urlencode(form).encode()
        stamp = str(int(time.time() - age))
        base = b"v0:" + stamp.encode() + b":" + body
        digest = hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={digest}",
        }
        return lambda: self._http.post("/slack", content=body, headers=headers)

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self._http.post(f"/sim/slack/{path}", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def shown(message: dict[str, Any]) -> str:
    """Every text a message shows."""
    sections = [b for b in message["blocks"] if "text" in b]
    return "\n".join([message["text"], *(b["text"]["text"] for b in sections)])


def submission(reason: str) -> dict[str, str]:
    """The form Slack posts when Ines submits the modal."""
    view = {
        "callback_id": "switchman_rollback",
        "private_metadata": "convex",
        "state": {"values": {"reason": {"reason": {"value": reason}}}},
    }
    payload = {"type": "view_submission", "user": {"id": INES}, "view": view}
    return {"payload": json.dumps(payload)}


@pytest.fixture
def slack(tmp_path: Path) -> Iterator[Slack]:
    """A quiet world in which each service has a newer revision, good too, that serves now."""
    with world(tmp_path / "data", "empty") as process:
        for service in GOOD:
            process.client.deploy(service, "good", "new")
        process.until(lambda: all(r.endswith("-new") for r in serving(process).values()))
        with httpx.Client(base_url=process.client.base_url, timeout=10) as http:
            yield Slack(process, http)


def serving(process: WorldProcess) -> dict[str, str]:
    """The revision that gets all of each service's traffic."""
    return {
        found["service"]: next(
            t["revision"].rpartition("/")[2] or found["latest_ready_revision"].rpartition("/")[2]
            for t in found["traffic_statuses"]
            if t["percent"] == 100
        )
        for found in process.client.services()
    }


def test_reading_changes_nothing_and_is_for_one_person(slack: Slack) -> None:
    """Help, status, who is on call, and a typing error, each answered inside the request."""
    assert "`/switchman rollback [STACK]`" in slack.types("help")
    assert "*Convex non-prod* (`convex`): nothing is open" in slack.types("status")
    assert "There are none." in slack.types("incidents")
    assert "Who is on call" in slack.types("oncall")
    assert "There is no `rolback`; did you mean `rollback`?" in slack.types("rolback convex")
    assert slack.process.client.incidents() == []
    assert all(m["ephemeral_to"] == INES for m in slack.messages())


def test_a_rollback_from_the_command_to_the_recovery(slack: Slack) -> None:
    """Plan, reason, a second person, traffic, verdict: the whole way through Slack."""
    until = slack.process.until
    assert slack.types("rollback") == ""
    assert slack.modal() is not None
    until(lambda: "Preparing" not in json.dumps(slack.modal()))
    plan = json.dumps(slack.modal())
    assert f"{BACKEND} from 00011-new to 00010-kpf" in plan
    assert f"{DASHBOARD} from 00002-new to 00001-8rs" in plan
    assert "Incident commanders" in plan
    assert slack.submits("  ")["errors"]["reason"].startswith("Say why")
    assert slack.submits("the backend answers 500 since noon")["view"] == "updated"

    (incident,) = until(slack.process.client.incidents)
    until(lambda: rollback(slack)["phase"] == "proposed")
    found = until(lambda: commander_asked(slack))
    assert found is not None
    asked, page = found
    assert page["channel"] == "#incident-command"

    slack.presses("approve_rollback", "ines")
    until(lambda: any("somebody else has to" in told for told in told_to(slack, INES)))
    assert rollback(slack)["phase"] == "proposed"
    assert changes(slack) == []

    slack.presses("approve_rollback", asked)
    until(lambda: rollback(slack)["verdict"], 60)
    assert rollback(slack)["verdict"] == "recovered"
    assert serving(slack.process) == GOOD
    timeline = slack.process.client.incident(incident["id"])["timeline"]
    assert "the backend answers 500 since noon" in json.dumps(timeline)


def test_a_replayed_request_has_no_second_effect(slack: Slack) -> None:
    """The same submission and the same declaration, each sent three times, count once."""
    again = slack.signed(submission("it fails"))
    typed = {"command": "/switchman", "user_id": INES, "channel_id": "C1", "trigger_id": "1.2"}
    declared = slack.signed({**typed, "text": "declare auth sev2 nobody can sign in"})
    for request in (again, declared):
        assert [request().status_code for _ in range(3)] == [200] * 3
    slack.process.until(lambda: len(slack.process.client.incidents()) == 2)
    slack.process.until(lambda: rollback(slack)["phase"] == "proposed")
    before = stories(slack)
    assert "Asked for: a sev2 incident" in declared().text
    assert again().status_code == 200
    slack.types("declare projector it lags")
    slack.process.until(lambda: len(slack.process.client.incidents()) == 3)
    assert stories(slack)[1:] == before


def test_what_slack_did_not_just_sign_is_401(slack: Slack) -> None:
    """A wrong secret, a signature of long ago: nothing is answered and nothing happens."""
    form = submission("it fails")
    assert slack.signed(form, secret="another")().status_code == 401
    assert slack.signed(form, age=400)().status_code == 401
    assert slack.process.client.incidents() == []


def commander_asked(slack: Slack) -> tuple[str, dict[str, Any]] | None:
    """The commander who was asked to approve, whoever has the turn, and the message."""
    for person, member in COMMANDERS.items():
        for message in slack.messages():
            if f"<@{member}>" in message["text"]:
                return person, message
    return None


def rollback(slack: Slack) -> dict[str, Any]:
    """The rollback of the only incident that has one."""
    found = [i["rollback"] for i in slack.process.client.incidents() if i["rollback"]]
    return found[0] if found else {"phase": "", "verdict": None}


def told_to(slack: Slack, user: str) -> list[str]:
    """What only this person was told."""
    return [m["text"] for m in slack.messages() if m["ephemeral_to"] == user]


def changes(slack: Slack) -> list[dict[str, Any]]:
    """Every change of traffic that Cloud Run was asked to make."""
    asked = slack.process.client.traffic_requests()
    return [r for r in asked if r["method"] == "UpdateService" and not r["validate_only"]]


def stories(slack: Slack) -> list[list[str]]:
    """What was decided in each incident so far, apart from what is still on its way."""
    client = slack.process.client
    decided = ("opened", "asked", "proposed", "refused")
    return [
        [row["text"] for row in client.incident(i["id"])["timeline"] if row["kind"] in decided]
        for i in client.incidents()
    ]
