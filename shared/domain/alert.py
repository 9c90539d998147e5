"""One firing or resolved series, whoever sent it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from shared.domain.ids import derive, stamp
from shared.domain.recording import Budget, Recorded
from shared.domain.severity import Severity
from shared.domain.words import measured, phrases

# The labels in which senders say which service, host or path an alert is about.
TARGET_LABELS: Final = frozenset(
    {"service", "service_name", "configuration_name", "job", "app", "component", "container"}
    | {"container_name", "pod", "instance", "host", "hostname", "target", "url", "uri", "path"}
    | {"route", "endpoint", "handler", "database", "database_id", "secret", "secret_id"}
    | {"instance_name", "revision_name", "resource_name", "server", "datname", "queue"}
    | {"job_name", "cronjob", "deployment", "statefulset", "sloth_service"}
)
# Labels of monitored resources that say where, which every resource of a project shares.
_PLACE_LABELS: Final = frozenset({"project_id", "location", "region", "zone"})


class AlertStatus(StrEnum):
    """An alert only ever goes from firing to resolved."""

    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What a sender told us, in one shape for every sender.

    `source` is the name under which the sender is configured here, never something the
    message claims. Times are aware and in UTC. `severity` is the sender's own, if it gave one.
    `expression` is the query the sender evaluates, where it says so. `published_at` is when the
    message was made durable on its way to us, the same for every delivery of it.
    """

    source: str
    fingerprint: str
    status: AlertStatus
    starts_at: datetime
    ends_at: datetime | None = None
    name: str = ""
    summary: str = ""
    severity: Severity | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    metric_type: str = ""
    metric_labels: Mapping[str, str] = field(default_factory=dict)
    resource_type: str = ""
    resource_labels: Mapping[str, str] = field(default_factory=dict)
    policy_name: str = ""
    condition_name: str = ""
    expression: str = ""
    url: str = ""
    runbook: str = ""
    notes: tuple[str, ...] = ()
    published_at: datetime | None = None

    @property
    def series(self) -> str:
        """What all alerts of the same labels from the same source share, whenever they start."""
        return derive("series", self.source, self.fingerprint)

    @property
    def row_id(self) -> str:
        """The id of this alert's row: configured source, fingerprint and start."""
        return derive("alert", self.source, self.fingerprint, stamp(self.starts_at))

    @property
    def event_id(self) -> str:
        """The id of the event "this alert reported this status", and when, if that is known.

        A series may end and fire again with the same start: the same words, said later, are
        another event.
        """
        said = f"{self.row_id}-{self.status}"
        return f"{said}-{stamp(self.published_at)}" if self.published_at else said

    @property
    def title(self) -> str:
        """What to call it in front of a person."""
        return self.name or self.condition_name or self.policy_name or self.metric_type or "alert"

    def recorded(self) -> Recorded:
        """What the store keeps of it, so that it can be told again."""
        room = Budget()
        return Recorded(
            source=self.source,
            fingerprint=self.fingerprint,
            name=room.text(self.name),
            severity=self.severity,
            metric_type=room.text(self.metric_type),
            metric_labels=room.texts(self.metric_labels),
            resource_type=room.text(self.resource_type),
            resource_labels=room.texts(self.resource_labels),
            policy_name=room.text(self.policy_name),
            condition_name=room.text(self.condition_name),
            expression=room.text(self.expression),
            summary=room.text(self.summary),
            annotations=room.texts(self.annotations),
            url=room.text(self.url),
            cut=room.cut,
        )

    def facts(self) -> dict[str, str]:
        """Everything a route may match on, by name.

        Labels keep their own names. The rest has a prefix with a colon, which no Prometheus
        label may contain: `annotation:`, `metric:`, `resource:`, `alert:`. Three of them hold
        what every sender spells its own way:

        - `alert:signal`: what is measured (metric and query) in plain words;
        - `alert:words`: that, and every name people gave it, each after a ` / `;
        - `alert:target`: the services, hosts and paths it is about, in lower case.
        """
        facts = dict(self.labels)
        for prefix, values in (
            ("annotation:", self.annotations),
            ("metric:", self.metric_labels),
            ("resource:", self.resource_labels),
        ):
            for key, value in values.items():
                facts[prefix + key] = value
        signal = (self.metric_type, measured(self.expression))
        rule = self.labels.get("rulename", "")  # Grafana's own alerts say which rule has no data
        names = (self.name, rule, self.condition_name, self.policy_name)
        facts["metric:type"] = self.metric_type
        facts["resource:type"] = self.resource_type
        facts["alert:source"] = self.source
        facts["alert:name"] = self.name
        facts["alert:policy"] = self.policy_name
        facts["alert:condition"] = self.condition_name
        facts["alert:expression"] = self.expression
        facts["alert:signal"] = phrases(signal)
        facts["alert:words"] = phrases((*names, self.metric_labels.get("check_id", ""), *signal))
        facts["alert:target"] = self._target()
        return facts

    def _target(self) -> str:
        about = [
            values[name]
            for values in (self.labels, self.metric_labels)
            for name in sorted(TARGET_LABELS.intersection(values))
        ]
        about += [
            self.resource_labels[name]
            for name in sorted(self.resource_labels.keys() - _PLACE_LABELS)
        ]
        return " ".join(dict.fromkeys(about)).lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """What the store keeps of an alert: where it went, and whether it still fires.

    `incident` is empty for an alert that never opened or joined one; `reason` then says why.
    `heard_at` is when the last message was published that its status is known from. `ends_at` is
    by the sender's clock, and None where the sender never said that it ended. `recorded` is what
    else it said; rows of older versions have none.
    """

    id: str
    stack: str
    lane: str
    incident: str
    status: AlertStatus
    title: str
    starts_at: datetime
    received_at: datetime
    ends_at: datetime | None = None
    reason: str = ""
    series: str = ""
    heard_at: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    recorded: Recorded | None = None

    def again(self) -> Alert:
        """The alert as it was received, so far as that is known."""
        kept = self.recorded or Recorded(source="", fingerprint=self.id, name=self.title)
        return Alert(
            source=kept.source,
            fingerprint=kept.fingerprint,
            status=self.status,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            name=kept.name,
            summary=kept.summary,
            severity=kept.severity,
            labels=self.labels,
            annotations=kept.annotations,
            metric_type=kept.metric_type,
            metric_labels=kept.metric_labels,
            resource_type=kept.resource_type,
            resource_labels=kept.resource_labels,
            policy_name=kept.policy_name,
            condition_name=kept.condition_name,
            expression=kept.expression,
            url=kept.url,
        )

    def told_as(self, told: AlertRow) -> AlertRow | None:
        """This row with the end that `told` reports, or confirmed to fire by a later message.

        Where it went was decided when it fired. None for what is no news, or cannot be: that it
        fires, as was known already, or though it has ended.
        """
        if told.status is AlertStatus.FIRING and not self._confirmed_by(told):
            return None
        return replace(
            self,
            status=told.status,
            ends_at=told.ends_at,
            heard_at=told.heard_at,
            reason=told.reason or self.reason,
        )

    def _confirmed_by(self, told: AlertRow) -> bool:
        if self.status is AlertStatus.RESOLVED or told.heard_at is None:
            return False
        return self.heard_at is None or told.heard_at > self.heard_at
