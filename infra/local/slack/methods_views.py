"""The Web API's `views.*` methods, and what a modal looks like once it is open."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from infra.local.slack.arguments import Arguments
from infra.local.slack.block_kit import view_faults
from infra.local.slack.blocks import with_ids
from infra.local.slack.content import refuse
from infra.local.slack.errors import SlackError
from infra.local.slack.model import APP_ID, BOT_ID, TEAM_ID, Json
from infra.local.slack.sessions import OpenView, Sessions
from infra.local.slack.web_api import Method


class ViewMethods:
    """Opening and updating modals."""

    def __init__(self, sessions: Sessions, clock: Callable[[], float]) -> None:
        self._sessions = sessions
        self._clock = clock

    def table(self) -> Mapping[str, Method]:
        """The methods by their names."""
        return {"views.open": self.open, "views.update": self.update}

    def open(self, arguments: Arguments) -> Json:
        """https://docs.slack.dev/reference/methods/views.open"""
        view = _read_view(arguments)
        trigger_id = arguments.required("trigger_id")
        user = self._exchange(trigger_id)
        external_id = view.get("external_id")
        if external_id and self._sessions.view_by_external_id(external_id):
            raise SlackError("duplicate_external_id")
        opened = OpenView(user, view_document(f"V{secrets.token_hex(5).upper()}", view))
        self._sessions.put_view(opened)
        self._sessions.spend_trigger(trigger_id)
        return {"view": opened.document}

    def update(self, arguments: Arguments) -> Json:
        """https://docs.slack.dev/reference/methods/views.update"""
        view = _read_view(arguments)
        found = self._find(arguments)
        expected = arguments.text("hash")
        if expected and expected != found.document["hash"]:
            raise SlackError("hash_conflict")
        updated = replace(found, document=view_document(found.id, view))
        self._sessions.put_view(updated)
        return {"view": updated.document}

    def _find(self, arguments: Arguments) -> OpenView:
        view_id, external_id = arguments.text("view_id"), arguments.text("external_id")
        if not view_id and not external_id:
            raise SlackError("invalid_arguments", ["[ERROR] missing required field: view_id"])
        found = (
            self._sessions.view(view_id)
            if view_id
            else self._sessions.view_by_external_id(external_id)
        )
        if found is None:
            raise SlackError("not_found")
        return found

    def _exchange(self, trigger_id: str) -> str:
        """The user whose interaction gave out the trigger, if it still may be used."""
        trigger = self._sessions.trigger(trigger_id)
        if trigger is None:
            message = "[ERROR] invalid `trigger_id` [json-pointer:/trigger_id]"
            raise SlackError("invalid_arguments", [message])
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self._clock() > trigger.expires_at:
            raise SlackError("expired_trigger_id")
        return trigger.user


def view_document(view_id: str, view: Json) -> Json:
    """A valid modal as Slack shows it to the app, under `view_id` and with a fresh hash.

    https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
    """
    return {
        "id": view_id,
        "team_id": TEAM_ID,
        "type": "modal",
        "title": view["title"],
        "submit": view.get("submit"),
        "close": view.get("close"),
        "blocks": list(with_ids(view["blocks"], view_id)),
        "private_metadata": view.get("private_metadata", ""),
        "callback_id": view.get("callback_id", ""),
        "external_id": view.get("external_id", ""),
        "state": {"values": {}},
        "hash": secrets.token_hex(6),
        "clear_on_close": bool(view.get("clear_on_close", False)),
        "notify_on_close": bool(view.get("notify_on_close", False)),
        "root_view_id": view_id,
        "previous_view_id": None,
        "app_id": APP_ID,
        "app_installed_team_id": TEAM_ID,
        "bot_id": BOT_ID,
    }


def _read_view(arguments: Arguments) -> Json:
    view: Any = arguments.structure("view", "invalid_arguments")
    refuse("invalid_arguments", view_faults(view))
    checked: Json = view
    return checked
