"""What is left to do after a rollback: the provisioning must name what is known to be good.

Otherwise whoever provisions next brings back the image that was rolled back from.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from shared.domain.rollback import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """What one service was rolled back to; `image` and `digest` are empty where not known."""

    service: str
    revision: str
    image: str = ""
    digest: str = ""

    def in_words(self) -> str:
        """What to write into the provisioning of which service."""
        named = self.image or "the image"
        known = self.digest if self.digest and self.digest not in self.image else ""
        exact = f"{named} ({known})" if known else named
        return f"{self.service}: {exact} of revision {self.revision}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repin:
    """The task of an incident whose rollback moved traffic; open until a person says it is done."""

    pins: tuple[Pin, ...]
    since: datetime
    done_by: str = ""
    done_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether it has yet to be done."""
        return self.done_at is None

    @property
    def services(self) -> str:
        """The services it is about, in words."""
        return " and ".join(pin.service for pin in self.pins)

    def in_words(self) -> tuple[str, ...]:
        """What to pin, a line each."""
        return tuple(pin.in_words() for pin in self.pins)


def repin(plan: Plan, moved: Collection[str], since: datetime) -> Repin | None:
    """The task that is left when the plan moved these services; None if it moved none."""
    pins = tuple(
        Pin(service=s.service, revision=s.to_revision, image=s.to_image, digest=s.to_digest)
        for s in plan.services
        if s.service in moved
    )
    return Repin(pins=pins, since=since) if pins else None
