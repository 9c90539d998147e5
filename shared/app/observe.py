"""Looking at a stack's services. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from shared.app.parallel import Parallel, in_threads
from shared.domain.action import ObserveOrder, Ripe, Sights, Unseen
from shared.domain.errors import Refused, Transient
from shared.domain.ledger import Look
from shared.domain.policy import Policy, Service
from shared.ports import Clock, Lease, Metrics, Traffic

LONGEST: Final = timedelta(days=1)
"""Requests are counted since the soak began, and over no longer than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observe:
    """Looks at every service once. What cannot be seen now, the next minute's look may see.

    Requests are counted only of what is ripe, and digests read only of what was then used: a
    minute without news costs one request to Cloud Run for each service. Where nobody can count
    requests, nothing ever proves itself, and the service's record says why.
    """

    policy: Policy
    traffic: Traffic
    metrics: Metrics
    clock: Clock
    in_parallel: Parallel = in_threads

    def __call__(self, lease: Lease) -> Sights:
        """Perform an `observe` action. Never raises what another attempt could mend."""
        order = lease.action.order
        assert isinstance(order, ObserveOrder)
        services = self.policy.stack(lease.action.stack).services
        seen = self.in_parallel(partial(self._service, order), services)
        return Sights(
            looks=tuple(each for each in seen if isinstance(each, Look)),
            unseen=tuple(each for each in seen if isinstance(each, Unseen)),
        )

    def _service(self, order: ObserveOrder, service: Service) -> Look | Unseen:
        try:
            state = self.traffic.look(service.resource)
        except (Refused, Transient) as error:
            return Unseen(service=service.name, why=str(error))
        ripe = [each for each in order.ripe if each.service == service.name]
        requests: Mapping[str, int] = {}
        digests: Mapping[str, str] = {}
        trouble = ""
        try:
            requests = dict(self._requests(service, ripe))
            digests = self._digests(service) if requests else {}
        except (Refused, Transient) as error:
            trouble = str(error)
        return Look(
            service=service.name, state=state, digests=digests, requests=requests, trouble=trouble
        )

    def _requests(self, service: Service, ripe: list[Ripe]) -> Iterator[tuple[str, int]]:
        """Of each revision whose requests are known, how many it answered since it soaks."""
        now = self.clock.now()
        for each in ripe:
            window = min(now - each.since, LONGEST)
            count = self.metrics.requests(service.resource, each.revision, window, now)
            if count is not None:
                yield each.revision, count

    def _digests(self, service: Service) -> Mapping[str, str]:
        """The image of every revision, so far as it is known."""
        revisions = self.traffic.revisions(service.resource)
        return {each.name: each.digest for each in revisions if each.digest}
