"""What Slack sends: pressed buttons, submitted modals, and slash commands.

Formats: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload and
https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from shared.domain.errors import BadMessage
from shared.domain.paging import Choice
from shared.wire.decoders import decoder
from shared.wire.slack_card import BUTTONS
from shared.wire.slack_command import SlashCommand, form, parse_command
from shared.wire.slack_modal import CALLBACK, REASON

_SEPARATOR: Final = "|"


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
class Submission:
    """A person submitted our modal: a rollback of the stack, for a reason that may be empty."""

    stack: str
    reason: str
    user_id: str


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


class _Input(msgspec.Struct, frozen=True):
    value: str | None = None


class _State(msgspec.Struct, frozen=True):
    values: dict[str, dict[str, _Input]] = {}


class _View(msgspec.Struct, frozen=True):
    callback_id: str = ""
    private_metadata: str = ""
    state: _State = _State()


class _Interaction(msgspec.Struct, frozen=True):
    type: str
    user: _User | None = None
    container: _Container = _Container()
    actions: tuple[_Action, ...] = ()
    view: _View = _View()
    response_url: str = ""
    trigger_id: str = ""


def parse_request(body: bytes) -> SlashCommand | Press | Submission:
    """Whatever it is that Slack sent. Raises `BadMessage` when it is none of these."""
    return parse_interaction(body) if "payload" in form(body) else parse_command(body)


def parse_interaction(body: bytes) -> Press | Submission:
    """The press or the submission in the body of an interaction.

    Raises:
        BadMessage: It cannot be read, or it is about anything but our buttons and our modal.
    """
    payload = form(body).get("payload")
    if payload is None:
        raise BadMessage("the interaction has no payload")
    try:
        seen = decoder(_Interaction).decode(payload)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise BadMessage(f"the interaction's payload cannot be read: {error}") from error
    if seen.user is None or not seen.user.id:
        raise BadMessage("the interaction does not say who acted")
    match seen.type:
        case "block_actions":
            return _press(seen, seen.user)
        case "view_submission":
            return _submission(seen.view, seen.user)
        case other:
            raise BadMessage(f"an interaction of type {other!r} is none of ours")


def _press(seen: _Interaction, user: _User) -> Press:
    if len(seen.actions) != 1:
        raise BadMessage(f"{len(seen.actions)} buttons pressed at once")
    action = seen.actions[0]
    return Press(
        choice=_choice(action.action_id),
        subject=Subject.parse(action.value),
        user_id=user.id,
        user_name=user.username or user.name,
        channel=seen.container.channel_id,
        message_ts=seen.container.message_ts,
        response_url=seen.response_url,
        trigger_id=seen.trigger_id,
    )


def _submission(view: _View, user: _User) -> Submission:
    if view.callback_id != CALLBACK or not view.private_metadata:
        raise BadMessage(f"a modal {view.callback_id!r} is none of ours")
    reason = view.state.values.get(REASON, {}).get(REASON, _Input()).value or ""
    return Submission(stack=view.private_metadata, reason=reason.strip(), user_id=user.id)


def _choice(action_id: str) -> Choice:
    found = next((choice for choice in BUTTONS if choice.value == action_id), None)
    if found is None:
        raise BadMessage(f"there is no button {action_id!r}")
    return found
