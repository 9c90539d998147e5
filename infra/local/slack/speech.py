"""Messages that come from outside the Web API: typed by people, answered to commands."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from infra.local.slack.arguments import Arguments
from infra.local.slack.blocks import with_ids
from infra.local.slack.callback import Answer
from infra.local.slack.content import POST_TEXT, Content, read_content
from infra.local.slack.errors import SlackError
from infra.local.slack.messages import Conversations
from infra.local.slack.model import (
    BOT_USER_ID,
    SLACKBOT_USER_ID,
    Channel,
    Json,
    Message,
    SlackPerson,
    format_ts,
)


class Speech:
    """Puts messages into channels for people, for the app's answers, and for Slackbot."""

    def __init__(self, conversations: Conversations, clock: Callable[[], float]) -> None:
        self._conversations = conversations
        self._clock = clock

    def say(
        self, person: SlackPerson, channel: Channel, text: str, thread_ts: str | None
    ) -> Message:
        """A message that a person typed."""
        now = self._clock()
        draft = Message(channel.id, person.id, "", text, thread_ts=thread_ts)
        return self._conversations.post(draft, now)

    def warn(self, person: SlackPerson, channel: Channel, text: str) -> Message:
        """What Slackbot tells one person about a command that did not get through."""
        now = self._clock()
        draft = Message(channel.id, SLACKBOT_USER_ID, "", text, ephemeral_to=person.id)
        return self._conversations.post(draft, now)

    def answer(self, body: Json, channel_id: str, user: str) -> Message:
        """The app's answer to an interaction: to `user` alone unless `in_channel`.

        Raises:
            SlackError: The answer has no content, or content that Slack refuses.
        """
        content = _content(body)
        if content.is_empty:
            raise SlackError("no_text")
        now = self._clock()
        draft = Message(
            channel=channel_id,
            user=BOT_USER_ID,
            ts="",
            text=content.text or "",
            blocks=with_ids(content.blocks or (), f"{channel_id}/{now}"),
            thread_ts=body.get("thread_ts"),
            ephemeral_to=None if body.get("response_type") == "in_channel" else user,
        )
        return self._conversations.post(draft, now)

    def replace(self, message: Message, body: Json) -> Message:
        """Puts the app's new content in the place of `message`."""
        content = _content(body)
        if content.is_empty:
            raise SlackError("no_text")
        now = self._clock()
        replaced = replace(
            message,
            text=content.text or "",
            blocks=with_ids(content.blocks or (), f"{message.ts}/{now}"),
            edited_ts=format_ts(round(now * 1e6)),
        )
        self._conversations.put(replaced)
        return replaced


def answered_message(answer: Answer) -> Json | None:
    """What a slash command's HTTP answer says, as a message; None when it says nothing."""
    if answer.failure is not None or not answer.body.strip():
        return None
    if answer.content_type != "application/json":
        return {"text": answer.body}
    try:
        document: Any = json.loads(answer.body)
    except ValueError:
        return {"text": answer.body}
    if not isinstance(document, dict) or not (document.get("text") or document.get("blocks")):
        return None
    return document


def _content(body: Json) -> Content:
    return read_content(Arguments(body), POST_TEXT)
