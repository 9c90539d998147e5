"""What senders send to the entry points, built for tests."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

TOKEN = "a-token-for-tests"
SIGNING_SECRET = "a-signing-secret-for-tests"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def alert(number: int = 1, **changed: Any) -> dict[str, Any]:
    """An alert of Alertmanager's that belongs to the shipped policy's stack."""
    return {
        "status": "firing",
        "labels": {
            "alertname": "openagents_runtime_convex_projection_lag_high",
            "severity": "warning",
            "number": str(number),
        },
        "annotations": {"summary": "The projection of runs lags"},
        "startsAt": "2026-02-25T10:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": f"{number:016x}",
        **changed,
    }


def webhook(*alerts: Any, **changed: Any) -> dict[str, Any]:
    """A webhook of Alertmanager's, version 4."""
    return {
        "version": "4",
        "status": "firing",
        "receiver": "switchman",
        "groupKey": "{}:{}",
        "truncatedAlerts": 0,
        "alerts": list(alerts),
        **changed,
    }


def push(data: bytes, message_id: str = "1", **attributes: str) -> dict[str, Any]:
    """A push envelope of Pub/Sub's."""
    return {
        "message": {
            "data": base64.b64encode(data).decode(),
            "messageId": message_id,
            "publishTime": "2026-02-25T10:00:01Z",
            "attributes": attributes,
        },
        "subscription": "projects/p/subscriptions/s",
    }


def push_of(found: object, message_id: str = "1", **attributes: str) -> dict[str, Any]:
    """A push envelope around a JSON value."""
    return push(json.dumps(found).encode(), message_id, **attributes)


def press(incident: str, action_id: str = "acknowledge", user: str = "U0RUNTIME1") -> bytes:
    """The form Slack posts when somebody presses a button."""
    payload = {
        "type": "block_actions",
        "user": {"id": user, "username": "ruth"},
        "container": {"channel_id": "C0000001", "message_ts": "1.2"},
        "actions": [{"action_id": action_id, "value": incident}],
        "response_url": "https://hooks.slack.invalid/actions/1",
        "trigger_id": "1.2.3",
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


def signed(body: bytes, at: float | str, secret: str = SIGNING_SECRET) -> Mapping[str, str]:
    """The headers of a request that Slack signed at this instant (seconds since 1970)."""
    stamp = at if isinstance(at, str) else str(int(at))
    base = b"v0:" + stamp.encode() + b":" + body
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest(),
    }
