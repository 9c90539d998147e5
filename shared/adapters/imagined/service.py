"""One imagined Cloud Run service."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from shared.domain.errors import Conflict, Refused
from shared.domain.ids import derive
from shared.domain.rollback import Revision, ServiceState, Split, TrafficTarget, same_split

LATEST: Final[Split] = (TrafficTarget(percent=100),)
_AGE: Final = timedelta(days=1)


@dataclass(slots=True)
class ImaginedService:
    """Its revisions, its traffic, and what is being carried out. `takes`: how long that takes."""

    name: str
    state: ServiceState
    revisions: tuple[Revision, ...]
    takes: timedelta
    refuses: bool = False
    sick: set[str] = field(default_factory=set)
    passes: bool | None = None
    serves_from: datetime | None = None

    def carry_out(self, now: datetime) -> None:
        """What is due by now has happened."""
        if self.serves_from is None or self.serves_from > now:
            return
        self.serves_from = None
        settled = replace(self.state, serving=self.state.traffic, reconciling=False)
        self.state = replace(settled, tags=_tags(settled))

    def send(self, traffic: Split, etag: str, now: datetime, *, dry_run: bool) -> None:
        """Take the change, or refuse it."""
        if self.refuses:
            raise Refused(f"Cloud Run refuses to change {self.name}")
        if etag not in ("", self.state.etag):
            raise Conflict("the etag is old")
        if not dry_run:
            self.ask(traffic, now, "switchman")

    def ask(self, traffic: Split, now: datetime, who: str, takes: timedelta | None = None) -> None:
        """The traffic is asked to be this; it is served once that has been carried out."""
        if same_split(self.state.traffic, traffic):
            return
        generation = self.state.generation + 1
        self.state = replace(
            self.state,
            generation=generation,
            etag=str(generation),
            traffic=traffic,
            reconciling=True,
            last_modifier=who,
        )
        self.serves_from = now + (self.takes if takes is None else takes)
        self.carry_out(now)

    def add(self, revision: str, now: datetime, *, healthy: bool) -> None:
        """A new revision is there, and ready."""
        self.revisions = (made(self.name, revision, now), *self.revisions)
        generation = self.state.generation + 1
        self.state = replace(
            self.state, generation=generation, etag=str(generation), latest_ready=revision
        )
        if not healthy:
            self.sick.add(revision)

    def healthy(self, tag: str) -> bool:
        """Whether requests are answered well, at the service's address or at a tag's."""
        if self.passes is not None and not tag:
            return self.passes
        tagged = (target.revision for target in self.state.serving if target.tag == tag and tag)
        return next(tagged, self.state.main_revision) not in self.sick


def imagined(
    resource: str, revisions: tuple[str, ...], now: datetime, takes: timedelta
) -> ImaginedService:
    """A service all of whose requests go to LATEST, the first of these revisions."""
    name = resource.rpartition("/")[2]
    state = ServiceState(
        resource=resource,
        generation=1,
        etag="1",
        traffic=LATEST,
        serving=LATEST,
        ready=True,
        reconciling=False,
        latest_ready=revisions[0],
        uri=f"https://{name}.example",
    )
    known = tuple(made(name, each, now - _AGE * age) for age, each in enumerate(revisions, 1))
    return ImaginedService(name, state, known, takes)


def made(service: str, revision: str, at: datetime) -> Revision:
    """A revision that is ready, with an image of its own."""
    digest = f"sha256:{derive('image', revision, length=64)}"
    return Revision(
        name=revision,
        created_at=at,
        ready=True,
        image=f"registry.example/{service}@{digest}",
        digest=digest,
        service_account=f"{service}@example.iam.gserviceaccount.com",
    )


def _tags(state: ServiceState) -> dict[str, str]:
    tags = [target.tag for target in state.serving if target.tag]
    return {tag: state.uri.replace("://", f"://{tag}---", 1) for tag in tags}
