"""What an outsider can see of the world, and what is claimed about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from infra.local.client import WorldClient
from infra.local.prober import Probe
from shared.domain.decide.freezing import TOLD


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that must be so, whether it is, and what was seen."""

    text: str
    holds: bool
    seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What is looked at again and again until the scenario has come to its end.

    `incident` is the newest one with its timeline.
    """

    incident: dict[str, Any] | None
    drills: Sequence[dict[str, Any]]

    @property
    def rollback(self) -> dict[str, Any]:
        """The incident's rollback; empty if there is none."""
        return (self.incident or {}).get("rollback") or {}

    @property
    def all_paged(self) -> bool:
        """Whether there is an incident, and every page about it is out."""
        pages = (self.incident or {}).get("pages") or []
        return bool(pages) and all(page["sent_at"] for page in pages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen(Glance):
    """What can be seen at the end, and the traffic there was before anything happened.

    `seconds` is how long it took from the first sight of something to the end.
    """

    incidents: Sequence[dict[str, Any]]
    messages: Sequence[dict[str, Any]]
    services: Sequence[dict[str, Any]]
    stacks: Sequence[dict[str, Any]]
    requests: Sequence[dict[str, Any]]
    before: dict[str, Any]
    probes: Sequence[Probe]
    seconds: float

    @property
    def posts(self) -> list[dict[str, Any]]:
        """The messages that everybody in a channel sees, but for those that only tell of it."""
        shown = [message for message in self.messages if not message.get("ephemeral_to")]
        return [message for message in shown if TOLD not in str(message["blocks"])]

    @property
    def changes(self) -> list[dict[str, Any]]:
        """What Cloud Run was asked to do with traffic, and not only to validate."""
        return [
            request
            for request in self.requests
            if request["method"] == "UpdateService" and not request["validate_only"]
        ]


Check = Callable[[Seen], Claim]


def glance(client: WorldClient) -> Glance:
    """Look whether it has ended."""
    incidents = client.incidents()
    newest = client.incident(incidents[0]["id"]) if incidents else None
    return Glance(incident=newest, drills=client.drills())


def look(
    client: WorldClient, before: dict[str, Any], probes: Sequence[Probe], seconds: float
) -> Seen:
    """Look at everything once."""
    last = glance(client)
    return Seen(
        incident=last.incident,
        drills=last.drills,
        incidents=client.incidents(),
        messages=client.messages(),
        services=client.services(),
        stacks=client.stacks(),
        requests=client.traffic_requests(),
        before=before,
        probes=probes,
        seconds=seconds,
    )


def traffic(services: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Each service's traffic, as it was asked for."""
    return {service["service"]: service["traffic"] for service in services}
