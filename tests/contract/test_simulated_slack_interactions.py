"""Commands, buttons, modals and response URLs, as the app behind them sees them."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from tests.contract.simulated_slack_world import (
    DEADLINE_SECONDS,
    KENJI,
    MARIA,
    Received,
    SlackWorld,
    actions,
    button,
    modal,
    reason_input,
    section,
    slack_world,
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SlackWorld]:
    """A workspace of its own for each test."""
    with slack_world(tmp_path) as world:
        yield world


def post_buttons(world: SlackWorld, **more: Any) -> str:
    """A page with two buttons; its timestamp."""
    blocks = [section("*Roll back?*"), actions(button("approve", value="plan-1"), button("reject"))]
    posted = world.slack.chat_postMessage(channel="incidents", text="page", blocks=blocks, **more)
    return str(posted["ts"])


def open_modal(world: SlackWorld, view: dict[str, Any], user: str = "maria") -> str:
    """Opens `view` from inside a slash command, as an app does; the view's id."""
    opened: list[str] = []

    def open_it(received: Received) -> None:
        answer = world.slack.views_open(trigger_id=received.form["trigger_id"], view=view)
        opened.append(answer["view"]["id"])

    world.app.during = open_it
    world.post("command", command="/switchman", text="rollback", user=user)
    world.app.during = lambda _: None
    world.app.take()
    return opened[0]


def test_a_slash_command_is_signed_and_complete(world: SlackWorld) -> None:
    """The app gets every field of Slack's documentation, with a signature that holds."""
    answer = world.post(
        "command", command="/switchman", text=" status ", user="maria", channel="#releases"
    )
    received = world.app.take()
    assert answer.json() == {"status": 200, "body": "", "error": None}
    assert received.is_signed(world.clock())
    assert not received.is_signed(world.clock() + 301)
    form = received.form
    assert form["command"] == "/switchman"
    assert form["text"] == "status"
    assert (form["user_id"], form["user_name"]) == (MARIA.id, "maria")
    assert form["channel_name"] == "releases"
    assert set(form) == {
        "token",
        "team_id",
        "team_domain",
        "channel_id",
        "channel_name",
        "user_id",
        "user_name",
        "command",
        "text",
        "api_app_id",
        "is_enterprise_install",
        "response_url",
        "trigger_id",
    }


def test_an_answer_is_shown_to_the_person_alone_by_default(world: SlackWorld) -> None:
    """A JSON answer without response_type is ephemeral."""
    world.app.answer({"text": "all quiet", "blocks": [section("all *quiet*")]})
    world.post("command", command="/switchman", text="status", user=MARIA.id)
    (message,) = world.messages()
    assert (message["text"], message["ephemeral_to"]) == ("all quiet", MARIA.id)


def test_an_answer_in_channel_is_shown_to_all_with_the_command(world: SlackWorld) -> None:
    """response_type in_channel shows what was typed, then the answer."""
    world.app.answer({"response_type": "in_channel", "text": "declared"})
    world.post("command", command="/switchman", text="declare db", user="maria")
    typed, answered = world.messages()
    assert (typed["user"], typed["text"]) == (MARIA.id, "/switchman declare db")
    assert (answered["text"], answered["ephemeral_to"]) == ("declared", None)


def test_a_plain_text_answer_is_shown_as_it_is(world: SlackWorld) -> None:
    """An answer that is not JSON is an ephemeral message."""
    world.app.content_type, world.app.body = "text/plain", b"hello"
    answer = world.post("command", command="/switchman", text="", user="maria")
    assert answer.json()["body"] == "hello"
    assert world.messages()[0]["text"] == "hello"


def test_an_answer_that_slack_refuses_is_reported_to_the_person(world: SlackWorld) -> None:
    """Invalid blocks in an answer become a warning, not a message."""
    world.app.answer({"text": "x", "blocks": [section("")]})
    world.post("command", command="/switchman", text="status", user="maria")
    (message,) = world.messages()
    assert "invalid_blocks" in message["text"]
    assert message["ephemeral_to"] == MARIA.id


def test_a_failing_app_shows_dispatch_failed(world: SlackWorld) -> None:
    """An answer other than 200 is told to the person alone."""
    world.app.status = "500 Internal Server Error"
    answer = world.post("command", command="/switchman", text="status", user="maria")
    assert answer.json()["status"] == 500
    (message,) = world.messages()
    assert message["text"] == "/switchman failed with the error `dispatch_failed`"
    assert message["ephemeral_to"] == MARIA.id


def test_an_app_that_takes_too_long_shows_operation_timeout(tmp_path: Path) -> None:
    """No answer within the limit is no answer, whatever comes later."""
    with slack_world(tmp_path, answer_seconds=0.1) as world:
        answered = threading.Event()
        world.app.during = lambda _: answered.wait(DEADLINE_SECONDS)
        answer = world.post("command", command="/switchman", text="status", user="maria").json()
        answered.set()
        assert (answer["status"], answer["error"]) == (None, "operation_timeout")
        assert "operation_timeout" in world.messages()[0]["text"]


def test_a_press_sends_the_whole_message_signed(world: SlackWorld) -> None:
    """block_actions carries who, where, the message with its blocks, and the button's value."""
    ts = post_buttons(world, metadata={"event_type": "page", "event_payload": {}})
    answer = world.post("press", ts=ts, action_id="approve", user="kenji")
    received = world.app.take()
    payload = received.payload
    assert answer.json()["status"] == 200
    assert received.is_signed(world.clock())
    assert payload["type"] == "block_actions"
    assert payload["user"]["id"] == KENJI.id
    assert payload["channel"]["name"] == "incidents"
    assert payload["container"] == {
        "type": "message",
        "message_ts": ts,
        "channel_id": payload["channel"]["id"],
        "is_ephemeral": False,
    }
    assert payload["message"]["ts"] == ts
    assert payload["message"]["blocks"][1]["elements"][0]["value"] == "plan-1"
    (action,) = payload["actions"]
    assert action["block_id"] == "decide"
    assert (action["action_id"], action["value"]) == ("approve", "plan-1")
    assert action["type"] == "button"
    assert {"team", "api_app_id", "token", "trigger_id", "response_url"} <= set(payload)
    assert "action_ts" in action


def test_a_button_that_is_gone_cannot_be_pressed(world: SlackWorld) -> None:
    """After an update without buttons a press is 404 and the app hears nothing."""
    ts = post_buttons(world)
    channel = world.messages()[0]["channel_id"]
    world.slack.chat_update(channel=channel, ts=ts, text="done", blocks=[section("done")])
    answer = world.post("press", ts=ts, action_id="approve", user="maria")
    assert answer.status_code == 404
    assert "no button 'approve'" in answer.json()["error"]
    assert world.app.received.empty()


def test_an_ephemeral_button_belongs_to_one_person(world: SlackWorld) -> None:
    """Only the person who sees an ephemeral message can press its button."""
    channel = world.slack.conversations_list()["channels"][0]["id"]
    ts = world.slack.chat_postEphemeral(
        channel=channel, user=MARIA.id, text="t", blocks=[actions(button("go"))]
    )["message_ts"]
    assert world.post("press", ts=ts, action_id="go", user="kenji").status_code == 404
    assert world.post("press", ts=ts, action_id="go", user="maria").status_code == 200
    payload = world.app.take().payload
    assert payload["container"]["is_ephemeral"]
    assert "message" not in payload


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("command", {"command": "switchman", "user": "maria"}, 400, "starts with"),
        ("command", {"command": "/switchman", "user": "nobody"}, 404, "maria, kenji"),
        ("command", {"command": "/switchman"}, 400, "`user` must be a string"),
        (
            "command",
            {"command": "/switchman", "user": "maria", "channel": "#no"},
            404,
            "no channel '#no'",
        ),
        ("press", {"ts": "1.0", "action_id": "a", "user": "maria"}, 404, "no message 1.0"),
        ("submit", {"view_id": "V0", "user": "maria"}, 404, "no modal 'V0'"),
        ("say", {"text": " ", "user": "maria"}, 400, "`text` is empty"),
        ("faults", {"method": "chat.update", "fault": "fire"}, 400, "rate_limited"),
        ("faults", {"method": "chat.update", "fault": "delay", "times": 0}, 400, "`times`"),
        ("faults", {"method": "x", "fault": "delay", "seconds": -1}, 400, "`seconds`"),
        ("nothing", {}, 404, "nothing at"),
        ("messages", {}, 405, "only GET"),
    ],
)
def test_bad_input_is_refused_with_a_reason(
    world: SlackWorld, path: str, body: dict[str, Any], status: int, words: str
) -> None:
    """Whoever drives the simulator wrongly is told what would be right."""
    answer = world.post(path, **body)
    assert answer.status_code == status
    assert words in answer.json()["error"]


def test_a_body_that_is_not_json_is_refused(world: SlackWorld) -> None:
    """A form where JSON belongs is a 400."""
    answer = world.http.post("/sim/slack/command", data={"command": "/switchman"})
    assert answer.status_code == 400


def test_a_page_of_another_site_cannot_press(world: SlackWorld) -> None:
    """A request with a foreign Origin is refused before anything happens."""
    ts = post_buttons(world)
    answer = world.http.post(
        "/sim/slack/press",
        json={"ts": ts, "action_id": "approve", "user": "maria"},
        headers={"Origin": "https://evil.example"},
    )
    assert answer.status_code == 403
    assert world.app.received.empty()


def test_a_modal_is_submitted_with_its_values(world: SlackWorld) -> None:
    """view_submission carries the state in Slack's form, and the modal closes."""
    option = {"text": {"type": "plain_text", "text": "Backend"}, "value": "backend"}
    label = {"type": "plain_text", "text": "Services"}
    boxes = {"type": "checkboxes", "action_id": "boxes", "options": [option]}
    pick = {"type": "static_select", "action_id": "pick", "options": [option]}
    view = modal(
        reason_input(),
        {"type": "input", "block_id": "which", "label": label, "element": boxes},
        {"type": "input", "block_id": "one", "label": label, "element": pick},
        callback_id="rollback",
        private_metadata="stack=convex",
    )
    view_id = open_modal(world, view)
    values = {"reason": {"text": "errors"}, "which": {"boxes": ["backend"]}}
    answer = world.post(
        "submit", view_id=view_id, user="maria", values={**values, "one": {"pick": "backend"}}
    )
    payload = world.app.take().payload
    assert answer.json()["view"] == "closed"
    assert payload["type"] == "view_submission"
    assert payload["view"]["private_metadata"] == "stack=convex"
    assert payload["view"]["state"]["values"] == {
        "reason": {"text": {"type": "plain_text_input", "value": "errors"}},
        "which": {"boxes": {"type": "checkboxes", "selected_options": [option]}},
        "one": {"pick": {"type": "static_select", "selected_option": option}},
    }
    assert world.http.get("/sim/slack/views").json() == []


def test_a_required_field_is_asked_for_before_anything_is_sent(world: SlackWorld) -> None:
    """Slack itself refuses an empty required field; the app hears nothing."""
    view_id = open_modal(world, modal(reason_input()))
    answer = world.post("submit", view_id=view_id, user="maria", values={}).json()
    assert answer["view"] == "errors"
    assert "reason" in answer["errors"]
    assert world.app.received.empty()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"other": {"text": "x"}}, "no input block 'other'"),
        ({"reason": {"other": "x"}}, "takes only 'text'"),
        ({"reason": {"text": 3}}, "takes a string"),
        ([], "must be an object"),
    ],
)
def test_values_that_do_not_fit_the_modal_are_refused(
    world: SlackWorld, values: Any, words: str
) -> None:
    """A wrong block, action or type is a 400 that says which."""
    view_id = open_modal(world, modal(reason_input()))
    answer = world.post("submit", view_id=view_id, user="maria", values=values)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_errors_keep_the_modal_open(world: SlackWorld) -> None:
    """response_action errors is handed on and the modal stays."""
    view_id = open_modal(world, modal(reason_input()))
    world.app.answer({"response_action": "errors", "errors": {"reason": "say more"}})
    values = {"reason": {"text": "x"}}
    answer = world.post("submit", view_id=view_id, user="maria", values=values).json()
    assert (answer["view"], answer["errors"]) == ("errors", {"reason": "say more"})
    assert len(world.http.get("/sim/slack/views").json()) == 1


def test_update_replaces_the_modal(world: SlackWorld) -> None:
    """response_action update shows the new view under the same id."""
    view_id = open_modal(world, modal(reason_input()))
    world.app.answer({"response_action": "update", "view": modal(section("Proposed."))})
    values = {"reason": {"text": "x"}}
    answer = world.post("submit", view_id=view_id, user="maria", values=values).json()
    (view,) = world.http.get("/sim/slack/views").json()
    assert answer["view"] == "updated"
    assert (view["id"], view["user"]) == (view_id, MARIA.id)
    assert view["view"]["blocks"][0]["text"]["text"] == "Proposed."


def test_an_app_that_fails_keeps_the_modal_open(world: SlackWorld) -> None:
    """What a person typed is not lost because the app failed."""
    view_id = open_modal(world, modal(reason_input()))
    world.app.status = "500 Internal Server Error"
    values = {"reason": {"text": "x"}}
    answer = world.post("submit", view_id=view_id, user="maria", values=values).json()
    assert (answer["view"], answer["error"]) == ("open", "dispatch_failed")


def test_clear_closes_the_modal(world: SlackWorld) -> None:
    """response_action clear leaves nothing open."""
    view_id = open_modal(world, modal(section("Sure?")))
    world.app.answer({"response_action": "clear"})
    world.post("submit", view_id=view_id, user="maria")
    assert world.http.get("/sim/slack/views").json() == []


def test_closing_is_told_to_an_app_that_asked(world: SlackWorld) -> None:
    """notify_on_close sends view_closed."""
    view_id = open_modal(world, modal(section("Sure?"), notify_on_close=True))
    world.post("close", view_id=view_id, user="maria")
    assert world.app.take().payload["type"] == "view_closed"
    assert world.http.get("/sim/slack/views").json() == []


def test_a_modal_is_updated_while_it_is_open(world: SlackWorld) -> None:
    """views.update fills a placeholder in; a stale hash is refused."""
    view_id = open_modal(world, modal(section("Planning...")))
    old = world.http.get("/sim/slack/views").json()[0]["view"]["hash"]
    world.slack.views_update(view_id=view_id, hash=old, view=modal(section("The plan")))
    with pytest.raises(SlackApiError) as caught:
        world.slack.views_update(view_id=view_id, hash=old, view=modal(section("Late")))
    assert caught.value.response["error"] == "hash_conflict"
    (view,) = world.http.get("/sim/slack/views").json()
    assert view["view"]["blocks"][0]["text"]["text"] == "The plan"


def test_a_closed_modal_cannot_be_updated(world: SlackWorld) -> None:
    """views.update on a closed modal is not_found."""
    view_id = open_modal(world, modal(section("Sure?")))
    world.post("close", view_id=view_id, user="maria")
    with pytest.raises(SlackApiError) as caught:
        world.slack.views_update(view_id=view_id, view=modal(section("Late")))
    assert caught.value.response["error"] == "not_found"


@pytest.mark.parametrize(
    ("seconds", "error"), [(2.9, None), (3.1, "expired_trigger_id")], ids=["in time", "late"]
)
def test_a_trigger_lasts_three_seconds(
    world: SlackWorld, seconds: float, error: str | None
) -> None:
    """views.open succeeds within three seconds of the interaction and not after."""
    world.post("command", command="/switchman", text="rollback", user="maria")
    trigger_id = world.app.take().form["trigger_id"]
    world.clock.pass_(seconds)
    if error is None:
        assert world.slack.views_open(trigger_id=trigger_id, view=modal(section("a")))["ok"]
        return
    with pytest.raises(SlackApiError) as caught:
        world.slack.views_open(trigger_id=trigger_id, view=modal(section("a")))
    assert caught.value.response["error"] == error


def test_a_trigger_opens_one_modal(world: SlackWorld) -> None:
    """The second use of a trigger is exchanged_trigger_id."""
    world.post("command", command="/switchman", text="rollback", user="maria")
    trigger_id = world.app.take().form["trigger_id"]
    world.slack.views_open(trigger_id=trigger_id, view=modal(section("a")))
    with pytest.raises(SlackApiError) as caught:
        world.slack.views_open(trigger_id=trigger_id, view=modal(section("b")))
    assert caught.value.response["error"] == "exchanged_trigger_id"


def response_url(world: SlackWorld) -> WebhookClient:
    """The response URL of a pressed button, as slack_sdk uses it."""
    ts = post_buttons(world)
    world.post("press", ts=ts, action_id="approve", user="maria")
    return WebhookClient(world.app.take().payload["response_url"])


def test_a_response_url_answers_the_person_alone_by_default(world: SlackWorld) -> None:
    """Without response_type the answer is ephemeral, below the original."""
    answer = response_url(world).send(text="on it")
    assert (answer.status_code, answer.body) == (200, "ok")
    assert world.messages()[1]["ephemeral_to"] == MARIA.id


def test_a_response_url_replaces_the_original(world: SlackWorld) -> None:
    """replace_original changes the message in place."""
    response_url(world).send(text="approved", replace_original=True)
    (message,) = world.messages()
    assert (message["text"], message["blocks"]) == ("approved", [])
    assert message["edited"]


def test_a_response_url_deletes_the_original(world: SlackWorld) -> None:
    """delete_original removes the message."""
    response_url(world).send(delete_original=True)
    assert world.messages() == []


def test_a_response_url_speaks_in_the_channel(world: SlackWorld) -> None:
    """response_type in_channel is for all."""
    response_url(world).send(text="approved", response_type="in_channel")
    assert world.messages()[1]["ephemeral_to"] is None


def test_a_response_url_has_five_uses(world: SlackWorld) -> None:
    """The sixth answer is refused; an answer Slack refuses uses up nothing."""
    url = response_url(world)
    assert url.send(text="").status_code == 400
    answers = [url.send(text=str(number)) for number in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [404]
    assert "used_url" in answers[-1].body


def test_a_response_url_expires_after_thirty_minutes(world: SlackWorld) -> None:
    """It works at the last second and not after."""
    url = response_url(world)
    world.clock.pass_(1800)
    assert url.send(text="just in time").status_code == 200
    world.clock.pass_(1)
    late = url.send(text="late")
    assert late.status_code == 404
    assert "expired_url" in late.body
