"""An imagined Cloud Run: what a timeline says happens there, and what Switchman does to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from shared.adapters.imagined.service import ImaginedService, imagined
from shared.domain.errors import Refused
from shared.domain.ledger import Good, ServiceRecord
from shared.domain.metrics import MetricQuery, Missing, Reading
from shared.domain.play import (
    CloudRunSet,
    Deployed,
    HealthChanged,
    MetricChanged,
    OfCloudRun,
    TrafficMoved,
)
from shared.domain.policy import HealthCheck, Policy, Service
from shared.domain.rollback import Revision, ServiceState, Split, TrafficTarget, same_split
from shared.ports import Clock, HealthResult

TAKES: Final = timedelta(seconds=10)
"""How long Cloud Run needs for a change of traffic, unless the timeline says otherwise."""

REQUESTS: Final = 1000
"""What every revision that serves is counted to have answered."""


class ImaginedCloudRun:
    """`ports.Traffic`, `ports.Health` and `ports.Metrics`, all as of the clock's instant.

    Where the timeline says nothing, each service has two revisions, SERVICE-00001 and
    SERVICE-00002, both known to be good, and the second serves.
    """

    def __init__(
        self, policy: Policy, clock: Clock, happens: Iterable[tuple[datetime, OfCloudRun]]
    ) -> None:
        self._clock = clock
        happens = sorted(happens, key=lambda each: each[0])
        said = {what.service: what for _, what in happens if isinstance(what, CloudRunSet)}
        self._to_come = [each for each in happens if not isinstance(each[1], CloudRunSet)]
        services = [each for stack in policy.stacks.values() for each in stack.services]
        self._deployers = {
            service.name: next(iter(stack.rollback.ledger.deployers), "a deployer")
            for stack in policy.stacks.values()
            for service in stack.services
        }
        self._set = {
            each.name: said.get(each.name, CloudRunSet(service=each.name)) for each in services
        }
        self._services = {each.name: self._imagine(each) for each in services}
        self._metrics: dict[str, MetricChanged] = {}

    def _imagine(self, service: Service) -> ImaginedService:
        said = self._set[service.name]
        revisions = said.revisions or (f"{service.name}-00002", f"{service.name}-00001")
        takes = TAKES if said.takes is None else said.takes
        made = imagined(service.resource, revisions, self._clock.now(), takes)
        made.refuses = said.refuses
        return made

    def records(self, services: Sequence[Service]) -> tuple[ServiceRecord, ...]:
        """What Switchman has learnt of these services by the time the play begins."""
        now = self._clock.now()
        records = []
        for each in services:
            service, said = self._services[each.name], self._set[each.name].known_good
            good = tuple(
                Good(revision=r.name, digest=r.digest, proven_at=r.created_at, requests=REQUESTS)
                for r in service.revisions
                if said is None or r.name in said
            )
            state = service.state
            records.append(
                ServiceRecord(
                    service=each.name,
                    traffic=state.traffic,
                    seen_at=now,
                    main=state.main_revision,
                    good=good,
                )
            )
        return tuple(records)

    def look(self, resource: str) -> ServiceState:
        """The service as it is now."""
        return self._present(resource).state

    def revisions(self, resource: str) -> tuple[Revision, ...]:
        """The service's revisions, newest first."""
        return self._present(resource).revisions

    def send(self, resource: str, traffic: Split, etag: str, *, dry_run: bool = False) -> None:
        """Ask for this traffic."""
        self._present(resource).send(traffic, etag, self._clock.now(), dry_run=dry_run)

    def settled(self, resource: str, traffic: Split, deadline: timedelta) -> ServiceState:
        """Wait until the service serves this, or time is up."""
        end = self._clock.now() + deadline
        service = self._present(resource)
        if service.serves_from is not None:
            self._clock.sleep(max(timedelta(), min(service.serves_from, end) - self._clock.now()))
        service = self._present(resource)
        if not same_split(service.state.serving, traffic):
            self._clock.sleep(max(timedelta(), end - self._clock.now()))
        return self._present(resource).state

    def check(self, uri: str, check: HealthCheck) -> HealthResult:
        """What a service, or one revision at its tag, answers."""
        self._catch_up()
        tag, _, host = (urlsplit(uri).hostname or "").rpartition("---")
        service = self._services[host.partition(".")[0]]
        if service.healthy(tag):
            return HealthResult(True, f"{check.path} answered as it should")
        return HealthResult(False, f"{check.path} fails, as the timeline has it")

    def value(self, query: MetricQuery, at: datetime) -> Reading | Missing:
        """What the timeline says that the query reads."""
        self._catch_up()
        said = self._metrics.get(query.expression)
        if said is None or said.value is None:
            return Missing("the timeline says nothing of it")
        return Reading(said.value, at)

    def requests(
        self,
        resource: str,
        revision: str,
        window: timedelta,  # noqa: ARG002  # whatever serves is used all the time
        at: datetime,  # noqa: ARG002
    ) -> int | None:
        """What serves is used."""
        serving = self._present(resource).state
        names = {target.revision or serving.latest_ready for target in serving.serving}
        return REQUESTS if revision in names else None

    def _present(self, resource: str) -> ImaginedService:
        self._catch_up()
        service = self._services.get(resource.rpartition("/")[2])
        if service is None:
            raise Refused(f"there is no service {resource}")
        return service

    def _catch_up(self) -> None:
        """What has happened by now, in the order in which it did."""
        now = self._clock.now()
        while self._to_come and self._to_come[0][0] <= now:
            at, what = self._to_come.pop(0)
            self._carry_out(at)
            self._happens(at, what)
        self._carry_out(now)

    def _carry_out(self, now: datetime) -> None:
        for service in self._services.values():
            service.carry_out(now)

    def _happens(self, at: datetime, what: OfCloudRun) -> None:
        match what:
            case Deployed():
                self._deployed(at, what)
            case TrafficMoved():
                service = self._services[what.service]
                split = _split(what.revision, what.share, service)
                service.ask(split, at, what.by, timedelta())
            case HealthChanged():
                self._services[what.service].passes = what.passes
            case MetricChanged():
                self._metrics[what.expression] = what
            case CloudRunSet():
                pass  # so it was from the beginning

    def _deployed(self, at: datetime, what: Deployed) -> None:
        service = self._services[what.service]
        name = what.revision or f"{what.service}-{len(service.revisions) + 1:05}"
        before = service.state.main_revision
        service.add(name, at, healthy=what.healthy)
        if what.share < 100:
            split = (
                TrafficTarget(percent=what.share, revision=name),
                TrafficTarget(percent=100 - what.share, revision=before),
            )
            service.ask(split, at, what.by or self._deployers[what.service], timedelta())


def _split(revision: str, share: int, service: ImaginedService) -> Split:
    rest = service.state.main_revision
    if share == 100 or rest == revision:
        return (TrafficTarget(percent=100, revision=revision),)
    return (
        TrafficTarget(percent=share, revision=revision),
        TrafficTarget(percent=100 - share, revision=rest),
    )
