"""The limits of Block Kit, each at its edge and one beyond."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from tests.contract.simulated_slack_world import (
    SlackWorld,
    actions,
    button,
    modal,
    reason_input,
    section,
    slack_world,
)

Blocks = list[dict[str, Any]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlackWorld]:
    """One workspace for all tests here."""
    data: Path = tmp_path_factory.mktemp("slack")
    with slack_world(data) as world:
        yield world


def plain(length: int) -> dict[str, str]:
    """A plain text object of some length."""
    return {"type": "plain_text", "text": "x" * length}


def fields(count: int, length: int) -> Blocks:
    """A section with fields."""
    return [{"type": "section", "fields": [plain(length)] * count}]


def confirm(text: int) -> dict[str, Any]:
    """A confirm dialog with a text of some length."""
    return {"title": plain(5), "text": plain(text), "confirm": plain(3), "deny": plain(3)}


def select(options: int) -> dict[str, Any]:
    """A menu with so many options."""
    found = [{"text": plain(3), "value": str(number)} for number in range(options)]
    return {"type": "static_select", "action_id": "pick", "options": found}


AT_THE_LIMIT: list[Blocks] = [
    [{"type": "divider"}] * 50,
    [section("x" * 3000)],
    fields(10, 2000),
    [{"type": "header", "text": plain(150)}],
    [actions(button("a" * 255, "x" * 75, value="v" * 2000, style="danger"))],
    [actions(*[button(str(number)) for number in range(25)])],
    [actions(button("a", confirm=confirm(300)))],
    [actions(select(100))],
    [{"type": "context", "elements": [plain(3)] * 10}],
    [{"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a"}],
]

BEYOND: list[tuple[Blocks, str]] = [
    ([{"type": "divider"}] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
    (
        [section("x" * 3001)],
        "must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
    ),
    ([section("")], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
    ([{"type": "section"}], "missing required field: text [json-pointer:/blocks/0]"),
    (fields(11, 1), "no more than 10 items allowed [json-pointer:/blocks/0/fields]"),
    (
        fields(1, 2001),
        "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]",
    ),
    (
        [{"type": "header", "text": plain(151)}],
        "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
    ),
    (
        [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
        "must be one of: plain_text [json-pointer:/blocks/0/text/type]",
    ),
    (
        [actions(button("a", "x" * 76))],
        "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
    ),
    (
        [actions(button("a", value="v" * 2001))],
        "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]",
    ),
    (
        [actions(button("a" * 256))],
        "must be less than 256 characters [json-pointer:/blocks/0/elements/0/action_id]",
    ),
    (
        [actions(button("a"), button("a"))],
        "action_id already exists: a [json-pointer:/blocks/0/elements/1/action_id]",
    ),
    (
        [actions(button("a", style="green"))],
        "must be one of: primary, danger [json-pointer:/blocks/0/elements/0/style]",
    ),
    (
        [actions(button("a", confirm=confirm(301)))],
        "must be less than 301 characters [json-pointer:/blocks/0/elements/0/confirm/text/text]",
    ),
    (
        [actions(*[button(str(number)) for number in range(26)])],
        "no more than 25 items allowed [json-pointer:/blocks/0/elements]",
    ),
    (
        [actions(select(101))],
        "no more than 100 items allowed [json-pointer:/blocks/0/elements/0/options]",
    ),
    (
        [actions(select(0))],
        "must have at least 1 item [json-pointer:/blocks/0/elements/0/options]",
    ),
    (
        [actions(button("a")), actions(button("a"))],
        "block_id already exists: decide [json-pointer:/blocks/1/block_id]",
    ),
    (
        [{"type": "context", "elements": [plain(3)] * 11}],
        "no more than 10 items allowed [json-pointer:/blocks/0/elements]",
    ),
    ([{"type": "carousel"}], "unsupported type: carousel [json-pointer:/blocks/0/type]"),
    ([{"type": "actions"}], "must be an array [json-pointer:/blocks/0/elements]"),
]


@pytest.mark.parametrize("blocks", AT_THE_LIMIT)
def test_blocks_at_the_limit_are_posted(world: SlackWorld, blocks: Blocks) -> None:
    """Everything Slack allows is allowed here."""
    assert world.slack.chat_postMessage(channel="incidents", text="t", blocks=blocks)["ok"]


@pytest.mark.parametrize(("blocks", "message"), BEYOND)
def test_blocks_beyond_the_limit_are_refused(
    world: SlackWorld, blocks: Blocks, message: str
) -> None:
    """invalid_blocks names the fault and where it is, and nothing is posted."""
    before = world.messages()
    with pytest.raises(SlackApiError) as caught:
        world.slack.chat_postMessage(channel="incidents", text="t", blocks=blocks)
    answer = caught.value.response
    assert answer["error"] == "invalid_blocks"
    assert f"[ERROR] {message}" in answer["response_metadata"]["messages"]
    assert world.messages() == before


VIEWS_BEYOND: list[tuple[dict[str, Any], str]] = [
    (
        modal(*[{"type": "divider"}] * 101),
        "no more than 100 items allowed [json-pointer:/view/blocks]",
    ),
    (
        modal(title=plain(25)),
        "must be less than 25 characters [json-pointer:/view/title/text]",
    ),
    (
        modal(private_metadata="x" * 3001),
        "must be less than 3001 characters [json-pointer:/view/private_metadata]",
    ),
    (modal(reason_input(), submit=None), "missing required field: submit [json-pointer:/view]"),
    ({"type": "home"}, "must be `modal` [json-pointer:/view/type]"),
]


@pytest.mark.parametrize(("view", "message"), VIEWS_BEYOND)
def test_a_modal_beyond_the_limit_is_refused(
    world: SlackWorld, view: dict[str, Any], message: str
) -> None:
    """views.open answers invalid_arguments, as Slack does for views, with the fault."""
    with pytest.raises(SlackApiError) as caught:
        world.slack.views_open(trigger_id="1.2.3", view=view)
    answer = caught.value.response
    assert answer["error"] == "invalid_arguments"
    assert f"[ERROR] {message}" in answer["response_metadata"]["messages"]
