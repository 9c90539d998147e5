"""Alertmanager's webhook, version 4, and Grafana's dialect of it.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from shared.domain.alert import Alert
from shared.domain.errors import BadMessage
from shared.wire import strict_json
from shared.wire.alertmanager_item import Item, read_item, to_alert
from shared.wire.limits import MAX_ALERTS, MAX_REJECTED, TooLarge
from shared.wire.readings import Reading, Rejected
from shared.wire.snippets import snippet

_VERSION: Final = "4"


class _Envelope(msgspec.Struct, rename="camel"):
    """The webhook around the alerts."""

    alerts: list[msgspec.Raw]
    status: object = None
    truncated_alerts: object = None


class _Single(msgspec.Struct, rename="camel"):
    """What is published for each alert: a webhook that anyone can read, with one alert."""

    version: str
    status: str
    truncated_alerts: int
    alerts: tuple[Item]


@dataclass(frozen=True, slots=True)
class SingleAlert:
    """One alert as a webhook of its own, and the id of the event it makes."""

    body: bytes
    event_id: str


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook cut into messages. `truncated` counts alerts the sender itself left out.

    `rejected` describes at most a hundred; `rejected_count` counts them all.
    """

    messages: tuple[SingleAlert, ...]
    rejected: tuple[Rejected, ...] = ()
    rejected_count: int = 0
    truncated: int = 0


def split(body: bytes, source: str) -> Webhook:
    """The webhook as one message for each alert; one bad alert never rejects its siblings.

    Raises `TooLarge` beyond 30 MiB or 10,000 alerts, `BadMessage` when it is no webhook at all.
    """
    envelope = _envelope(body)
    messages: list[SingleAlert] = []
    rejected: list[Rejected] = []
    for item in _items(envelope):
        if isinstance(item, Rejected):
            rejected.append(item)
        else:
            alert = to_alert(item, source, _truncated(envelope))
            messages.append(SingleAlert(_single(item, _truncated(envelope)), alert.event_id))
    return Webhook(
        messages=tuple(messages),
        rejected=tuple(rejected[:MAX_REJECTED]),
        rejected_count=len(rejected),
        truncated=_truncated(envelope),
    )


def read(body: bytes, source: str, published_at: datetime | None = None) -> Reading:
    """Every alert of the webhook, published then, that can be read, and why the others cannot.

    Raises as `split` does.
    """
    envelope = _envelope(body)
    items = tuple(_items(envelope))
    return Reading(
        alerts=tuple(
            to_alert(item, source, _truncated(envelope), published_at)
            for item in items
            if not isinstance(item, Rejected)
        ),
        rejected=tuple(item for item in items if isinstance(item, Rejected)),
    )


def parse(body: bytes, source: str) -> tuple[Alert, ...]:
    """The alerts of the webhook. Raises `BadMessage` if any of them cannot be read."""
    return read(body, source).complete()


def _envelope(body: bytes) -> _Envelope:
    envelope = strict_json.decode(strict_json.clean(body), _Envelope, "the webhook")
    if len(envelope.alerts) > MAX_ALERTS:
        raise TooLarge(f"{len(envelope.alerts)} alerts in one webhook; {MAX_ALERTS} are accepted")
    return envelope


def _truncated(envelope: _Envelope) -> int:
    left_out = envelope.truncated_alerts
    return max(0, left_out) if isinstance(left_out, int) else 0


def _items(envelope: _Envelope) -> Iterator[Item | Rejected]:
    for raw in envelope.alerts:
        try:
            yield read_item(raw, strict_json.loose_text(envelope.status))
        except BadMessage as error:
            yield Rejected(snippet(bytes(raw)), str(error))


def _single(item: Item, truncated: int) -> bytes:
    return msgspec.json.encode(_Single(_VERSION, item.status, truncated, (item,)))
