"""The forms that Slack sends to an app.

https://docs.slack.dev/interactivity/implementing-slash-commands
https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
"""

import json
from collections.abc import Mapping

from infra.local.slack.model import (
    APP_ID,
    TEAM_DOMAIN,
    TEAM_ID,
    VERIFICATION_TOKEN,
    Channel,
    Json,
    Message,
    SlackPerson,
)
from infra.local.slack.rendering import message_json


def slash_command(
    command: str, text: str, person: SlackPerson, channel: Channel, *, trigger: str, respond: str
) -> Mapping[str, str]:
    """A slash command; `trigger` is the trigger id, `respond` the response URL."""
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": TEAM_ID,
        "team_domain": TEAM_DOMAIN,
        "channel_id": channel.id,
        "channel_name": channel_name(channel),
        "user_id": person.id,
        "user_name": person.handle,
        "command": command,
        "text": text,
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
        "response_url": respond,
        "trigger_id": trigger,
    }


def block_actions(
    message: Message,
    person: SlackPerson,
    channel: Channel,
    action: Json,
    trigger: str,
    respond: str,
) -> Mapping[str, str]:
    """A pressed button; no metadata comes with it, and of an ephemeral message only its place."""
    is_ephemeral = message.ephemeral_to is not None
    container: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": is_ephemeral,
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    payload = _common("block_actions", person) | {
        "container": container,
        "trigger_id": trigger,
        "channel": {"id": channel.id, "name": channel_name(channel)},
        "state": {"values": {}},
        "response_url": respond,
        "actions": [action],
    }
    if not is_ephemeral:
        payload["message"] = message_json(message)
    return _form(payload)


def pressed(block: Json, element: Json, action_ts: str) -> Json:
    """One entry of `actions`: the button as it stands in the message, and when."""
    kept: Json = {
        key: element[key] for key in ("action_id", "text", "value", "style") if key in element
    }
    return {"type": element["type"], "block_id": block["block_id"], **kept, "action_ts": action_ts}


def view_submission(view: Json, person: SlackPerson, trigger: str) -> Mapping[str, str]:
    """A submitted modal, with the values in `view["state"]`."""
    payload = _common("view_submission", person)
    return _form(payload | {"trigger_id": trigger, "view": view, "response_urls": []})


def view_closed(view: Json, person: SlackPerson) -> Mapping[str, str]:
    """A modal closed without submitting, for an app that asked to know."""
    return _form(_common("view_closed", person) | {"view": view, "is_cleared": False})


def channel_name(channel: Channel) -> str:
    """The channel's name as payloads say it."""
    return "directmessage" if channel.kind == "im" else channel.name


def _common(kind: str, person: SlackPerson) -> Json:
    return {
        "type": kind,
        "user": {
            "id": person.id,
            "username": person.handle,
            "name": person.handle,
            "team_id": TEAM_ID,
        },
        "api_app_id": APP_ID,
        "token": VERIFICATION_TOKEN,
        "team": {"id": TEAM_ID, "domain": TEAM_DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _form(payload: Json) -> Mapping[str, str]:
    return {"payload": json.dumps(payload)}
