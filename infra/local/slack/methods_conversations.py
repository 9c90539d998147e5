"""The Web API's `conversations.*` methods."""

from collections.abc import Mapping

from infra.local.slack.arguments import Arguments
from infra.local.slack.errors import SlackError
from infra.local.slack.messages import Conversations, Span
from infra.local.slack.model import Channel, Json, Message, Workspace, direct_channel, parse_ts
from infra.local.slack.paging import decode_cursor, encode_cursor, page
from infra.local.slack.rendering import channel_json, listed_message, message_json
from infra.local.slack.web_api import Method

_HIGHEST_LIMIT = 999
_KINDS = {"public_channel": "channel", "im": "im", "mpim": "mpim"}


class ConversationMethods:
    """Listing conversations and reading what is in them."""

    def __init__(self, workspace: Workspace, conversations: Conversations) -> None:
        self._workspace = workspace
        self._conversations = conversations

    def table(self) -> Mapping[str, Method]:
        """The methods by their names."""
        return {
            "conversations.history": self.history,
            "conversations.replies": self.replies,
            "conversations.open": self.open,
            "conversations.list": self.list,
        }

    def history(self, arguments: Arguments) -> Json:
        """Newest first; the cursor is a timestamp, so that new messages move no page.

        https://docs.slack.dev/reference/methods/conversations.history
        """
        channel = self._channel(arguments)
        found = self._conversations.history(channel.id, _span(arguments))
        cursor = arguments.text("cursor")
        if cursor:
            start = parse_ts(decode_cursor(cursor))
            if start is None:
                raise SlackError("invalid_cursor")
            found = [message for message in found if message.micros <= start]
        limit = arguments.number("limit", 100, _HIGHEST_LIMIT)
        following = encode_cursor(found[limit].ts) if len(found) > limit else ""
        with_metadata = arguments.flag("include_all_metadata")
        listed = [
            listed_message(message, self._conversations, with_metadata=with_metadata)
            for message in found[:limit]
        ]
        return {"messages": listed, "pin_count": 0, **_more(following)}

    def replies(self, arguments: Arguments) -> Json:
        """The parent, then its replies, oldest first.

        https://docs.slack.dev/reference/methods/conversations.replies
        """
        channel = self._channel(arguments)
        parent = self._conversations.message(arguments.required("ts"))
        if parent is None or parent.channel != channel.id or parent.ephemeral_to:
            raise SlackError("thread_not_found")
        found = self._conversations.replies(channel.id, parent.ts, _span(arguments))
        part = page(arguments, found, default=1000)
        with_metadata = arguments.flag("include_all_metadata")
        top = listed_message(parent, self._conversations, with_metadata=with_metadata)
        below = [self._reply(reply, with_metadata=with_metadata) for reply in part.items]
        return {"messages": [top, *below], **_more(part.next_cursor)}

    def open(self, arguments: Arguments) -> Json:
        """https://docs.slack.dev/reference/methods/conversations.open"""
        if arguments.text("channel"):
            return self._opened(self._channel(arguments), arguments, is_new=False)
        users = [user for user in arguments.text("users").split(",") if user]
        if not users:
            raise SlackError("users_list_not_supplied")
        members = [self._workspace.person(user) for user in users]
        known = [member for member in members if member is not None and member.id in users]
        if len(known) != len(users):
            raise SlackError("user_not_found")
        channel = direct_channel(known)
        is_new = self._conversations.add_channel(channel)
        return self._opened(channel, arguments, is_new=is_new)

    def list(self, arguments: Arguments) -> Json:
        """https://docs.slack.dev/reference/methods/conversations.list"""
        types = arguments.text("types", "public_channel").split(",")
        kinds = {_KINDS.get(kind.strip(), "") for kind in types}
        found = [c for c in self._conversations.channels() if c.kind in kinds]
        part = page(arguments, found)
        return {
            "channels": [channel_json(channel, self._workspace) for channel in part.items],
            "response_metadata": {"next_cursor": part.next_cursor},
        }

    def _opened(self, channel: Channel, arguments: Arguments, *, is_new: bool) -> Json:
        shown: Json = {"id": channel.id}
        if arguments.flag("return_im"):
            shown = channel_json(channel, self._workspace)
        return (
            {"channel": shown}
            if is_new
            else {"no_op": True, "already_open": True} | {"channel": shown}
        )

    def _channel(self, arguments: Arguments) -> Channel:
        channel = self._conversations.channel(arguments.required("channel"))
        if channel is None:
            raise SlackError("channel_not_found")
        return channel

    def _reply(self, reply: Message, *, with_metadata: bool) -> Json:
        return message_json(reply, with_metadata=with_metadata)


def _span(arguments: Arguments) -> Span:
    """`oldest` and `latest` of a call; SlackError when one is no timestamp."""
    span = Span()
    bounds = {"oldest": span.oldest, "latest": span.latest}
    for name, error in (("oldest", "invalid_ts_oldest"), ("latest", "invalid_ts_latest")):
        if arguments.text(name):
            micros = parse_ts(arguments.text(name))
            if micros is None:
                raise SlackError(error)
            bounds[name] = micros
    return Span(**bounds, inclusive=arguments.flag("inclusive"))


def _more(next_cursor: str) -> Json:
    if not next_cursor:
        return {"has_more": False}
    return {"has_more": True, "response_metadata": {"next_cursor": next_cursor}}
