"""One alert of a webhook: read, checked and cut, and then put in our own terms."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from urllib.parse import parse_qs, urlsplit

import msgspec

from shared.domain.alert import Alert, AlertStatus
from shared.domain.errors import BadMessage
from shared.domain.ids import derive
from shared.domain.severity import Severity, severity_from_word
from shared.wire import strict_json
from shared.wire.instants import from_rfc3339
from shared.wire.limits import MAX_ALERT
from shared.wire.strict_json import Texts, loose_text, loose_texts, texts

_LONGEST_FINGERPRINT: Final = 128


class _Sent(msgspec.Struct, rename="camel"):
    """One alert as it is sent; whatever else it holds does not matter.

    Only labels, status and start have to be right: the rest must never cost a page.
    """

    labels: Texts | None = None
    annotations: object = None
    status: str = ""
    starts_at: str | None = None
    ends_at: object = None
    generator_url: object = msgspec.field(default=None, name="generatorURL")
    dashboard_url: object = msgspec.field(default=None, name="dashboardURL")
    fingerprint: object = None


class Item(msgspec.Struct, rename="camel"):
    """The same, checked and with its texts cut: what is published for the alert."""

    labels: dict[str, str]
    annotations: dict[str, str]
    status: str
    starts_at: str
    ends_at: str
    generator_url: str = msgspec.field(name="generatorURL")
    fingerprint: str


def read_item(raw: msgspec.Raw, status_of_all: str) -> Item:
    """The alert with its texts cut and everything checked that `to_alert` relies on."""
    sent = strict_json.decode(raw, _Sent, "the alert")
    labels = texts(sent.labels)
    if not labels:
        raise BadMessage("the alert has no labels")
    status = (sent.status or status_of_all).strip().lower()
    if status not in tuple(AlertStatus):
        raise BadMessage("the alert's status is neither firing nor resolved")
    starts_at = sent.starts_at or ""
    _starts_at(starts_at)
    clean = Item(
        labels=labels,
        annotations=loose_texts(sent.annotations),
        status=status,
        starts_at=starts_at,
        ends_at=loose_text(sent.ends_at),
        generator_url=loose_text(sent.generator_url) or loose_text(sent.dashboard_url),
        fingerprint=_fingerprint(loose_text(sent.fingerprint).strip(), labels.items()),
    )
    if len(msgspec.json.encode(clean)) > MAX_ALERT:
        raise BadMessage(f"the alert has more than {MAX_ALERT} bytes")
    return clean


def _starts_at(text: str) -> datetime:
    try:
        starts_at = from_rfc3339(text)
    except ValueError as error:
        raise BadMessage(f"the alert's startsAt is {error}") from error
    if starts_at is None:
        raise BadMessage("the alert's startsAt is not set")
    return starts_at


def _ends_at(item: Item) -> datetime | None:
    """When it ended; a firing alert's endsAt only says when Alertmanager would give up on it."""
    if item.status != AlertStatus.RESOLVED:
        return None
    try:
        return from_rfc3339(item.ends_at)
    except ValueError:
        return None


def _fingerprint(given: str, labels: Iterable[tuple[str, str]]) -> str:
    """The sender's fingerprint, or one derived from the labels in sorted order."""
    if given and len(given) <= _LONGEST_FINGERPRINT:
        return given
    return derive("fingerprint", given, *(part for pair in sorted(labels) for part in pair))


def to_alert(
    item: Item, source: str, truncated: int, published_at: datetime | None = None
) -> Alert:
    """The alert in our own terms; `truncated` is how many siblings the sender left out."""
    labels, annotations = item.labels, item.annotations
    return Alert(
        source=source,
        fingerprint=item.fingerprint,
        status=AlertStatus(item.status),
        starts_at=_starts_at(item.starts_at),
        ends_at=_ends_at(item),
        name=labels.get("alertname", ""),
        summary=_first(annotations, "summary", "description", "message", "title"),
        severity=_severity(labels),
        labels=labels,
        annotations=annotations,
        metric_type=labels.get("__name__", ""),
        expression=_expression(item.generator_url),
        url=item.generator_url,
        runbook=_first(annotations, "runbook_url", "runbookURL", "runbook"),
        notes=(f"the sender left {truncated} more alerts out",) if truncated else (),
        published_at=published_at,
    )


def _severity(labels: dict[str, str]) -> Severity | None:
    """What the labels `severity` or `priority` say, in that order."""
    return severity_from_word(labels.get("severity", "")) or severity_from_word(
        labels.get("priority", "")
    )


def _first(values: dict[str, str], *names: str) -> str:
    return next((values[name] for name in names if values.get(name)), "")


def _expression(url: str) -> str:
    """The rule's PromQL, which Prometheus puts into the link to its own graph (`g0.expr`)."""
    try:
        return parse_qs(urlsplit(url).query, max_num_fields=50).get("g0.expr", [""])[0]
    except ValueError:
        return ""
