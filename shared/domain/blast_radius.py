"""How many are exposed to what fails, and from when on that is more than a canary may affect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.severity import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class BlastRadius:
    """When more are affected than a canary may affect.

    `canary_cohort`: the share of traffic in percent that a new revision may have before the rest
    counts. `suspect_within`: how lately traffic must have changed for that change to be
    suspected. `raise_to`: how bad an incident beyond the cohort is at least.
    """

    canary_cohort: int = 10
    suspect_within: timedelta = timedelta(hours=2)
    raise_to: Severity = Severity.SEV2


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A revision that got its share of a service's traffic lately; `since` as far as was seen."""

    service: str
    revision: str
    share: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """How much of the traffic is exposed to what fails; without a `suspect` all of it is."""

    share: int
    suspect: Suspect | None = None

    def in_words(self) -> str:
        """What is exposed to what."""
        found = self.suspect
        if found is None:
            return "no traffic was seen to move lately, so everybody who uses it is exposed"
        return (
            f"{found.revision} has {found.share} % of {found.service} since {found.since:%H:%M:%S}"
        )
