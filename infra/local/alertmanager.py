"""What Alertmanager would post: webhooks of version 4 about made-up series.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from shared.domain.ids import derive

_STILL_FIRING = "0001-01-01T00:00:00Z"


def alert(
    labels: Mapping[str, str],
    summary: str,
    starts_at: str,
    status: str = "firing",
    ends_at: str = "",
) -> dict[str, Any]:
    """One alert. The same labels are the same series, whenever it starts to fire.

    A resolved one ended now, or at `ends_at`; who tells an end again tells the same one.
    """
    ended = ends_at or datetime.now(UTC).isoformat()
    series = [part for pair in sorted(labels.items()) for part in pair]
    return {
        "status": status,
        "labels": dict(labels),
        "annotations": {"summary": summary},
        "startsAt": starts_at,
        "endsAt": ended if status == "resolved" else _STILL_FIRING,
        "generatorURL": "http://prometheus.local/graph",
        "fingerprint": derive("fingerprint", *series, length=16),
    }


def webhook(alerts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """These alerts, all of one name and status, in one webhook."""
    name = alerts[0]["labels"]["alertname"]
    return {
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{name}"}}',
        "truncatedAlerts": 0,
        "status": alerts[0]["status"],
        "receiver": "switchman",
        "groupLabels": {"alertname": name},
        "commonLabels": {"alertname": name},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.local",
        "alerts": [*alerts],
    }
