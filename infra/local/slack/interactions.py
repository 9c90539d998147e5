"""What people do: type commands, press buttons, fill modals. All of it reaches the app signed."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from infra.local.slack import payloads
from infra.local.slack.block_kit import view_faults
from infra.local.slack.blocks import find_action
from infra.local.slack.callback import Answer, Callback
from infra.local.slack.errors import RequestError, SlackError
from infra.local.slack.fields import Fields
from infra.local.slack.messages import Conversations
from infra.local.slack.methods_views import view_document
from infra.local.slack.modal_values import check_known, missing, state_of
from infra.local.slack.model import Channel, Json, Message, SlackPerson, Workspace, format_ts
from infra.local.slack.sessions import OpenView, Sessions
from infra.local.slack.speech import Speech, answered_message


class Interactions:
    """Carries out one interaction and answers what came of it."""

    def __init__(
        self,
        *,
        workspace: Workspace,
        conversations: Conversations,
        sessions: Sessions,
        speech: Speech,
        callback: Callback,
        clock: Callable[[], float],
    ) -> None:
        self._workspace = workspace
        self._conversations = conversations
        self._sessions = sessions
        self._speech = speech
        self._callback = callback
        self._clock = clock

    def command(self, fields: Fields) -> Json:
        """Sends a slash command and shows what the app answers."""
        command, text = fields.text("command"), fields.text("text", "").strip()
        if not command.startswith("/") or " " in command:
            raise RequestError(400, "`command` must be one word that starts with `/`")
        person, channel = fields.person(), fields.channel()
        form = payloads.slash_command(
            command,
            text,
            person,
            channel,
            trigger=self._sessions.new_trigger(person.id, self._clock()),
            respond=self._response_url(channel, person, None),
        )
        answer = self._callback.send(form)
        self._show_answer(answer, f"{command} {text}".strip(), person, channel)
        return _outcome(answer)

    def press(self, fields: Fields) -> Json:
        """Sends the press of a button; 404 when the person sees no such button any more."""
        person, ts, action_id = fields.person(), fields.text("ts"), fields.text("action_id")
        message = self._conversations.message(ts)
        if message is None or message.ephemeral_to not in {None, person.id}:
            raise RequestError(404, f"{person.handle} sees no message {ts}")
        found = find_action(message.blocks, action_id)
        if found is None or found[1]["type"] != "button":
            raise RequestError(404, f"the message {ts} has no button {action_id!r} (any more)")
        action = payloads.pressed(*found, format_ts(round(self._clock() * 1e6)))
        return _outcome(self._callback.send(self._press_form(message, person, action)))

    def submit(self, fields: Fields) -> Json:
        """Submits a modal, and does with it what the app answers."""
        person, view = self._own_view(fields)
        values = fields.raw("values", {})
        blocks = view.document["blocks"]
        check_known(blocks, values)
        state = state_of(blocks, values)
        faults = missing(blocks, state)
        if faults:
            return {"status": None, "body": "", "error": None, "view": "errors", "errors": faults}
        filled = {**view.document, "state": {"values": state}}
        trigger = self._sessions.new_trigger(person.id, self._clock())
        answer = self._callback.send(payloads.view_submission(filled, person, trigger))
        return _outcome(answer) | self._after_submission(view, answer)

    def close(self, fields: Fields) -> Json:
        """Closes a modal, and tells the app if it asked to know."""
        person, view = self._own_view(fields)
        self._sessions.put_view(replace(view, open=False))
        if not view.document["notify_on_close"]:
            return {"status": None, "body": "", "error": None}
        return _outcome(self._callback.send(payloads.view_closed(view.document, person)))

    def say(self, fields: Fields) -> Json:
        """Posts what a person typed."""
        text = fields.text("text").strip()
        if not text:
            raise RequestError(400, "`text` is empty")
        person, channel = fields.person(), fields.channel()
        thread_ts = fields.raw("thread_ts", None)
        if thread_ts is not None and self._conversations.message(str(thread_ts)) is None:
            raise RequestError(404, f"no message {thread_ts} to reply to")
        return {"ts": self._speech.say(person, channel, text, thread_ts).ts}

    def _press_form(self, message: Message, person: SlackPerson, action: Json) -> Any:
        channel = self._conversations.channel(message.channel)
        if channel is None:
            raise RequestError(404, f"no channel {message.channel}")
        trigger = self._sessions.new_trigger(person.id, self._clock())
        respond = self._response_url(channel, person, message.ts)
        return payloads.block_actions(message, person, channel, action, trigger, respond)

    def _show_answer(
        self, answer: Answer, typed: str, person: SlackPerson, channel: Channel
    ) -> None:
        if answer.failure is not None:
            command = typed.partition(" ")[0]
            text = f"{command} failed with the error `{answer.failure}`"
            self._speech.warn(person, channel, text)
            return
        said = answered_message(answer)
        if said is None:
            return
        if said.get("response_type") == "in_channel":
            self._speech.say(person, channel, typed, None)
        try:
            self._speech.answer(said, channel.id, person.id)
        except SlackError as error:
            self._speech.warn(person, channel, f"{typed} failed with the error `{error.code}`")

    def _after_submission(self, view: OpenView, answer: Answer) -> Json:
        """https://docs.slack.dev/surfaces/modals#response_actions"""
        if answer.failure is not None:
            return {"view": "open"}
        action = _response_action(answer)
        match action.get("response_action"):
            case "errors":
                return {"view": "errors", "errors": action.get("errors", {})}
            case "update":
                return self._replace_view(view, action.get("view"))
            case _:  # no answer closes this modal, `clear` all of them: there is only this one
                self._close_if_unchanged(view)
                return {"view": "closed"}

    def _replace_view(self, view: OpenView, document: Any) -> Json:
        faults = view_faults(document)
        if faults:
            return {"view": "open", "error": "invalid_arguments", "messages": faults}
        updated = replace(view, document=view_document(view.id, document))
        self._sessions.put_view(updated)
        return {"view": "updated"}

    def _close_if_unchanged(self, view: OpenView) -> None:
        current = self._sessions.view(view.id)
        if current is not None:
            self._sessions.put_view(replace(current, open=False))

    def _own_view(self, fields: Fields) -> tuple[SlackPerson, OpenView]:
        person, view_id = fields.person(), fields.text("view_id")
        view = self._sessions.view(view_id)
        if view is None or view.user != person.id:
            raise RequestError(404, f"{person.handle} has no modal {view_id!r} open")
        return person, view

    def _response_url(self, channel: Channel, person: SlackPerson, ts: str | None) -> str:
        url_id = self._sessions.new_response_url(channel.id, person.id, ts, self._clock())
        return f"{self._workspace.base_url}/sim/slack/respond/{url_id}"


def _outcome(answer: Answer) -> Json:
    return {"status": answer.status, "body": answer.body, "error": answer.failure}


def _response_action(answer: Answer) -> Json:
    try:
        document: Any = json.loads(answer.body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
