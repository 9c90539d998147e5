"""The form of every request of Slack's, and slash commands in it.

Format: https://docs.slack.dev/interactivity/implementing-slash-commands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs

from shared.domain.errors import BadMessage

_MAX_FIELDS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SlashCommand:
    """A person typed a slash command: `command` with its slash, `text` what came after it."""

    command: str
    text: str
    user_id: str
    user_name: str
    channel: str
    response_url: str
    trigger_id: str


def form(body: bytes) -> Mapping[str, str]:
    """The form's fields; of a repeated one the first. Raises `BadMessage` if it cannot be read."""
    try:
        found = parse_qs(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS
        )
    except ValueError as error:
        raise BadMessage(f"the request's form cannot be read: {error}") from error
    return {name: values[0] for name, values in found.items()}


def parse_command(body: bytes) -> SlashCommand:
    """The slash command in the body of a request.

    Raises:
        BadMessage: It cannot be read, or lacks the command or who typed it.
    """
    fields = form(body)
    for name in ("command", "user_id"):
        if not fields.get(name):
            raise BadMessage(f"the slash command has no {name}")
    return SlashCommand(
        command=fields["command"],
        text=_typed(fields.get("text", "")),
        user_id=fields["user_id"],
        user_name=fields.get("user_name", ""),
        channel=fields.get("channel_id", ""),
        response_url=fields.get("response_url", ""),
        trigger_id=fields.get("trigger_id", ""),
    )


def _typed(text: str) -> str:
    """What was typed: Slack's own markup stands for `&`, `<` and `>` in it.

    https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()
