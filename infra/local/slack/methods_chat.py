"""The Web API's `chat.*` methods."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from infra.local.slack.arguments import Arguments
from infra.local.slack.blocks import with_ids
from infra.local.slack.content import POST_TEXT, UPDATE_TEXT, Content, read_content
from infra.local.slack.errors import SlackError
from infra.local.slack.messages import Conversations
from infra.local.slack.model import (
    BOT_USER_ID,
    Channel,
    Json,
    Message,
    Workspace,
    direct_channel,
    format_ts,
)
from infra.local.slack.rendering import message_json
from infra.local.slack.web_api import Method


class ChatMethods:
    """Posting, updating and deleting messages as the app's bot."""

    def __init__(
        self, workspace: Workspace, conversations: Conversations, clock: Callable[[], float]
    ) -> None:
        self._workspace = workspace
        self._conversations = conversations
        self._clock = clock

    def table(self) -> Mapping[str, Method]:
        """The methods by their names."""
        return {
            "chat.postMessage": self.post_message,
            "chat.postEphemeral": self.post_ephemeral,
            "chat.update": self.update,
            "chat.delete": self.delete,
            "chat.getPermalink": self.get_permalink,
        }

    def post_message(self, arguments: Arguments) -> Json:
        """https://docs.slack.dev/reference/methods/chat.postMessage"""
        channel = self._destination(arguments)
        content = _visible_content(arguments, POST_TEXT)
        message = self._post(channel, content, self._thread(channel, arguments), None)
        shown = message_json(message, with_metadata=True)
        return {"channel": channel.id, "ts": message.ts, "message": shown}

    def post_ephemeral(self, arguments: Arguments) -> Json:
        """https://docs.slack.dev/reference/methods/chat.postEphemeral"""
        channel = self._destination(arguments)
        user = arguments.required("user")
        if self._workspace.member(user) is None:
            raise SlackError("user_not_in_channel")
        content = _visible_content(arguments, POST_TEXT)
        message = self._post(channel, content, self._thread(channel, arguments), user)
        return {"message_ts": message.ts}

    def update(self, arguments: Arguments) -> Json:
        """Replaces what is given; text without blocks removes the blocks.

        https://docs.slack.dev/reference/methods/chat.update
        """
        message = self._own_message(arguments, "cant_update_message")
        content = read_content(arguments, UPDATE_TEXT)
        if content.text is None and content.blocks is None and content.metadata is None:
            raise SlackError("no_text")
        edited = self._edited(message, content)
        self._conversations.put(edited)
        return {
            "channel": edited.channel,
            "ts": edited.ts,
            "text": edited.text,
            "message": message_json(edited, with_metadata=True),
        }

    def delete(self, arguments: Arguments) -> Json:
        """https://docs.slack.dev/reference/methods/chat.delete"""
        message = self._own_message(arguments, "cant_delete_message")
        self._conversations.put(replace(message, deleted=True))
        return {"channel": message.channel, "ts": message.ts}

    def get_permalink(self, arguments: Arguments) -> Json:
        """https://docs.slack.dev/reference/methods/chat.getPermalink"""
        message = self._message(arguments.required("message_ts"), arguments)
        url = f"{self._workspace.base_url}/sim/slack/archives/{message.channel}/p{message.micros}"
        if message.thread_ts:
            url += f"?thread_ts={message.thread_ts}&cid={message.channel}"
        return {"channel": message.channel, "permalink": url}

    def _post(
        self, channel: Channel, content: Content, thread_ts: str | None, ephemeral_to: str | None
    ) -> Message:
        now = self._clock()
        draft = Message(
            channel=channel.id,
            user=BOT_USER_ID,
            ts="",
            text=content.text or "",
            blocks=with_ids(content.blocks or (), f"{channel.id}/{now}"),
            thread_ts=thread_ts,
            metadata=content.metadata or None,
            ephemeral_to=ephemeral_to,
        )
        return self._conversations.post(draft, now)

    def _edited(self, message: Message, content: Content) -> Message:
        now = self._clock()
        blocks = message.blocks
        if content.blocks is not None:
            blocks = with_ids(content.blocks, f"{message.ts}/{now}")
        elif content.text is not None:
            blocks = ()
        return replace(
            message,
            text=message.text if content.text is None else content.text,
            blocks=blocks,
            metadata=message.metadata if content.metadata is None else content.metadata or None,
            edited_ts=format_ts(round(now * 1e6)),
        )

    def _destination(self, arguments: Arguments) -> Channel:
        """A channel by id or name, or a person's direct messages by the person's id."""
        wanted = arguments.required("channel")
        person = self._workspace.person(wanted) if wanted.startswith("U") else None
        if person is not None:
            channel = direct_channel([person])
            self._conversations.add_channel(channel)
            return channel
        found = self._conversations.channel(wanted) or self._conversations.public_channel(wanted)
        if found is None:
            raise SlackError("channel_not_found")
        return found

    def _thread(self, channel: Channel, arguments: Arguments) -> str | None:
        """The parent's timestamp, also when the call names one of its replies."""
        thread_ts = arguments.text("thread_ts")
        if not thread_ts:
            return None
        parent = self._conversations.message(thread_ts)
        if parent is None or parent.channel != channel.id or parent.ephemeral_to:
            raise SlackError("thread_not_found")
        return parent.thread_ts or parent.ts

    def _own_message(self, arguments: Arguments, not_ours: str) -> Message:
        message = self._message(arguments.required("ts"), arguments)
        if message.user != BOT_USER_ID:
            raise SlackError(not_ours)
        return message

    def _message(self, ts: str, arguments: Arguments) -> Message:
        channel = self._conversations.channel(arguments.required("channel"))
        if channel is None:
            raise SlackError("channel_not_found")
        message = self._conversations.message(ts)
        if message is None or message.channel != channel.id or message.ephemeral_to:
            raise SlackError("message_not_found")
        return message


def _visible_content(arguments: Arguments, longest_text: int) -> Content:
    content = read_content(arguments, longest_text)
    if content.is_empty:
        raise SlackError("no_text")
    return content
