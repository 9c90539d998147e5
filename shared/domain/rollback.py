"""A rollback as data: what traffic was found, what it should become, and how far that got."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from shared.domain.ids import derive


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficTarget:
    """One line of a service's traffic; an empty `revision` means LATEST."""

    percent: int
    revision: str = ""
    tag: str = ""

    def __str__(self) -> str:
        tag = f" (tag {self.tag})" if self.tag else ""
        return f"{self.percent} % {self.revision or 'LATEST'}{tag}"


Split = tuple[TrafficTarget, ...]


def same_split(one: Split, other: Split) -> bool:
    """Whether two splits ask for the same, in whatever order."""
    return sorted(map(_key, one)) == sorted(map(_key, other))


def _key(target: TrafficTarget) -> tuple[str, str, int]:
    return target.revision, target.tag, target.percent


def describe_split(split: Split, latest: str = "") -> str:
    """The split in words, without the lines that carry no traffic; `latest` is what LATEST means."""
    lines = []
    for target in split:
        if target.percent:
            named = f"{target} ({latest})" if latest and not target.revision else str(target)
            lines.append(named)
    return ", ".join(lines) or "no traffic"


def short(revision: str, service: str) -> str:
    """A revision's name without its service's, for sentences that name the service."""
    return revision.removeprefix(f"{service}-")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceState:
    """One service as Cloud Run shows it. `traffic` is asked for, `serving` is observed.

    `tags` has the URL of each observed tag; a request there reaches the tag's revision alone.
    """

    resource: str
    generation: int
    etag: str
    traffic: Split
    serving: Split
    ready: bool
    reconciling: bool
    latest_ready: str
    uri: str
    last_modifier: str = ""
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def main_revision(self) -> str:
        """The revision that gets most of the traffic now."""
        best = max(self.serving, key=lambda target: target.percent, default=None)
        return (best.revision or self.latest_ready) if best else self.latest_ready


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretReference:
    """A secret that a revision reads: its name, or its full one, and a number, alias or `latest`."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One revision of a service.

    `digest` is the image's (`sha256:...`), empty where `image` names it by a tag alone.
    `service_account` is what the revision runs as. `why_not_ready` is empty when it is ready.
    """

    name: str
    created_at: datetime
    ready: bool
    image: str = ""
    digest: str = ""
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    secrets: tuple[SecretReference, ...] = ()
    service_account: str = ""
    why_not_ready: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePlan:
    """What one service had when the plan was made, and what it shall get.

    `generation` is the fence: the change is sent only while the service is still at it.
    `latest_ready` is what LATEST meant then. `proven`: the target is known-good. `from_digest`
    and `to_digest` name the images, `to_image` as its revision does. `smoke` says what requests at the target's tag answered,
    `candidates` one line for each revision that was weighed.
    """

    service: str
    resource: str
    uri: str
    generation: int
    etag: str
    before: Split
    after: Split
    from_revision: str
    to_revision: str
    latest_ready: str
    why: str
    proven: bool = False
    from_digest: str = ""
    to_digest: str = ""
    to_image: str = ""
    smoke: str = ""
    candidates: tuple[str, ...] = ()

    def in_words(self) -> str:
        """What moves, in a few words."""
        old, new = short(self.from_revision, self.service), short(self.to_revision, self.service)
        return f"{self.service} from {old} to {new}"

    def reversed(self) -> ServicePlan:
        """The plan that puts back what was found, once this one is done."""
        return ServicePlan(
            service=self.service,
            resource=self.resource,
            uri=self.uri,
            generation=self.generation + 1,
            etag="",
            before=self.after,
            after=self.before,
            from_revision=self.to_revision,
            to_revision=self.from_revision,
            latest_ready=self.latest_ready,
            why="put back exactly what was found",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A rollback of one stack, bound to what was seen when it was made.

    `asked_by` and `reason` are who asked and why, `checks` the health checks in words.
    `rto_target` is how soon after the first traffic request health has to be back. `release`: it
    takes back what rollbacks left, and goes to LATEST.
    """

    stack: str
    services: tuple[ServicePlan, ...]
    made_at: datetime
    expires_at: datetime
    asked_by: str = ""
    reason: str = ""
    checks: tuple[str, ...] = ()
    rto_target: timedelta = timedelta(minutes=5)
    release: bool = False

    @property
    def proven(self) -> bool:
        """Whether every service goes back to a revision that is known to be good."""
        return all(service.proven for service in self.services)

    @property
    def hash(self) -> str:
        """What an approval is bound to: another plan never has it."""
        facts = [
            f"{s.resource}@{s.generation}/{s.etag}:{s.before}->{s.after}" for s in self.services
        ]
        return derive("plan", self.stack, str(self.made_at), *facts, length=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoPlan:
    """Why nothing can be rolled back. `passes`: only for now, such as while something is deployed."""

    reason: str
    passes: bool = False


class Position(StrEnum):
    """Where a service stands with respect to a plan."""

    BEFORE = "before"
    DONE = "done"
    FOREIGN = "foreign"


def position(plan: ServicePlan, state: ServiceState) -> Position:
    """Not done, done by us, or changed by somebody else, by the service's generation."""
    if state.generation == plan.generation:
        return Position.BEFORE
    if state.generation == plan.generation + 1 and same_split(state.traffic, plan.after):
        return Position.DONE
    return Position.FOREIGN


class MoveResult(StrEnum):
    """How one service's change ended.

    `UNSERVED`: Cloud Run took the request and never served it; it has to be put back too.
    """

    MOVED = "moved"
    UNSERVED = "unserved"
    PUT_BACK = "put back"
    REFUSED = "refused"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOutcome:
    """How one service's change ended, and the traffic it was last seen with.

    `accepted_at` is when Cloud Run took the request; None where that was not seen.
    """

    service: str
    result: MoveResult
    detail: str
    traffic: Split = ()
    accepted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficOutcome:
    """How a change of a whole stack ended.

    `started_at` is when the change was first taken up, before the first traffic request.
    `healthy_at` is the first of the health passes in a row that proved recovery.
    """

    services: tuple[ServiceOutcome, ...]
    started_at: datetime
    served_at: datetime | None = None
    healthy_at: datetime | None = None
    health: str = ""

    @property
    def accepted_at(self) -> datetime | None:
        """When Cloud Run had taken the last of the requests; None where one was not seen."""
        known = [each.accepted_at for each in self.services if each.accepted_at is not None]
        return max(known) if known and len(known) == len(self.services) else None

    def all(self, result: MoveResult) -> bool:
        """Whether every service ended like this."""
        return all(outcome.result is result for outcome in self.services)

    def any(self, *results: MoveResult) -> bool:
        """Whether some service ended like one of these."""
        return any(outcome.result in results for outcome in self.services)

    def to_put_back(self) -> tuple[str, ...]:
        """The services whose traffic is no longer what was found, by name."""
        changed = (MoveResult.MOVED, MoveResult.UNSERVED)
        return tuple(sorted(o.service for o in self.services if o.result in changed))


class RollbackMode(StrEnum):
    """Who set the rollback off."""

    PROPOSED = "proposed"
    AUTOMATIC = "automatic"
    MANUAL = "manual"
    DRILL = "drill"


class Verdict(StrEnum):
    """Whether the rollback helped. Never guessed: None until it is known."""

    RECOVERED = "recovered"
    NOT_RECOVERED = "not_recovered"
    UNKNOWN = "unknown"
