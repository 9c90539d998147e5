"""Cloud Run's traffic in memory."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum

from shared.domain.errors import (
    Conflict,
    Refused,
    SwitchmanError,
    Transient,
    UnknownOutcome,
)
from shared.domain.rollback import Revision, ServiceState, Split, TrafficTarget, same_split
from shared.ports import Clock

_POLL = timedelta(seconds=0.2)


class TrafficFault(Enum):
    """What happens to the next change of a service; the first four meet a dry run as well."""

    AWAY = "not reached, nothing was sent"
    QUOTA = "over quota, nothing changed"
    DENIED = "not allowed to change the service, nothing changed"
    ACT_AS_DENIED = "not allowed to act as the service's account, nothing changed"
    REFUSE = "refused, nothing changed"
    CONFLICT = "somebody else changed it, nothing changed"
    TIMEOUT = "lost on the way: it never happens, and nobody knows"
    TIMEOUT_AFTER_SUCCESS = "it is done, and the answer was lost"
    LATE_LANDING = "the answer was lost, and it is done `delay` later"
    OPERATION_ERROR = "taken, and not carried out"
    SLOW_OPERATION = "taken, and carried out `delay` later"


_AT_THE_DOOR: Mapping[TrafficFault, tuple[type[SwitchmanError], str]] = {
    TrafficFault.AWAY: (Transient, "Cloud Run is away"),
    TrafficFault.QUOTA: (Transient, "over quota: wait at least 30 s before trying again"),
    TrafficFault.DENIED: (Refused, "needs run.services.update; grant it: gcloud run services ..."),
    TrafficFault.ACT_AS_DENIED: (
        Refused,
        "needs iam.serviceAccounts.actAs; grant it: gcloud iam service-accounts ...",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """One request to change traffic that was sent, and whether it changed anything at once."""

    resource: str
    traffic: Split
    etag: str
    dry_run: bool
    changed: bool


@dataclass(slots=True)
class _Service:
    state: ServiceState
    revisions: tuple[Revision, ...]
    faults: list[tuple[TrafficFault, timedelta]] = field(default_factory=list)
    landings: list[tuple[datetime, Split, str]] = field(default_factory=list)
    served_from: datetime | None = None
    broken: bool = False


class FakeTraffic:
    """Services with generation, etag and traffic, each change carried out after `takes`."""

    def __init__(self, clock: Clock, takes: timedelta = timedelta()) -> None:
        self._clock = clock
        self._takes = takes
        self._lock = threading.RLock()
        self._services: dict[str, _Service] = {}
        self._mutations: list[Mutation] = []

    def add(self, resource: str, *revisions: str, traffic: Split = (), uri: str = "") -> None:
        """A service with these revisions, newest first; the traffic is LATEST unless given."""
        now = self._clock.now()
        asked = traffic or (TrafficTarget(percent=100),)
        state = ServiceState(
            resource=resource,
            generation=1,
            etag='"1"',
            traffic=asked,
            serving=asked,
            ready=True,
            reconciling=False,
            latest_ready=revisions[0],
            uri=uri or f"https://{resource.rpartition('/')[2]}.example.com",
        )
        state = replace(state, tags=_tags(state))
        made = tuple(
            ready_revision(name, now - timedelta(minutes=age)) for age, name in enumerate(revisions)
        )
        with self._lock:
            self._services[resource] = _Service(state, made)

    def order(
        self, resource: str, fault: TrafficFault, delay: timedelta = timedelta(seconds=1)
    ) -> None:
        """Let the next change of the service meet this."""
        with self._at_present():
            self._services[resource].faults.append((fault, delay))

    def change_by_hand(self, resource: str, traffic: Split, who: str = "someone@else") -> None:
        """What another person does to the traffic."""
        with self._at_present():
            self._apply(self._services[resource], traffic, self._takes, who)

    def deploy(self, resource: str, revision: str | Revision) -> None:
        """A new revision, ready at once if only named; the asked traffic stays as it is."""
        with self._at_present():
            service = self._services[resource]
            new = revision
            if isinstance(new, str):
                new = ready_revision(new, self._clock.now())
            service.revisions = (new, *service.revisions)
            latest = new.name if new.ready else service.state.latest_ready
            ready = new.ready and not service.broken
            changed = replace(service.state, latest_ready=latest, ready=ready)
            service.state = _next(changed, "someone@else")

    def show(self, resource: str, revision: Revision) -> None:
        """Let the service's revision of that name be this from now on; ready late, it is LATEST."""
        with self._at_present():
            service = self._services[resource]
            service.revisions = tuple(
                revision if each.name == revision.name else each for each in service.revisions
            )
            if revision.ready and service.revisions[0] is revision:
                service.state = replace(service.state, latest_ready=revision.name)

    def mutations(self) -> tuple[Mutation, ...]:
        """Every request that was sent, in order."""
        with self._at_present():
            return tuple(self._mutations)

    def look(self, resource: str) -> ServiceState:
        """The service as it is now."""
        with self._at_present():
            return self._found(resource).state

    def revisions(self, resource: str) -> tuple[Revision, ...]:
        """The service's revisions, newest first."""
        with self._at_present():
            return self._found(resource).revisions

    def send(self, resource: str, traffic: Split, etag: str, *, dry_run: bool = False) -> None:
        """Ask for this traffic."""
        with self._at_present():
            service = self._found(resource)
            fault, delay = self._next_fault(service, dry_run)
            if fault is TrafficFault.AWAY:
                raise Transient("Cloud Run is away")
            before = service.state.generation
            try:
                self._take(service, traffic, etag, dry_run, fault, delay)
            finally:
                changed = service.state.generation > before
                self._mutations.append(
                    Mutation(
                        resource=resource,
                        traffic=traffic,
                        etag=etag,
                        dry_run=dry_run,
                        changed=changed,
                    )
                )

    def settled(self, resource: str, traffic: Split, deadline: timedelta) -> ServiceState:
        """Wait until the service serves this, or time is up."""
        end = self._clock.now() + deadline
        while True:
            with self._at_present():
                service = self._found(resource)
                state, broken = service.state, service.broken
            if broken and same_split(state.traffic, traffic):
                raise Refused("the operation failed")
            there = not state.reconciling and same_split(state.serving, traffic)
            left = end - self._clock.now()
            if there or left <= timedelta():
                return state
            self._clock.sleep(min(_POLL, left))

    @contextmanager
    def _at_present(self) -> Iterator[None]:
        """The state as it is at this moment: what is due has happened."""
        with self._lock:
            now = self._clock.now()
            for service in self._services.values():
                for landing in [each for each in service.landings if each[0] <= now]:
                    service.landings.remove(landing)
                    if landing[2] in ("", service.state.etag):
                        self._apply(service, landing[1], self._takes)
                if service.served_from is not None and service.served_from <= now:
                    _carry_out(service)
            yield

    def _found(self, resource: str) -> _Service:
        if resource not in self._services:
            raise Refused(f"there is no service {resource}")
        return self._services[resource]

    def _next_fault(
        self, service: _Service, dry_run: bool
    ) -> tuple[TrafficFault | None, timedelta]:
        """The fault this request meets; a dry run leaves those that only befall a change."""
        for fault in service.faults:
            if not dry_run or fault[0] in _AT_THE_DOOR:
                service.faults.remove(fault)
                return fault
        return None, timedelta()

    def _take(
        self,
        service: _Service,
        traffic: Split,
        etag: str,
        dry_run: bool,
        fault: TrafficFault | None,
        delay: timedelta,
    ) -> None:
        if fault is not None and fault in _AT_THE_DOOR:
            error, text = _AT_THE_DOOR[fault]
            raise error(text)
        if fault is TrafficFault.REFUSE:
            raise Refused("Cloud Run refuses")
        if fault is TrafficFault.CONFLICT:
            raise Conflict("the etag is old")
        if fault is TrafficFault.LATE_LANDING:
            service.landings.append((self._clock.now() + delay, traffic, etag))
        if fault in (TrafficFault.LATE_LANDING, TrafficFault.TIMEOUT):
            raise UnknownOutcome("no answer in time")
        _check(service, traffic, etag)
        if dry_run:
            return
        slow = fault is TrafficFault.SLOW_OPERATION
        self._apply(service, traffic, delay if slow else self._takes)
        if fault is TrafficFault.OPERATION_ERROR:
            service.served_from, service.broken = None, True
            service.state = replace(service.state, ready=False, reconciling=False)
        if fault is TrafficFault.TIMEOUT_AFTER_SUCCESS:
            raise UnknownOutcome("no answer in time")

    def _apply(
        self, service: _Service, traffic: Split, takes: timedelta, who: str = "switchman@test"
    ) -> None:
        if same_split(service.state.traffic, traffic):
            return  # asking for what is asked already changes nothing, as with the real one
        changed = replace(_next(service.state, who), traffic=traffic, reconciling=True)
        service.state, service.broken = changed, False
        service.served_from = self._clock.now() + takes
        if takes <= timedelta():
            _carry_out(service)


def ready_revision(name: str, created_at: datetime) -> Revision:
    """A revision that is ready, with an image and an account of its own."""
    digest = f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"
    service = name.rsplit("-", 2)[0]
    return Revision(
        name=name,
        created_at=created_at,
        ready=True,
        image=f"registry.example.com/{service}@{digest}",
        digest=digest,
        service_account=f"{service}@demo.iam.gserviceaccount.com",
    )


def _check(service: _Service, traffic: Split, etag: str) -> None:
    names = {revision.name for revision in service.revisions}
    unknown = {target.revision for target in traffic if target.revision} - names
    tags = [target.tag for target in traffic if target.tag]
    twice = len(set(tags)) < len(tags)
    if unknown or twice or sum(target.percent for target in traffic) != 100:
        raise Refused("this is no traffic the service could have")
    if etag not in ("", service.state.etag):
        raise Conflict("the etag is old")


def _carry_out(service: _Service) -> None:
    service.served_from = None
    serving = service.state.traffic
    settled = replace(service.state, serving=serving, ready=True, reconciling=False)
    service.state = replace(settled, tags=_tags(settled))


def _tags(state: ServiceState) -> dict[str, str]:
    """The tags' URLs, in Cloud Run's form."""
    tags = [target.tag for target in state.serving if target.tag]
    return {tag: state.uri.replace("://", f"://{tag}---", 1) for tag in tags}


def _next(state: ServiceState, who: str) -> ServiceState:
    generation = state.generation + 1
    return replace(state, generation=generation, etag=f'"{generation}"', last_modifier=who)
