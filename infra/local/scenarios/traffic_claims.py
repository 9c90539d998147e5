"""Claims about traffic: what Cloud Run was asked, what it serves, and what the prober saw."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from infra.local.judge import Claim, Seen, traffic
from infra.local.prober import outage, served_by

AGREES_WITHIN = 0.5
TARGET_SECONDS = 300.0
_LAST = 10


def untouched(seen: Seen) -> Claim:
    """Cloud Run was asked to change nothing, and nothing has changed."""
    same = traffic(seen.services) == seen.before
    said = f"{len(seen.changes)} changes asked for, {'the same' if same else 'different'} now"
    return Claim("traffic is untouched", same and not seen.changes and bool(seen.services), said)


def as_before(seen: Seen) -> Claim:
    """Every service's traffic is asked for exactly as it was at first."""
    now = traffic(seen.services)
    same = [service for service in now if now[service] == seen.before.get(service)]
    holds = len(same) == len(now) > 0
    return Claim("traffic is exactly as it was before", holds, ", ".join(same))


def served(seen: Seen) -> Claim:
    """Every service is served by the revision that the plan sent it to."""
    targets = revisions(seen.rollback.get("services", ()), "to")
    moved = [name for name, revision in targets.items() if serving(seen, name) == revision]
    holds = len(moved) == len(seen.services) > 0
    return Claim("Cloud Run serves every service from its target", holds, ", ".join(moved))


def moved_once(seen: Seen) -> Claim:
    """Cloud Run was asked once for each service."""
    asked = sorted(change["service"] for change in seen.changes)
    holds = asked == sorted(service["service"] for service in seen.services)
    return Claim("each service was moved once", holds, f"{len(asked)} changes asked for")


def rto_agrees(seen: Seen) -> Claim:
    """The RTO that is told is the prober's, from the first traffic request to recovery."""
    began, recovered = first(seen.changes), outage(seen.probes).recovered_at
    probed = recovered - began if recovered and began else None
    text = f"the RTO is the prober's within {AGREES_WITHIN} s and below {TARGET_SECONDS:.0f} s"
    return agreement(text, seen.rollback.get("rto_seconds"), probed)


def rto_as_served(seen: Seen) -> Claim:
    """The RTO that is told is the prober's, until every service answered from its target."""
    began, targets = first(seen.changes), revisions(seen.rollback.get("services", ()), "to")
    served_at = served_by(seen.probes, targets, began) if began else None
    probed = served_at - began if served_at and began else None
    text = f"the RTO is the prober's within {AGREES_WITHIN} s and below {TARGET_SECONDS:.0f} s"
    return agreement(text, seen.rollback.get("rto_seconds"), probed)


def good_now(seen: Seen) -> Claim:
    """The last requests to every service succeeded."""
    by_service: defaultdict[str, list[bool]] = defaultdict(list)
    for probe in seen.probes:
        if probe.told:
            by_service[probe.service].append(probe.good)
    last = [good for answers in by_service.values() for good in answers[-_LAST:]]
    said = f"the last {sum(last)} of {len(last)}"
    return Claim("requests succeed", 0 < sum(last) == len(last), said)


def none_failed(seen: Seen) -> Claim:
    """No request failed at any time."""
    told = [probe for probe in seen.probes if probe.told]
    failed = sum(not probe.good for probe in told)
    return Claim("no request failed", bool(told) and not failed, f"{failed} of {len(told)}")


def agreement(text: str, said: float | None, probed: float | None) -> Claim:
    """Whether a time that is told is the time that was seen, and below the target."""
    if said is None or probed is None:
        return Claim(text, holds=False, seen=f"told: {said}; seen by the prober: {probed}")
    holds = abs(said - probed) <= AGREES_WITHIN and said <= TARGET_SECONDS
    return Claim(text, holds, f"{said:.2f} s, prober {probed:.2f} s")


def first(requests: Sequence[dict[str, Any]]) -> float | None:
    """When the first of these requests came (Unix seconds)."""
    return min((request["at"] for request in requests), default=None)


def serving(seen: Seen, name: str) -> str:
    """The one revision that gets all requests of a service; empty if there is none."""
    found = next((s for s in seen.services if s["service"] == name), {"traffic_statuses": ()})
    return next((s["revision"] for s in found["traffic_statuses"] if s["percent"] == 100), "")


def revisions(planned: Sequence[dict[str, Any]], end: str) -> dict[str, str]:
    """Each planned service's revision, at the `from` or the `to` end."""
    return {service["service"]: service[end] for service in planned}
