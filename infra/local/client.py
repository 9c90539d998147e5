"""A person's hands and eyes: the world's public endpoints, called over HTTP."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import httpx

from shared.domain.ids import derive


class WorldClient:
    """Calls the world under its base URL. Raises `httpx.HTTPError` when it does not answer."""

    def __init__(self, base_url: str, token: str = "local") -> None:  # noqa: S107 - opens only the local world
        self.base_url = base_url
        self._token = token
        self._http = httpx.Client(base_url=base_url, timeout=15)

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def healthy(self) -> bool:
        """Whether the world says that everything is up."""
        try:
            return self._http.get("/api/health").status_code == 200
        except httpx.HTTPError:
            return False

    def services(self) -> list[dict[str, Any]]:
        """Cloud Run's services with their traffic."""
        return self._list("/sim/run/services")

    def traffic_requests(self) -> list[dict[str, Any]]:
        """Every change that Cloud Run was asked for, with times in Unix seconds."""
        return self._list("/sim/run/log")

    def deploy(self, service: str, behaviour: str, suffix: str = "") -> None:
        """Deploy a new revision."""
        order = {"service": service, "behaviour": behaviour, "revision_suffix": suffix}
        self._post("/sim/run/deploy", order)

    def fault(self, service: str, fault: str, times: int = -1, seconds: float = 5.0) -> None:
        """Have Cloud Run misbehave for a service; `seconds` is how late or slow it is."""
        order = {"service": service, "fault": fault, "times": times, "seconds": seconds}
        self._post("/sim/run/faults", order)

    def clear_faults(self) -> None:
        """Have Cloud Run behave again."""
        self._http.delete("/sim/run/faults").raise_for_status()

    def front(self, service: str, path: str = "/") -> int:
        """The status of a real request to a service."""
        return self._http.get(f"/sim/front/{service}{path}").status_code

    def alert(self, webhook: dict[str, Any]) -> int:
        """Post a webhook to `ingest`; the status it answered."""
        headers = {"Authorization": f"Bearer {self._token}"}
        return self._http.post("/ingest", json=webhook, headers=headers).status_code

    def push(self, function: str, data: bytes, attributes: Mapping[str, str]) -> int:
        """Post a message to a function as Pub/Sub pushes it; the status it answered."""
        message = {
            "data": base64.b64encode(data).decode(),
            "messageId": derive("message", data.decode(), length=16),
            "attributes": dict(attributes),
        }
        body = {"message": message, "subscription": f"projects/local/subscriptions/{function}"}
        return self._http.post(f"/{function}", json=body).status_code

    def drill(self, order: dict[str, Any], scheduled_for: str) -> int:
        """Ask for a drill as Cloud Scheduler does; the status it answered."""
        headers = {"X-CloudScheduler-ScheduleTime": scheduled_for}
        return self._http.post("/drill", json=order, headers=headers).status_code

    def messages(self) -> list[dict[str, Any]]:
        """What stands in Slack."""
        return self._list("/sim/slack/messages")

    def pages(self) -> list[dict[str, Any]]:
        """Those of the messages that wake somebody: they begin with a mention."""
        return [message for message in self.messages() if message["text"].startswith("<@")]

    def press(self, ts: str, action: str, user: str) -> bool:
        """Press a button in Slack; whether `slack` took it."""
        return self._taken("/sim/slack/press", {"ts": ts, "action_id": action, "user": user})

    def command(self, text: str, user: str, channel: str) -> bool:
        """Type `/switchman` and the text; whether `slack` took it."""
        body = {"command": "/switchman", "text": text, "user": user, "channel": channel}
        return self._taken("/sim/slack/command", body)

    def views(self) -> list[dict[str, Any]]:
        """The open modals."""
        return self._list("/sim/slack/views")

    def submit(self, view_id: str, user: str, values: dict[str, Any]) -> bool:
        """Fill a modal and submit it; whether `slack` took it."""
        body = {"view_id": view_id, "user": user, "values": values}
        return self._taken("/sim/slack/submit", body)

    def incidents(self) -> list[dict[str, Any]]:
        """All incidents, newest first."""
        return self._list("/api/incidents")

    def incident(self, incident_id: str) -> dict[str, Any]:
        """One incident with its timeline."""
        found: dict[str, Any] = self._get(f"/api/incidents/{incident_id}")
        return found

    def drills(self) -> list[dict[str, Any]]:
        """All drills, newest first."""
        return self._list("/api/drills")

    def stacks(self) -> list[dict[str, Any]]:
        """Every stack's head."""
        return self._list("/api/stacks")

    def _list(self, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._get(path)
        return found

    def _get(self, path: str) -> Any:
        return self._http.get(path).raise_for_status().json()

    def _taken(self, path: str, body: dict[str, Any]) -> bool:
        answer = self._http.post(path, json=body).raise_for_status().json()
        return bool(answer["status"] == 200)

    def _post(self, path: str, body: dict[str, Any]) -> None:
        self._http.post(path, json=body).raise_for_status()


def button(message: dict[str, Any], action: str) -> bool:
    """Whether a Slack message still has this button."""
    return any(
        element.get("action_id") == action
        for block in message.get("blocks") or []
        for element in block.get("elements") or []
        if isinstance(element, dict)
    )
