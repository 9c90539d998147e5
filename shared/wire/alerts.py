"""The door for alerts of any sender: what a body is shows in the body."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from shared.domain.alert import Alert
from shared.domain.errors import BadMessage
from shared.wire import alertmanager, cloud_monitoring, pubsub, recording, strict_json
from shared.wire.readings import Reading

_DEEPEST = 3  # envelopes within envelopes


def parse_any(body: bytes, source: str) -> tuple[Alert, ...]:
    """The alerts in a webhook of Alertmanager or Grafana, or in a Cloud Monitoring incident.

    Also in a line of a recording, which keeps the source that it names.

    Each may be bare, in a push envelope or in a structured CloudEvent; one alert or incident
    without anything around it will do. Raises `BadMessage` if anything cannot be read, and
    `TooLarge` beyond 30 MiB or 10,000 alerts.
    """
    return read_any(body, source).complete()


def read_any(body: bytes, source: str, published_at: datetime | None = None) -> Reading:
    """As `parse_any`, but what can be read is returned beside what was rejected.

    `published_at` is when the message was published, where its envelope is already off.
    """
    return _read(strict_json.clean(body), source, published_at, _DEEPEST)


def documents(body: bytes) -> Iterator[bytes]:
    """The body itself if it is one JSON document, else each of its lines that is not blank."""
    try:
        strict_json.decode(strict_json.clean(body), msgspec.Raw, "the body")
        yield body
    except BadMessage:
        yield from (line for line in body.splitlines() if line.strip())


def _read(body: bytes, source: str, at: datetime | None, deepest: int) -> Reading:
    keys = strict_json.decode(body, dict[str, msgspec.Raw], "the message").keys()
    if "alerts" in keys:
        return alertmanager.read(body, source, at)
    if "incident" in keys:
        return Reading(cloud_monitoring.parse(body, source)).published(at)
    if "labels" in keys and "startsAt" in keys:
        return alertmanager.read(b'{"alerts":[' + body + b"]}", source, at)
    if "state" in keys and "started_at" in keys:
        whole = b'{"incident":' + body + b"}"
        return Reading(cloud_monitoring.parse(whole, source)).published(at)
    if "recorded" in keys:
        return Reading((recording.parse(body),)).published(at)
    if deepest and keys & {"message", "specversion"}:
        message = pubsub.unwrap(body, {})
        return _read(message.data, source, at or message.published_at, deepest - 1)
    raise BadMessage("it is neither an Alertmanager webhook nor a Cloud Monitoring incident")
