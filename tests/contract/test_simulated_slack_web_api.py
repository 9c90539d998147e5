"""The simulated Web API, called through slack_sdk's own client."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from tests.contract.simulated_slack_world import (
    KENJI,
    MARIA,
    SlackWorld,
    section,
    slack_world,
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SlackWorld]:
    """A workspace of its own for each test."""
    with slack_world(tmp_path) as world:
        yield world


def channel_id(world: SlackWorld, name: str = "incidents") -> str:
    """The id of a public channel."""
    channels = world.slack.conversations_list()["channels"]
    return str(next(c["id"] for c in channels if c["name"] == name))


def refusal(error: pytest.ExceptionInfo[SlackApiError]) -> str:
    """Slack's word for the reason."""
    return str(error.value.response["error"])


def test_a_posted_message_comes_back_in_the_history(world: SlackWorld) -> None:
    """What chat.postMessage answered is what conversations.history shows."""
    posted = world.slack.chat_postMessage(channel="#incidents", text="hi", blocks=[section("*hi*")])
    history = world.slack.conversations_history(channel=posted["channel"])
    (message,) = history["messages"]
    assert message["ts"] == posted["ts"]
    assert message["blocks"][0]["text"] == {"type": "mrkdwn", "text": "*hi*"}
    assert message["bot_id"] == world.slack.auth_test()["bot_id"]


def test_form_encoded_blocks_are_read_like_json(world: SlackWorld) -> None:
    """A form with blocks as JSON text posts the same message."""
    blocks = '[{"type": "divider", "block_id": "line"}]'
    params = {"channel": "incidents", "text": "form", "blocks": blocks}
    posted = world.slack.api_call("chat.postMessage", params=params)
    assert posted["message"]["blocks"] == [{"type": "divider", "block_id": "line"}]


def test_timestamps_are_unique_though_the_clock_stands(world: SlackWorld) -> None:
    """Messages posted at the same instant get increasing timestamps."""
    stamps = [world.slack.chat_postMessage(channel="incidents", text=t)["ts"] for t in "abc"]
    assert stamps == sorted(set(stamps))


def test_a_direct_message_goes_to_a_person_by_id(world: SlackWorld) -> None:
    """A user id as channel opens the person's direct messages."""
    opened = world.slack.conversations_open(users=[MARIA.id])["channel"]["id"]
    posted = world.slack.chat_postMessage(channel=MARIA.id, text="you are paged")
    assert posted["channel"] == opened
    assert [m["text"] for m in world.messages("@maria")] == ["you are paged"]


def test_opening_direct_messages_twice_says_so(world: SlackWorld) -> None:
    """conversations.open answers no_op for a conversation that is already open."""
    first = world.slack.conversations_open(users=f"{MARIA.id},{KENJI.id}")
    again = world.slack.conversations_open(users=[KENJI.id, MARIA.id], return_im=True)
    assert "no_op" not in first
    assert again["no_op"]
    assert again["channel"]["id"] == first["channel"]["id"]


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        ("chat.postMessage", {"channel": "#nowhere", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": "#incidents"}, "no_text"),
        ("chat.postMessage", {"channel": "#incidents", "text": "x" * 40_001}, "msg_too_long"),
        ("chat.postMessage", {"text": "x"}, "invalid_arguments"),
        (
            "chat.postMessage",
            {"channel": "incidents", "text": "x", "thread_ts": "1.000001"},
            "thread_not_found",
        ),
        (
            "chat.postMessage",
            {"channel": "incidents", "text": "x", "blocks": "no"},
            "invalid_blocks_format",
        ),
        (
            "chat.postMessage",
            {"channel": "incidents", "text": "x", "metadata": {"event_type": "page"}},
            "invalid_metadata_schema",
        ),
        (
            "chat.postMessage",
            {"channel": "incidents", "text": "x", "metadata": "{"},
            "invalid_metadata_format",
        ),
        ("chat.update", {"channel": "#incidents", "ts": "1.0", "text": "x"}, "channel_not_found"),
        ("chat.delete", {"channel": "C0", "ts": "1.0"}, "channel_not_found"),
        (
            "chat.postEphemeral",
            {"channel": "incidents", "user": "U0NOBODY", "text": "x"},
            "user_not_in_channel",
        ),
        ("conversations.history", {"channel": "C0"}, "channel_not_found"),
        ("conversations.open", {"users": "U0NOBODY"}, "user_not_found"),
        ("conversations.open", {"users": ""}, "users_list_not_supplied"),
        ("conversations.list", {"cursor": "????"}, "invalid_cursor"),
        ("conversations.list", {"limit": "none"}, "invalid_arguments"),
        ("users.info", {"user": "U0NOBODY"}, "user_not_found"),
        ("users.lookupByEmail", {"email": "nobody@example.com"}, "users_not_found"),
        ("api.test", {"error": "my_error"}, "my_error"),
        ("chat.dance", {}, "unknown_method"),
    ],
)
def test_a_refused_call_says_what_slack_says(
    world: SlackWorld, method: str, arguments: dict[str, Any], error: str
) -> None:
    """Each refusal carries Slack's own word for the reason."""
    with pytest.raises(SlackApiError) as caught:
        world.slack.api_call(method, json=arguments)
    assert refusal(caught) == error


@pytest.mark.parametrize(("token", "error"), [(None, "not_authed"), ("xoxb-no", "invalid_auth")])
def test_only_the_bot_token_is_let_in(world: SlackWorld, token: str | None, error: str) -> None:
    """No token and a wrong token are told apart, as Slack does."""
    stranger = WebClient(token, base_url=f"{world.base_url}/sim/slack/api/")
    with pytest.raises(SlackApiError) as caught:
        stranger.auth_test()
    assert refusal(caught) == error


@pytest.mark.parametrize(
    ("content_type", "body", "error"),
    [
        ("application/json", b"{", "invalid_json"),
        ("application/json", b"[]", "json_not_object"),
        ("text/plain", b"channel=incidents", "invalid_post_type"),
        ("application/x-www-form-urlencoded", b"\xff\xfe=1", "invalid_form_data"),
    ],
)
def test_a_malformed_body_is_refused(
    world: SlackWorld, content_type: str, body: bytes, error: str
) -> None:
    """A body that is not what its type says is HTTP 200 with Slack's error."""
    answer = world.http.post(
        "/sim/slack/api/chat.postMessage", content=body, headers={"Content-Type": content_type}
    )
    assert answer.status_code == 200
    assert answer.json()["error"] == error


def test_an_update_in_place_marks_the_message_edited(world: SlackWorld) -> None:
    """chat.update changes text and blocks and keeps the timestamp."""
    posted = world.slack.chat_postMessage(channel="incidents", text="a", blocks=[section("a")])
    world.slack.chat_update(
        channel=posted["channel"], ts=posted["ts"], text="b", blocks=[section("b")]
    )
    (message,) = world.messages()
    assert (message["ts"], message["text"]) == (posted["ts"], "b")
    assert message["blocks"][0]["text"]["text"] == "b"
    assert message["edited"]["user"] == world.slack.auth_test()["user_id"]


def test_an_update_with_text_alone_removes_the_blocks(world: SlackWorld) -> None:
    """As Slack's page on chat.update says, text without blocks replaces the blocks."""
    posted = world.slack.chat_postMessage(channel="incidents", text="a", blocks=[section("a")])
    updated = world.slack.chat_update(channel=posted["channel"], ts=posted["ts"], text="b")
    assert "blocks" not in updated["message"]


def test_an_update_may_be_shorter_than_a_post(world: SlackWorld) -> None:
    """chat.update takes at most 4,000 characters of text."""
    posted = world.slack.chat_postMessage(channel="incidents", text="a")
    with pytest.raises(SlackApiError) as caught:
        world.slack.chat_update(channel=posted["channel"], ts=posted["ts"], text="x" * 4001)
    assert refusal(caught) == "msg_too_long"


def test_a_deleted_message_is_gone(world: SlackWorld) -> None:
    """chat.delete removes the message; a second update finds nothing."""
    posted = world.slack.chat_postMessage(channel="incidents", text="a")
    world.slack.chat_delete(channel=posted["channel"], ts=posted["ts"])
    assert world.messages() == []
    with pytest.raises(SlackApiError) as caught:
        world.slack.chat_update(channel=posted["channel"], ts=posted["ts"], text="b")
    assert refusal(caught) == "message_not_found"


def test_what_a_person_typed_cannot_be_updated(world: SlackWorld) -> None:
    """The bot may change its own messages only."""
    ts = world.post("say", channel="incidents", user="maria", text="mine").json()["ts"]
    with pytest.raises(SlackApiError) as caught:
        world.slack.chat_update(channel=channel_id(world), ts=ts, text="no, mine")
    assert refusal(caught) == "cant_update_message"


def test_metadata_is_returned_only_when_asked_for(world: SlackWorld) -> None:
    """conversations.history leaves metadata out unless include_all_metadata is set."""
    metadata = {"event_type": "page", "event_payload": {"key": "inc-1/1"}}
    posted = world.slack.chat_postMessage(channel="incidents", text="a", metadata=metadata)
    plain = world.slack.conversations_history(channel=posted["channel"])
    full = world.slack.conversations_history(channel=posted["channel"], include_all_metadata=True)
    assert "metadata" not in plain["messages"][0]
    assert full["messages"][0]["metadata"] == metadata


def test_history_pages_by_cursor_newest_first(world: SlackWorld) -> None:
    """The SDK's own iteration sees every message once, though new ones arrive meanwhile."""
    for number in range(5):
        world.slack.chat_postMessage(channel="incidents", text=str(number))
    seen = []
    for part in world.slack.conversations_history(channel=channel_id(world), limit=2):
        seen += [m["text"] for m in part["messages"]]
        world.slack.chat_postMessage(channel="incidents", text="late")
    assert seen == ["4", "3", "2", "1", "0"]


def test_history_is_bounded_by_oldest_and_latest(world: SlackWorld) -> None:
    """Both bounds are outside unless the call says inclusive."""
    stamps = []
    for number in range(4):
        stamps.append(world.slack.chat_postMessage(channel="incidents", text=str(number))["ts"])
        world.clock.pass_(1)
    bounds = {"channel": channel_id(world), "oldest": stamps[0], "latest": stamps[3]}
    inside = world.slack.conversations_history(**bounds)
    inclusive = world.slack.conversations_history(**bounds, inclusive=True)
    assert [m["text"] for m in inside["messages"]] == ["2", "1"]
    assert [m["text"] for m in inclusive["messages"]] == ["3", "2", "1", "0"]


def test_a_thread_is_read_from_its_parent(world: SlackWorld) -> None:
    """Replies stay out of the history; the parent counts them; a reply to a reply joins them."""
    top = world.slack.chat_postMessage(channel="incidents", text="top")
    one = world.slack.chat_postMessage(channel="incidents", text="one", thread_ts=top["ts"])
    world.slack.chat_postMessage(channel="incidents", text="two", thread_ts=one["ts"])
    history = world.slack.conversations_history(channel=top["channel"])["messages"]
    replies = world.slack.conversations_replies(channel=top["channel"], ts=top["ts"])
    assert [(m["text"], m["reply_count"]) for m in history] == [("top", 2)]
    assert [m["text"] for m in replies["messages"]] == ["top", "one", "two"]
    assert {m["thread_ts"] for m in replies["messages"]} == {top["ts"]}


def test_an_ephemeral_message_is_for_one_person(world: SlackWorld) -> None:
    """chat.postEphemeral shows in the simulator's list but never in the history."""
    world.slack.chat_postEphemeral(channel=channel_id(world), user=MARIA.id, text="psst")
    (message,) = world.messages()
    assert message["ephemeral_to"] == MARIA.id
    assert world.slack.conversations_history(channel=channel_id(world))["messages"] == []


def test_people_are_found_by_id_and_by_email(world: SlackWorld) -> None:
    """users.info, users.lookupByEmail and users.list agree about a person."""
    info = world.slack.users_info(user=MARIA.id)["user"]
    by_email = world.slack.users_lookupByEmail(email="Maria@example.com")["user"]
    listed = [u for page in world.slack.users_list(limit=1) for u in page["members"]]
    assert info == by_email
    assert info["profile"]["title"] == "Runtime on-call"
    assert [u["name"] for u in listed] == ["maria", "kenji", "switchman"]


def test_a_permalink_leads_to_the_message_on_the_page(world: SlackWorld) -> None:
    """chat.getPermalink answers an address that the simulator serves."""
    posted = world.slack.chat_postMessage(channel="incidents", text="a")
    link = world.slack.chat_getPermalink(channel=posted["channel"], message_ts=posted["ts"])
    answer = world.http.get(link["permalink"])
    place = f"{posted['channel']}/p{posted['ts'].replace('.', '')}"
    assert answer.headers["Location"] == f"/sim/slack#{place}"


def test_api_test_needs_no_token_and_echoes(world: SlackWorld) -> None:
    """api.test answers the arguments it was given."""
    stranger = WebClient(base_url=f"{world.base_url}/sim/slack/api/")
    assert stranger.api_test(foo="bar")["args"] == {"foo": "bar"}
