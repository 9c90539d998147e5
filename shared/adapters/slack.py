"""Slack: messages to people through its Web API, and the proof that a request is Slack's.

The app needs the scopes `chat:write`, `channels:read`, `channels:history` and, for private
channels, `groups:read` and `groups:history`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from shared.adapters.slack_errors import Call
from shared.adapters.slack_web import SlackWeb
from shared.domain.errors import Transient
from shared.domain.paging import Card, MessageRef
from shared.ports import Clock
from shared.wire.slack import SIGNATURE_HEADER, TIMESTAMP_HEADER, BadSignature, header
from shared.wire.slack_card import blocks, escape, fallback

if TYPE_CHECKING:
    from slack_sdk.signature import SignatureVerifier

SLACK_API: Final = "https://slack.com/api/"
EVENT_TYPE: Final = "switchman_page"

_CHANNEL_ID: Final = re.compile(r"[CDG][A-Z0-9]{6,}")


class SlackChat:
    """Chat over Slack's Web API. Safe to use from several threads.

    Raises:
        Refused: The token is none.
    """

    def __init__(
        self, token: str, clock: Clock, *, base_url: str = SLACK_API, timeout_seconds: int = 8
    ) -> None:
        self._web = SlackWeb(token, clock, base_url, timeout_seconds)
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
            blocks=blocks(card),
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
            blocks=blocks(card),
        )

    def tell(self, channel: str, user: str, text: str) -> None:
        """Say something that only this user sees; plain text, shown as it is.

        Raises:
            Transient: It may not have been said; say it again.
            Refused: It cannot be said; the text says why.
        """
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


def verify(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Return if Slack signed this request with one of the secrets in the last five minutes.

    How: https://docs.slack.dev/authentication/verifying-requests-from-slack. Two secrets are
    given while one replaces the other.

    Raises:
        BadSignature: Anything else is wrong with the request.
        Transient: There is no secret to compare with, which is no fault of the sender's.
    """
    usable = [secret for secret in secrets if secret.strip()]
    if not usable:
        raise Transient("SLACK_SIGNING_SECRET is empty")
    for name in (TIMESTAMP_HEADER, SIGNATURE_HEADER):
        if header(headers, name) is None:
            raise BadSignature(f"the request has no {name} header")
    try:
        valid = [_verifier(secret, now).is_valid_request(body, headers) for secret in usable]
    except (ValueError, TypeError, OverflowError) as error:
        # A timestamp that is no number, a body that is not UTF-8, a signature that is not ASCII.
        raise BadSignature(f"the signature cannot be checked: {type(error).__name__}") from error
    if not any(valid):
        raise BadSignature("the signature does not match, or is older than five minutes")


def _verifier(secret: str, now: datetime) -> SignatureVerifier:
    from slack_sdk.signature import Clock as SlackClock
    from slack_sdk.signature import SignatureVerifier

    class Now(SlackClock):
        def now(self) -> float:
            return now.timestamp()

    return SignatureVerifier(secret, Now())


def _key_of(message: Mapping[str, Any]) -> str | None:
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != EVENT_TYPE:
        return None
    key = (metadata.get("event_payload") or {}).get("key")
    return str(key) if key is not None else None
