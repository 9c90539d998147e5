"""A frozen rollout: until the incident is reviewed no revision gets more traffic than it had."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.domain.rollback import Split, describe_split


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenAt:
    """What a service's traffic was when the freeze began, as far as it was seen."""

    service: str
    traffic: Split
    main: str = ""

    def in_words(self) -> str:
        """The shares, for people."""
        return f"{self.service}: {describe_split(self.traffic, self.main)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """An incident holds the rollout of its stack, since when and why."""

    incident: str
    since: datetime
    why: str
    shares: tuple[FrozenAt, ...] = ()

    def in_words(self) -> str:
        """Since when and by what, and what ends it."""
        return (
            f"the rollout is frozen since {self.since:%Y-%m-%d %H:%M} UTC by incident"
            f" {self.incident} ({self.why}), until `/switchman review {self.incident}` says what"
            " was learned"
        )
