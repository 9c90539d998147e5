"""Judges from outside how a scenario ended: Cloud Run, Slack, the API and the prober, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from infra.local.client import WorldClient, button
from infra.local.prober import Probe, outage

RTO_AGREES_WITHIN = 0.5
RTO_TARGET = 300.0


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that must be so, whether it is, and what was seen."""

    text: str
    holds: bool
    seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What an outsider can see at the end, and the traffic there was before anything broke."""

    incidents: list[dict[str, Any]]
    incident: dict[str, Any]
    messages: list[dict[str, Any]]
    services: list[dict[str, Any]]
    before: dict[str, Any]
    requests: list[dict[str, Any]]
    probes: Sequence[Probe]


def look(
    client: WorldClient, incident_id: str, before: dict[str, Any], probes: Sequence[Probe]
) -> Seen:
    """Look at everything once."""
    return Seen(
        incidents=client.incidents(),
        incident=client.incident(incident_id),
        messages=client.messages(),
        services=client.services(),
        before=before,
        requests=client.traffic_requests(),
        probes=probes,
    )


def traffic(services: list[dict[str, Any]]) -> dict[str, Any]:
    """Each service's traffic, as it was asked for."""
    return {service["service"]: service["traffic"] for service in services}


def first_traffic_request(requests: Sequence[dict[str, Any]]) -> float | None:
    """When Cloud Run was first asked to change traffic (Unix seconds)."""
    times = [
        request["at"]
        for request in requests
        if request["method"] == "UpdateService" and not request["validate_only"]
    ]
    return min(times, default=None)


def bad_revision(seen: Seen) -> list[Claim]:
    """One page, approval by button, both services moved, recovered."""
    rollback = seen.incident["rollback"] or {}
    targets = {service["service"]: service["to"] for service in rollback.get("services", [])}
    return [
        _one_incident(seen),
        _pages(seen, 1),
        _approved(seen),
        _served(seen, targets),
        _verdict(rollback, "recovered"),
        _rto(seen, rollback),
        _good_now(seen),
        _no_buttons(seen),
    ]


def half_rollback(seen: Seen) -> list[Claim]:
    """Traffic exactly as before, and a second page with both states."""
    rollback = seen.incident["rollback"] or {}
    return [
        _one_incident(seen),
        _pages(seen, 2),
        _approved(seen),
        _verdict(rollback, "not_recovered"),
        _as_before(seen),
        _both_states(seen, rollback),
    ]


def _one_incident(seen: Seen) -> Claim:
    count = len(seen.incidents)
    return Claim("one incident was opened", count == 1, f"{count}")


def _pages(seen: Seen, wanted: int) -> Claim:
    sent = [page for page in seen.incident["pages"] if page["sent_at"]]
    posts = [message for message in seen.messages if not message.get("ephemeral_to")]
    text = "one page was sent" if wanted == 1 else f"{wanted} pages were sent"
    holds = len(sent) == wanted == len(posts)
    return Claim(text, holds, f"{len(sent)} recorded, {len(posts)} messages in Slack")


def _approved(seen: Seen) -> Claim:
    by = (seen.incident["rollback"] or {}).get("approved_by")
    return Claim("a person approved it by button", bool(by), str(by or "nobody"))


def _verdict(rollback: dict[str, Any], wanted: str) -> Claim:
    said = rollback.get("verdict")
    return Claim(f"the verdict is {wanted}", said == wanted, str(said))


def _served(seen: Seen, targets: dict[str, str]) -> Claim:
    moved = [
        service["service"]
        for service in seen.services
        if any(
            status["percent"] == 100 and status["revision"] == targets.get(service["service"])
            for status in service["traffic_statuses"]
        )
    ]
    holds = len(moved) == len(seen.services) > 0
    return Claim("Cloud Run serves every service from its target", holds, ", ".join(moved))


def _rto(seen: Seen, rollback: dict[str, Any]) -> Claim:
    began, recovered = first_traffic_request(seen.requests), outage(seen.probes).recovered_at
    said = rollback.get("rto_seconds")
    text = f"the RTO is the prober's within {RTO_AGREES_WITHIN} s and below {RTO_TARGET:.0f} s"
    if began is None or recovered is None or said is None:
        return Claim(text, holds=False, seen=f"{said} s; the prober saw no recovery")
    probed = recovered - began
    holds = abs(said - probed) <= RTO_AGREES_WITHIN and said <= RTO_TARGET
    return Claim(text, holds, f"{said:.2f} s, prober {probed:.2f} s")


def _good_now(seen: Seen) -> Claim:
    last = {}
    for service in {probe.service for probe in seen.probes}:
        mine = [probe for probe in seen.probes if probe.service == service and probe.told]
        last[service] = mine[-10:]
    good = sum(probe.good for probes in last.values() for probe in probes)
    total = sum(len(probes) for probes in last.values())
    return Claim("requests succeed again", 0 < good == total, f"the last {good} of {total}")


def _no_buttons(seen: Seen) -> Claim:
    actions = ("acknowledge", "approve_rollback", "reject_rollback")
    left = [a for message in seen.messages for a in actions if button(message, a)]
    return Claim("used buttons are gone", not left, ", ".join(left) or "none left")


def _as_before(seen: Seen) -> Claim:
    now = traffic(seen.services)
    same = [service for service in now if now[service] == seen.before.get(service)]
    holds = len(same) == len(now) > 0
    return Claim("traffic is exactly as it was before", holds, ", ".join(same))


def _both_states(seen: Seen, rollback: dict[str, Any]) -> Claim:
    last = str(seen.messages[-1]["blocks"]) if seen.messages else ""
    names = [service["service"] for service in rollback.get("services", [])]
    told = [name for name in names if f"{name}: before " in last]
    holds = len(told) == len(names) > 0
    return Claim("the second page tells both services' states", holds, ", ".join(told))


ENDS: dict[str, Callable[[Seen], list[Claim]]] = {
    "bad-revision": bad_revision,
    "half-rollback": half_rollback,
}
