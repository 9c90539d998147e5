"""Messages that could not be read, on their way from `ingest` to `respond`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from shared.domain.errors import BadMessage
from shared.domain.event import MessageRejected
from shared.domain.ids import derive
from shared.wire import strict_json
from shared.wire.snippets import snippet

KIND: Final = "rejected"
"""The attribute `kind` of messages that carry a rejection."""

_DEAD_FROM: Final = "CloudPubSubDeadLetterSourceSubscription"
_DEAD_AFTER: Final = "CloudPubSubDeadLetterSourceDeliveryCount"


def is_dead(attributes: Mapping[str, str]) -> bool:
    """Whether the message comes from a dead-letter topic."""
    return _DEAD_FROM in attributes


def dead_letter(attributes: Mapping[str, str], raw: bytes) -> MessageRejected | None:
    """What to record of a message that comes from a dead-letter topic; None for any other.

    Attributes: https://cloud.google.com/pubsub/docs/handling-failures#track_delivery_attempts
    """
    origin = attributes.get(_DEAD_FROM)
    if origin is None:
        return None
    why = f"given up after {attributes.get(_DEAD_AFTER, 'too many')} deliveries"
    return rejection(f"dead letters of {origin}", why, raw)


class _Rejection(msgspec.Struct, forbid_unknown_fields=True):
    source: str
    reason: str
    snippet: str


def rejection(source: str, reason: str, raw: bytes) -> MessageRejected:
    """What is kept of a message that cannot be read: the same one has the same id."""
    return _event(_Rejection(source[:64] or "unknown", _line(reason), snippet(raw)))


def encode(event: MessageRejected) -> bytes:
    """The event as a message."""
    return msgspec.json.encode(_Rejection(event.source, event.reason, event.snippet))


def decode(data: bytes) -> MessageRejected:
    """The event in a message. Raises `BadMessage`."""
    found = strict_json.decode(strict_json.clean(data), _Rejection, "the rejection")
    if not found.reason:
        raise BadMessage("the rejection has no reason")
    return rejection(found.source, found.reason, found.snippet.encode())


def _event(found: _Rejection) -> MessageRejected:
    return MessageRejected(
        id=derive("rejected", found.source, found.reason, found.snippet),
        source=found.source,
        reason=found.reason,
        snippet=found.snippet,
    )


def _line(reason: str) -> str:
    return snippet(reason.encode("utf-8", "replace"))
