"""What Slack sends: pressed buttons and slash commands, and what identifies a request.

Formats: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload,
https://docs.slack.dev/interactivity/implementing-slash-commands and, for the signed base string,
https://docs.slack.dev/authentication/verifying-requests-from-slack. The signature itself is
verified by `shared.adapters.slack`; what is sent to Slack is drawn by `shared.wire.slack_card`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs

import msgspec

from shared.domain.errors import BadMessage, SwitchmanError
from shared.domain.paging import Choice

TIMESTAMP_HEADER: Final = "x-slack-request-timestamp"
SIGNATURE_HEADER: Final = "x-slack-signature"

_MAX_FIELDS: Final = 100
_SEPARATOR: Final = "|"


class BadSignature(SwitchmanError):
    """Nothing proves that Slack sent this request: answer 401, and believe none of it."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a button is about: an incident and, where one is proposed, the hash of a plan."""

    incident: str
    plan: str = ""

    def __str__(self) -> str:
        return f"{self.incident}{_SEPARATOR}{self.plan}" if self.plan else self.incident

    @classmethod
    def parse(cls, text: str) -> Subject:
        """The subject in a button's value.

        Raises:
            BadMessage: It names no incident, or says more than a plan.
        """
        incident, separator, plan = text.partition(_SEPARATOR)
        if not incident or bool(separator) is not bool(plan) or _SEPARATOR in plan:
            raise BadMessage(f"the button's value {text!r} is not INCIDENT or INCIDENT|PLAN")
        return cls(incident, plan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A person pressed a button of ours. `response_url` takes answers for half an hour."""

    choice: Choice
    subject: Subject
    user_id: str
    user_name: str
    channel: str
    message_ts: str
    response_url: str
    trigger_id: str


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


def event_id_of(headers: Mapping[str, str], body: bytes) -> str:
    """The SHA-256 of the base string Slack signs, in hex: equal for a request sent again as it was.

    Raises:
        BadSignature: The request has no timestamp.
    """
    stamp = header(headers, TIMESTAMP_HEADER)
    if stamp is None:
        raise BadSignature("the request has no timestamp")
    signed = b":".join((b"v0", stamp.encode("utf-8", "surrogatepass"), body))
    return hashlib.sha256(signed).hexdigest()


def header(headers: Mapping[str, str], name: str) -> str | None:
    """The header of this lower-case name, however the server spells it; None without it."""
    return next((value for key, value in headers.items() if key.lower() == name), None)


class _User(msgspec.Struct, frozen=True):
    id: str
    username: str = ""
    name: str = ""


class _Container(msgspec.Struct, frozen=True):
    channel_id: str = ""
    message_ts: str = ""


class _Action(msgspec.Struct, frozen=True):
    action_id: str
    value: str = ""


class _Interaction(msgspec.Struct, frozen=True):
    type: str
    user: _User | None = None
    container: _Container = _Container()
    actions: tuple[_Action, ...] = ()
    response_url: str = ""
    trigger_id: str = ""


def parse_interaction(body: bytes) -> Press:
    """The press in the body of an interaction.

    Raises:
        BadMessage: It cannot be read, or it is about anything but one of our buttons.
    """
    payload = _fields(body).get("payload")
    if payload is None:
        raise BadMessage("the interaction has no payload")
    try:
        seen = msgspec.json.decode(payload, type=_Interaction)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise BadMessage(f"the interaction's payload cannot be read: {error}") from error
    if seen.type != "block_actions":
        raise BadMessage(f"an interaction of type {seen.type!r} is none of ours")
    if seen.user is None or not seen.user.id:
        raise BadMessage("the interaction does not say who acted")
    if len(seen.actions) != 1:
        raise BadMessage(f"{len(seen.actions)} buttons pressed at once")
    action = seen.actions[0]
    return Press(
        choice=_choice(action.action_id),
        subject=Subject.parse(action.value),
        user_id=seen.user.id,
        user_name=seen.user.username or seen.user.name,
        channel=seen.container.channel_id,
        message_ts=seen.container.message_ts,
        response_url=seen.response_url,
        trigger_id=seen.trigger_id,
    )


def parse_command(body: bytes) -> SlashCommand:
    """The slash command in the body of a request.

    Raises:
        BadMessage: It cannot be read, or lacks the command or who typed it.
    """
    fields = _fields(body)
    for name in ("command", "user_id"):
        if not fields.get(name):
            raise BadMessage(f"the slash command has no {name}")
    return SlashCommand(
        command=fields["command"],
        text=fields.get("text", "").strip(),
        user_id=fields["user_id"],
        user_name=fields.get("user_name", ""),
        channel=fields.get("channel_id", ""),
        response_url=fields.get("response_url", ""),
        trigger_id=fields.get("trigger_id", ""),
    )


def _choice(action_id: str) -> Choice:
    try:
        return Choice(action_id)
    except ValueError:
        raise BadMessage(f"there is no button {action_id!r}") from None


def _fields(body: bytes) -> Mapping[str, str]:
    """The form's fields; of a repeated one the first."""
    try:
        found = parse_qs(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS
        )
    except ValueError as error:
        raise BadMessage(f"the request's form cannot be read: {error}") from error
    return {name: values[0] for name, values in found.items()}
