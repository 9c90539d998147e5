"""A timeline to be played: what happens in it, and what Switchman made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from shared.domain.alert import Alert
from shared.domain.decision import Reason
from shared.domain.lane import Classification
from shared.domain.paging import Choice
from shared.domain.severity import Severity

OF_A_STACK: Final = (
    Choice.PREVIEW,
    Choice.ROLLBACK,
    Choice.DRILL,
    Choice.DECLARE,
    Choice.UNLATCH,
)
"""What people ask of a stack, and not of an incident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A sender reports an alert."""

    alert: Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Every alert of the play that fires and has these labels ends."""

    labels: Mapping[str, str] = field(hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A person presses a button or types a command.

    It is about the newest open incident that fits: of the lane, where one is named, else one that
    this person was paged about, if there is any. `by` is the person's id in the policy.
    """

    by: str
    choice: Choice
    lane: str = ""
    stack: str = ""
    severity: Severity | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """A new revision of a service takes this share of its requests, in percent."""

    service: str
    revision: str = ""
    share: int = 100
    healthy: bool = True
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficMoved:
    """Somebody moves a service's traffic to a revision by hand."""

    service: str
    revision: str
    share: int = 100
    by: str = "a person"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthChanged:
    """A service's health checks pass or fail from now on; None: as its revision does."""

    service: str
    passes: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricChanged:
    """A query reads this from now on; without a value it has none."""

    expression: str
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudRunSet:
    """How Cloud Run is: a service's revisions, the newest first, and those known to be good.

    `takes` is how long it needs to carry a change of traffic out; with `refuses` it takes none.
    """

    service: str
    revisions: tuple[str, ...] = ()
    known_good: tuple[str, ...] | None = None
    takes: timedelta | None = None
    refuses: bool = False


@dataclass(frozen=True, slots=True)
class PlayEnds:
    """Time goes on until here, and no further."""


OfCloudRun = Deployed | TrafficMoved | HealthChanged | MetricChanged | CloudRunSet
What = Told | Ended | Asked | OfCloudRun | PlayEnds


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One entry of a timeline; `line` is where it stands in its file."""

    at: datetime
    what: What
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What an alert of the play led to. `incident` is empty where it opened or joined none."""

    at: datetime
    alert: Alert
    found: Classification
    reason: Reason | None
    incident: str
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Something that happened in a play, in words; `kind` is one word for it."""

    at: datetime
    kind: str
    text: str
    incident: str = ""
