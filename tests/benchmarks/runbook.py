"""The runbook's way: one service after the other, and then a look at their health."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta

from shared.adapters.clock import SystemClock
from shared.adapters.cloud_run import CloudRunTraffic
from shared.adapters.http_health import HttpHealth
from shared.app.parallel import in_threads
from shared.app.recovery import WatchHealth
from shared.domain.policy import Service, StackPolicy
from shared.domain.rollback import TrafficTarget

_PATIENCE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """How long it took: each service's move, the look at health, and all of it."""

    moves: tuple[timedelta, ...]
    health: timedelta
    total: timedelta


def roll_back(stack: StackPolicy, address: str) -> Took:
    """Send each service back to the revision before the one that serves, and wait until it is."""
    clock = SystemClock()
    traffic = CloudRunTraffic(clock, endpoint=address)
    began = clock.now()
    moves = tuple(_move(traffic, clock, service) for service in stack.services)
    with closing(HttpHealth(clock)) as health:
        moved_at = clock.now()
        checks = [(traffic.look(s.resource).uri, s.health) for s in stack.services]
        found = WatchHealth(health, clock, in_threads)(checks, stack.rollback)
    if found.healthy_at is None:
        raise RuntimeError(f"health did not come back: {found.detail}")
    ended = clock.now()
    return Took(moves=moves, health=ended - moved_at, total=ended - began)


def _move(traffic: CloudRunTraffic, clock: SystemClock, service: Service) -> timedelta:
    began = clock.now()
    state = traffic.look(service.resource)
    names = [revision.name for revision in traffic.revisions(service.resource)]
    before = names[names.index(state.main_revision) + 1]
    wanted = (TrafficTarget(percent=100, revision=before),)
    traffic.send(service.resource, wanted, state.etag)
    traffic.settled(service.resource, wanted, _PATIENCE)
    return clock.now() - began
