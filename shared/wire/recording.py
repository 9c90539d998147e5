"""A recording: alerts as they were received, one a line, in the form of the domain.

Each line is `{"received_at": ..., "recorded": {...}}`. What a sender's own form says is in it
already read, so that an alert of any sender is told again exactly as it was.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from shared.domain.alert import Alert, AlertStatus
from shared.domain.severity import Severity
from shared.wire import strict_json


class _Alert(msgspec.Struct, omit_defaults=True, kw_only=True):
    source: str = ""
    fingerprint: str
    status: AlertStatus
    starts_at: datetime
    ends_at: datetime | None = None
    name: str = ""
    severity: Severity | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    metric_type: str = ""
    metric_labels: dict[str, str] = {}
    resource_type: str = ""
    resource_labels: dict[str, str] = {}
    policy_name: str = ""
    condition_name: str = ""
    expression: str = ""
    summary: str = ""
    url: str = ""


class _Line(msgspec.Struct):
    received_at: datetime
    recorded: _Alert


def parse(body: bytes) -> Alert:
    """The alert of one line, published when it was received. Raises `BadMessage`."""
    line = strict_json.decode(body, _Line, "the recorded alert")
    told = msgspec.structs.asdict(line.recorded)
    for name in ("starts_at", "ends_at"):
        told[name] = _utc(told[name]) if told[name] else None
    return Alert(**told, published_at=_utc(line.received_at))


def line(alert: Alert, received_at: datetime) -> str:
    """The alert as one line, without its end."""
    told = {name: getattr(alert, name) for name in _Alert.__struct_fields__}
    for name in ("labels", "annotations", "metric_labels", "resource_labels"):
        told[name] = dict(told[name])
    return msgspec.json.encode(_Line(received_at, _Alert(**told))).decode()


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
