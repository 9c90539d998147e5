"""What waits while Switchman cannot work, as far as a request tells without policy or store.

Loaded with every function, and used only when something has failed: so what it reads with is
imported then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.domain.errors import BadMessage
from shared.wire.limits import TooLarge
from shared.wire.snippets import snippet

if TYPE_CHECKING:
    from shared.domain.alert import Alert

_WHERE: Final = ("stack", "service", "service_name", "configuration_name", "job", "namespace")
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What a person would call it, and how often it was delivered (0 where nobody counts)."""

    words: tuple[str, ...]
    delivery: int = 0


def pushed(body: bytes, headers: Mapping[str, str]) -> Waiting:
    """What a message of Pub/Sub's is about: its alerts, if it has any."""
    from shared.wire import pubsub

    try:
        message = pubsub.unwrap(body, headers)
    except (BadMessage, TooLarge):
        return Waiting(words=("a message that cannot be read",))
    delivery = message.delivery_attempt
    kind = message.attributes.get("kind", "alert")
    if kind == "alert" and (words := _alerts(message.data)):
        return Waiting(words=words, delivery=delivery)
    about = snippet(message.data)[:_LONGEST]
    return Waiting(
        words=(f"a message of the kind {snippet(kind.encode())}: {about}",), delivery=delivery
    )


def posted(body: bytes, headers: Mapping[str, str]) -> Waiting:
    """What a webhook is about; nothing in it says how often it was delivered."""
    del headers
    return Waiting(words=_alerts(body) or ("a webhook that cannot be read",))


def typed(body: bytes, headers: Mapping[str, str]) -> Waiting:
    """What a person wants in Slack, who reads there that it failed."""
    del body, headers
    return Waiting(words=("what somebody typed or pressed in Slack",))


def timed(body: bytes, headers: Mapping[str, str]) -> Waiting:
    """What a tick is for."""
    del body, headers
    return Waiting(words=("everything that is due: reminders, escalations, the end of incidents",))


def _alerts(body: bytes) -> tuple[str, ...]:
    from shared.wire.alerts import read_any

    try:
        found = read_any(body, "").alerts
    except (BadMessage, TooLarge):
        return ()
    return tuple(_line(alert) for alert in found)


def _line(alert: Alert) -> str:
    """Title, severity, and where; the sender's words, shortened and without secrets."""
    labels = {**alert.resource_labels, **alert.labels}
    given = alert.labels.get("severity") or (alert.severity.value if alert.severity else "")
    facts = [alert.status.value, *([f"severity {given}"] if given else [])]
    facts += [f"{name} {labels[name]}" for name in _WHERE if labels.get(name)]
    return snippet(f"{alert.title} ({', '.join(facts)})".encode())[:_LONGEST]
