"""Slack: messages and modals for people, through its Web API.

The app needs the scopes `chat:write`, `channels:read`, `channels:history` and, for private
channels, `groups:read` and `groups:history`; and the slash command, which is `commands`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from shared.adapters.slack_errors import Call, NotThere
from shared.adapters.slack_web import SlackWeb
from shared.domain.paging import Card, MessageRef, Sheet
from shared.ports import Clock
from shared.wire.slack_card import blocks, fallback
from shared.wire.slack_modal import filled, placeholder
from shared.wire.slack_text import escape

SLACK_API: Final = "https://slack.com/api/"
EVENT_TYPE: Final = "switchman_page"

_CHANNEL_ID: Final = re.compile(r"[CDG][A-Z0-9]{6,}")
_MODAL_SECONDS: Final = 2
_ABOUT: Final = "|"


class SlackChat:
    """Chat over Slack's Web API. Safe to use from several threads.

    Raises:
        Refused: The token is none.
    """

    def __init__(
        self,
        token: str,
        clock: Clock,
        *,
        base_url: str = SLACK_API,
        timeout_seconds: int = 8,
        status_pages: str = "",
    ) -> None:
        self._status_pages = status_pages
        self._web = SlackWeb(token, clock, base_url, timeout_seconds)
        self._hurried = SlackWeb(
            token, clock, base_url, min(timeout_seconds, _MODAL_SECONDS), patience=timedelta()
        )
        self._lock = threading.Lock()
        self._ids: dict[str, str] = {}

    def post(self, channel: str, card: Card, key: str) -> MessageRef:
        """Post a card. `key` travels as metadata so that `find` can look it up.

        Raises:
            Transient: Slack did not take it.
            Refused: It will never take it; the text says what to do.
            UnknownOutcome: It may stand there; look it up with `find`.
        """
        answer = self._web.call(
            Call("chat.postMessage", channel, repeatable=False),
            self._web.client.chat_postMessage,
            channel=self._known(channel) or channel,
            text=fallback(card),
            blocks=blocks(card, self._status_pages),
            metadata={"event_type": EVENT_TYPE, "event_payload": {"key": key}},
            unfurl_links=False,
            unfurl_media=False,
        )
        self._remember({channel: str(answer["channel"])})
        return MessageRef(str(answer["channel"]), str(answer["ts"]))

    def find(self, channel: str, key: str) -> MessageRef | None:
        """The message posted with this key, among the channel's last thousand.

        Raises:
            Transient: Slack could not be asked.
            Refused: It will not tell; the text says what to do.
        """
        place = self._id_of(channel)
        if place is None:
            return None
        call = Call("conversations.history", channel, repeatable=True)
        pages = self._web.pages(
            call, self._web.client.conversations_history, channel=place, include_all_metadata=True
        )
        messages = (message for page in pages for message in page["messages"])
        found = next((message for message in messages if _key_of(message) == key), None)
        return MessageRef(place, str(found["ts"])) if found else None

    def update(self, message: MessageRef, card: Card) -> None:
        """Redraw a posted card in place; its key stays.

        Raises:
            Transient: It may not be done; do it again.
            Refused: It cannot be done; the text says why.
        """
        self._web.call(
            Call("chat.update", message.channel, repeatable=True),
            self._web.client.chat_update,
            channel=message.channel,
            ts=message.ts,
            text=fallback(card),
            blocks=blocks(card, self._status_pages),
        )

    def ask(self, trigger: str, stack: str) -> str:
        """Open a modal that asks about a rollback of the stack, with a placeholder.

        Somebody waits, and Slack takes the trigger for three seconds: nothing is tried twice. The
        id names the stack too, because filling the modal replaces what its submission is about.

        Raises:
            Transient: Slack did not open it.
            Refused: It never will with this trigger; the text says what to do.
            UnknownOutcome: It may be open, and cannot be filled.
        """
        answer = self._hurried.call(
            Call("views.open", "", repeatable=False),
            self._hurried.client.views_open,
            trigger_id=trigger,
            view=placeholder(stack),
        )
        return f"{answer['view']['id']}{_ABOUT}{stack}"

    def show(self, view: str, sheet: Sheet) -> None:
        """Fill the modal with the plan; one that the person has closed stays closed.

        Raises:
            Transient: It may not be done; do it again.
            Refused: It cannot be done; the text says why.
        """
        view_id, _, stack = view.partition(_ABOUT)
        with suppress(NotThere):
            self._web.call(
                Call("views.update", "", repeatable=True),
                self._web.client.views_update,
                view_id=view_id,
                view=filled(stack, sheet),
            )

    def tell(self, channel: str, user: str, text: str) -> None:
        """Say something that only this user sees; plain text, shown as it is.

        It is a direct message where no channel is given, or one that we or they are not in.

        Raises:
            Transient: It may not have been said; say it again.
            Refused: It cannot be said; the text says why.
        """
        with suppress(NotThere):
            if channel:
                self._tell_in(channel, user, text)
                return
        self._web.call(
            Call("chat.postMessage", user, repeatable=True),
            self._web.client.chat_postMessage,
            channel=user,
            text=escape(text),
        )

    def _tell_in(self, channel: str, user: str, text: str) -> None:
        self._web.call(
            Call("chat.postEphemeral", channel, repeatable=True),
            self._web.client.chat_postEphemeral,
            channel=self._known(channel) or channel,
            user=user,
            text=escape(text),
        )

    def _id_of(self, channel: str) -> str | None:
        """The channel's id; None when Slack lists no channel of that name."""
        if _CHANNEL_ID.fullmatch(channel):
            return channel
        if known := self._known(channel):
            return known
        pages = self._web.pages(
            Call("conversations.list", channel, repeatable=True),
            self._web.client.conversations_list,
            types="public_channel,private_channel",
            exclude_archived=True,
        )
        for page in pages:
            self._remember({f"#{found['name']}": found["id"] for found in page["channels"]})
            if known := self._known(channel):
                return known
        return None

    def _known(self, channel: str) -> str | None:
        with self._lock:
            return self._ids.get(f"#{channel.removeprefix('#')}")

    def _remember(self, ids: Mapping[str, str]) -> None:
        with self._lock:
            for channel, place in ids.items():
                self._ids[f"#{channel.removeprefix('#')}"] = place


def _key_of(message: Mapping[str, Any]) -> str | None:
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != EVENT_TYPE:
        return None
    key = (metadata.get("event_payload") or {}).get("key")
    return str(key) if key is not None else None
