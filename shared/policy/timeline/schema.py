"""What an entry of a timeline may say. One entry says one thing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final

from msgspec import Meta

from shared.domain.paging import Choice
from shared.domain.severity import Severity
from shared.policy.kinds import Duration, Entry, Percent, Text

SAYINGS: Final = (
    *("alert", "ends", "acknowledge", "approve", "reject", "resolve", "ask"),
    *("deploy", "traffic", "health", "metric", "cloud_run", "end"),
)
"""The keys of which an entry has one."""

_MOMENT: Final = (
    r"^(\+?(\d+(ms|s|m|h|d))+|\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d))$"
)
Moment = Annotated[
    str,
    Meta(
        pattern=_MOMENT,
        description="a time since the beginning such as +5m, or an instant such as"
        " 2026-03-02T12:00:00Z (in quotes)",
    ),
]
Person = Annotated[str, Meta(description="a person's id in the policy")]


class AskEntry(Entry, frozen=True):
    """What else a person may ask for, by the word that a button or a command stands for."""

    by: Person
    wish: Choice
    text: Text = ""
    severity: Severity | None = None


class DeployEntry(Entry, frozen=True):
    """A new revision, and the share of the service's requests that it takes."""

    service: Text
    revision: Text = ""
    share: Percent = 100
    healthy: bool = True
    by: Text = ""


class TrafficEntry(Entry, frozen=True):
    """Somebody moves traffic by hand."""

    service: Text
    revision: Text
    share: Percent = 100
    by: Text = "a person"


class HealthEntry(Entry, frozen=True):
    """A service's health checks pass or fail from now on, whichever revision serves."""

    service: Text
    passes: bool | None = None


class MetricEntry(Entry, frozen=True):
    """What a query of the policy reads from now on; without a value it has none."""

    query: Text
    value: Annotated[float | None, Meta(description="a number")] = None


class CloudRunEntry(Entry, frozen=True):
    """How Cloud Run is from the beginning on; the newest revision comes first, and serves."""

    service: Text
    revisions: tuple[Text, ...] = ()
    known_good: tuple[Text, ...] | None = None
    takes: Duration = ""
    refuses: bool = False


class StepEntry(Entry, frozen=True):
    """One entry. `lane` and `stack` say which incident a person's word is about."""

    at: Moment = "+0s"
    alert: Any = None
    source: Text = "alertmanager"
    ends: dict[Text, Text] | None = None
    acknowledge: Person = ""
    approve: Person = ""
    reject: Person = ""
    resolve: Person = ""
    ask: AskEntry | None = None
    lane: Text = ""
    stack: Text = ""
    deploy: DeployEntry | None = None
    traffic: TrafficEntry | None = None
    health: HealthEntry | None = None
    metric: MetricEntry | None = None
    cloud_run: CloudRunEntry | None = None
    end: bool = False

    def faults(self) -> Iterator[tuple[str, str]]:
        """An entry says exactly one thing."""
        said = [key for key in SAYINGS if getattr(self, key)]
        if not said:
            yield "", f"the entry says nothing; it needs one of {', '.join(SAYINGS)}"
        for key in said[1:]:
            yield key, f"the entry says {said[0]} already; give {key} an entry of its own"


class ClockEntry(Entry, frozen=True):
    """The first entry of a timeline may say when it begins."""

    clock: Moment
