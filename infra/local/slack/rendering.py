"""Messages, channels and people in the form in which Slack's Web API shows them."""

from infra.local.slack.messages import Conversations
from infra.local.slack.model import (
    APP_ID,
    BOT_ID,
    BOT_USER_ID,
    TEAM_ID,
    Channel,
    Json,
    Message,
    SlackPerson,
    Workspace,
)


def message_json(message: Message, *, with_metadata: bool = False) -> Json:
    """A message as `chat.postMessage` and the like answer it.

    https://docs.slack.dev/reference/events/message
    """
    document: Json = {
        "type": "message",
        "user": message.user,
        "text": message.text,
        "ts": message.ts,
        "team": TEAM_ID,
    }
    if message.user == BOT_USER_ID:
        document |= {"bot_id": BOT_ID, "app_id": APP_ID}
    if message.blocks:
        document["blocks"] = list(message.blocks)
    if message.thread_ts:
        document["thread_ts"] = message.thread_ts
    if message.edited_ts:
        document["edited"] = {"user": message.user, "ts": message.edited_ts}
    if with_metadata and message.metadata:
        document["metadata"] = message.metadata
    return document


def listed_message(message: Message, conversations: Conversations, *, with_metadata: bool) -> Json:
    """A message as `conversations.history` lists it, with a summary of its thread."""
    document = message_json(message, with_metadata=with_metadata)
    thread = None if message.thread_ts else conversations.thread(message)
    if thread is not None:
        document |= {
            "thread_ts": message.ts,
            "reply_count": thread.reply_count,
            "reply_users": list(thread.reply_users),
            "reply_users_count": len(thread.reply_users),
            "latest_reply": thread.latest_reply,
        }
    return document


def channel_json(channel: Channel, workspace: Workspace) -> Json:
    """A channel as `conversations.list` shows it.

    https://docs.slack.dev/reference/objects/conversation-object
    """
    document: Json = {
        "id": channel.id,
        "is_channel": channel.kind == "channel",
        "is_group": False,
        "is_im": channel.kind == "im",
        "is_mpim": channel.kind == "mpim",
        "is_private": channel.kind != "channel",
        "is_archived": False,
        "is_member": True,
        "context_team_id": TEAM_ID,
    }
    if channel.kind == "im":
        return document | {"user": channel.members[0]}
    document |= {
        "name": channel.name,
        "name_normalized": channel.name,
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "num_members": len(channel.members or workspace.people) + 1,
    }
    return document


def user_json(person: SlackPerson) -> Json:
    """A person or the bot as `users.info` shows them.

    https://docs.slack.dev/reference/objects/user-object
    """
    is_bot = person.id == BOT_USER_ID
    profile = {
        "title": person.title,
        "real_name": person.name,
        "real_name_normalized": person.name,
        "display_name": person.handle,
        "display_name_normalized": person.handle,
        "team": TEAM_ID,
    }
    if not is_bot:
        profile["email"] = person.email
    return {
        "id": person.id,
        "team_id": TEAM_ID,
        "name": person.handle,
        "deleted": False,
        "real_name": person.name,
        "tz": "Etc/UTC",
        "tz_label": "Coordinated Universal Time",
        "tz_offset": 0,
        "profile": profile,
        "is_admin": False,
        "is_owner": False,
        "is_bot": is_bot,
        "is_app_user": False,
        "updated": 0,
    }
