"""Messages as Pub/Sub delivers them, whatever is wrapped around them.

Push: https://cloud.google.com/pubsub/docs/push#receive_push
CloudEvents over HTTP: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from shared.domain.errors import BadMessage
from shared.domain.ids import derive
from shared.wire import strict_json
from shared.wire.instants import from_rfc3339
from shared.wire.strict_json import Texts, text, texts

_UNWRAPPED = "x-goog-pubsub-"


@dataclass(frozen=True, slots=True, kw_only=True)
class PubsubMessage:
    """One message. Everything but `data` may be empty; nothing here is proof of who sent it.

    `delivery_attempt` is 0 where the subscription has no dead-letter topic. `published_at` is
    None where nobody says it; it is the same for every delivery of a message.
    """

    data: bytes
    message_id: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    subscription: str = ""
    delivery_attempt: int = 0
    published_at: datetime | None = None


class _Message(msgspec.Struct, rename="camel"):
    data: str | None = None
    attributes: Texts | None = None
    message_id: str | int | None = None
    message_id_snake: str | int | None = msgspec.field(default=None, name="message_id")
    publish_time: object = None
    publish_time_snake: object = msgspec.field(default=None, name="publish_time")


class _Push(msgspec.Struct, rename="camel"):
    message: _Message
    subscription: str | None = None
    delivery_attempt: int | None = None


class _CloudEvent(msgspec.Struct):
    specversion: str
    id: str | int | None = None
    data: msgspec.Raw = msgspec.Raw()
    data_base64: str | None = None


def unwrap(body: bytes, headers: Mapping[str, str]) -> PubsubMessage:
    """The message in a push envelope, in a CloudEvent (binary or structured), or bare.

    What it is shows in the body, because content types lie. A body that is none of these is
    itself the data. Raises `BadMessage` for a broken envelope, `TooLarge` beyond 30 MiB.
    """
    body = strict_json.clean(body)
    lower = {name.lower(): value for name, value in headers.items()}
    event_id = lower.get("ce-id", "")
    keys = _keys(body)
    if "specversion" in keys:
        event = strict_json.decode(body, _CloudEvent, "the CloudEvent")
        event_id = text(event.id) or event_id
        body = _event_data(event)
        keys = _keys(body)
    if "message" in keys and "alerts" not in keys:
        return _pushed(body, event_id)
    return PubsubMessage(
        data=body,
        message_id=lower.get(_UNWRAPPED + "message-id") or event_id or _derived(body),
        subscription=lower.get(_UNWRAPPED + "subscription-name", ""),
        published_at=_instant(lower.get(_UNWRAPPED + "publish-time")),
    )


def _keys(body: bytes) -> frozenset[str]:
    """The names at the top of a JSON object; none for anything else."""
    try:
        return frozenset(strict_json.decode(body, dict[str, msgspec.Raw], "the body"))
    except BadMessage:
        return frozenset()


def _event_data(event: _CloudEvent) -> bytes:
    if event.data_base64 is not None:
        return _decoded(event.data_base64)
    raw = bytes(event.data)
    if raw.startswith(b'"'):
        return strict_json.decode(raw, str, "the CloudEvent's data").encode()
    return raw


def _pushed(body: bytes, event_id: str) -> PubsubMessage:
    push = strict_json.decode(body, _Push, "the push envelope")
    message = push.message
    data = _decoded(message.data or "")
    message_id = text(message.message_id) or text(message.message_id_snake)
    return PubsubMessage(
        data=data,
        message_id=message_id or event_id or _derived(data),
        attributes=texts(message.attributes),
        subscription=text(push.subscription),
        delivery_attempt=max(0, push.delivery_attempt or 0),
        published_at=_instant(message.publish_time) or _instant(message.publish_time_snake),
    )


def _instant(value: object) -> datetime | None:
    """An instant as RFC 3339 writes it; a broken one must never cost a page."""
    try:
        return from_rfc3339(strict_json.loose_text(value))
    except ValueError:
        return None


def _decoded(data: str) -> bytes:
    """Base64, in either alphabet, padded or not; Pub/Sub's own is as the RFC has it."""
    with suppress(ValueError):
        return base64.b64decode(data, validate=True)
    compact = "".join(data.split()).translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadMessage("the envelope's data is not base64") from error


def _derived(data: bytes) -> str:
    return derive("message", data.decode("utf-8", "surrogateescape"))
