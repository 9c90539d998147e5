"""Cloud Monitoring incidents as they are published to Pub/Sub, versions 1.0 to 1.2 and `test`.

https://cloud.google.com/monitoring/support/notification-options#schema-pubsub
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from shared.domain.alert import Alert, AlertStatus
from shared.domain.errors import BadMessage
from shared.domain.ids import derive
from shared.domain.severity import Severity, severity_from_word
from shared.wire import strict_json
from shared.wire.condition import Condition
from shared.wire.instants import from_any
from shared.wire.strict_json import Scalar, Texts, text, texts

_STATES: Final = (
    ("open", AlertStatus.FIRING),
    ("acknowledged", AlertStatus.FIRING),
    ("closed", AlertStatus.RESOLVED),
)


class _Typed(msgspec.Struct):
    """A metric or a monitored resource."""

    type: Scalar = None
    labels: Texts | None = None


class _Metadata(msgspec.Struct):
    system_labels: Texts | None = None
    user_labels: Texts | None = None


class _Link(msgspec.Struct):
    url: Scalar = None


class _Documentation(msgspec.Struct):
    content: Scalar = None
    subject: Scalar = None
    links: list[_Link] | None = None


class _Incident(msgspec.Struct):
    """What Switchman reads of an incident; whatever else it holds does not matter."""

    state: Scalar = None
    incident_id: Scalar = None
    started_at: Scalar = None
    ended_at: Scalar = None
    policy_name: Scalar = None
    condition_name: Scalar = None
    resource_name: Scalar = None
    resource_id: Scalar = None
    summary: Scalar = None
    url: Scalar = None
    severity: Scalar = None
    observed_value: Scalar = None
    threshold_value: Scalar = None
    policy_user_labels: Texts | None = None
    condition: dict[str, msgspec.Raw] | None = None
    metric: _Typed | None = None
    resource: _Typed | None = None
    metadata: _Metadata | None = None
    documentation: _Documentation | str | None = None


class _Notification(msgspec.Struct):
    incident: _Incident
    version: Scalar = None


def parse(body: bytes, source: str) -> tuple[Alert, ...]:
    """The one alert of the incident. Raises `BadMessage`, or `TooLarge` beyond 30 MiB."""
    raw = strict_json.clean(body)
    notification = strict_json.decode(raw, _Notification, "the Cloud Monitoring incident")
    incident = notification.incident
    condition = Condition(incident.condition or {})
    metric = incident.metric or _Typed()
    resource = incident.resource or _Typed()
    status = _status(incident)
    documentation = _documentation(incident)
    return (
        Alert(
            source=source,
            fingerprint=_fingerprint(incident),
            status=status,
            starts_at=_started_at(incident),
            ends_at=_ended_at(incident) if status is AlertStatus.RESOLVED else None,
            summary=text(incident.summary) or text(documentation.subject),
            severity=_severity(incident),
            labels=_labels(incident),
            annotations=_annotations(incident, documentation),
            metric_type=text(metric.type) or condition.type_of("metric"),
            metric_labels=condition.labels_of("metric") | texts(metric.labels),
            resource_type=text(resource.type) or condition.type_of("resource"),
            resource_labels=condition.labels_of("resource") | texts(resource.labels),
            policy_name=text(incident.policy_name),
            condition_name=text(incident.condition_name) or condition.name,
            expression=condition.expression,
            url=text(incident.url),
            runbook=next((text(link.url) for link in documentation.links or ()), ""),
            notes=_notes(notification),
        ),
    )


def _status(incident: _Incident) -> AlertStatus:
    word = text(incident.state).strip().lower()
    for name, status in _STATES:
        if word == name:
            return status
    raise BadMessage("the incident's state is neither open nor closed")


def _started_at(incident: _Incident) -> datetime:
    try:
        started_at = from_any(incident.started_at)
    except ValueError as error:
        raise BadMessage(f"the incident's started_at is {error}") from error
    if started_at is None:
        raise BadMessage("the incident's started_at is not set")
    return started_at


def _ended_at(incident: _Incident) -> datetime | None:
    try:
        return from_any(incident.ended_at)
    except ValueError:
        return None


def _fingerprint(incident: _Incident) -> str:
    """The incident's id; without one, what it is about: policy, condition and resource."""
    given = text(incident.incident_id).strip()
    if given and len(given) <= 128:
        return given
    resource = incident.resource or _Typed()
    labels = texts(resource.labels)
    about = (
        *(text(incident.policy_name), text(incident.condition_name)),
        *(text(resource.type), text(incident.resource_id), text(incident.resource_name)),
        *(part for pair in labels.items() for part in pair),
    )
    if not given and not any(about):
        raise BadMessage("the incident names neither its id nor a condition or resource")
    return derive("fingerprint", given, *about)


def _documentation(incident: _Incident) -> _Documentation:
    documentation = incident.documentation
    if isinstance(documentation, str):
        return _Documentation(content=documentation)
    return documentation or _Documentation()


def _labels(incident: _Incident) -> dict[str, str]:
    """What people put on the resource, and over it what they put on the alert policy."""
    metadata = incident.metadata or _Metadata()
    return (
        texts(metadata.system_labels)
        | texts(metadata.user_labels)
        | texts(incident.policy_user_labels)
    )


def _severity(incident: _Incident) -> Severity | None:
    own = severity_from_word(text(incident.severity))
    labels = _labels(incident)
    return own or severity_from_word(labels.get("severity", labels.get("priority", "")))


def _annotations(incident: _Incident, documentation: _Documentation) -> dict[str, str]:
    found = {
        "summary": text(incident.summary),
        "documentation": text(documentation.content),
        "observed_value": text(incident.observed_value),
        "threshold_value": text(incident.threshold_value),
        "resource_name": text(incident.resource_name),
    }
    return {name: value for name, value in found.items() if value}


def _notes(notification: _Notification) -> tuple[str, ...]:
    if text(notification.version).lower() == "test":
        return ("a test notification, sent from Cloud Monitoring by hand",)
    return ()
