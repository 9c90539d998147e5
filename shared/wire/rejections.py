"""Messages that could not be read, on their way from `ingest` to `respond`."""

from __future__ import annotations

import msgspec

from shared.domain.errors import BadMessage
from shared.domain.event import MessageRejected
from shared.domain.ids import derive
from shared.wire import strict_json
from shared.wire.snippets import snippet


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
