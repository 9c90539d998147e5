"""What is measured in the shops, and whether that or an alert proves a recovery."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from shared.domain.alert import AlertRow, AlertStatus
from shared.domain.incident import Incident, Rollback
from shared.domain.metrics import Bound, Budget, MetricQuery
from shared.domain.policy import Policy
from shared.domain.rollback import Verdict
from shared.ports import Clock, Commit
from tests.fakes.metrics import FakeMetrics
from tests.simulation.record import Record

Wrong = tuple[str, str]
PROVEN: Final = "nothing is called recovered without proof"
_SICK, _WELL = 9.0, 1.0
_SERVED: Final = 5


def errors(stack: str) -> MetricQuery:
    """How many requests of the stack fail: of a sick one too many."""
    return MetricQuery(
        source="shops",
        expression=f"errors:{stack}",
        budget=Budget(Bound.BELOW, 5.0),
        window=timedelta(minutes=3),
    )


class Gauges(FakeMetrics):
    """The source: a sample of every stack each minute, unless it has stopped taking any.

    `failing` are stacks of which requests fail although their health checks pass; `answered` are
    the revisions that got any, with their services.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.stopped = False
        self.failing: set[str] = set()
        self.answered: set[tuple[str, str]] = set()
        self._clock = clock
        self._good: dict[str, datetime] = {}

    def minute(self, policy: Policy, serving: Callable[[str], tuple[str, bool]]) -> None:
        """A minute has passed; `serving` says which revision a service has, and if it is well."""
        now = self._clock.now()
        for stack in () if self.stopped else policy.stacks.values():
            found = [(each.resource, *serving(each.resource)) for each in stack.services]
            for resource, revision, _ in found:
                self.serve(resource, revision, _SERVED, now)
                self.answered.add((resource, revision))
            well = all(answers for *_, answers in found) and stack.id not in self.failing
            query = errors(stack.id)
            self.sample(query.expression, _WELL if well else _SICK, now)
            if well:
                self._good[query.expression] = now

    def good_since(self, query: MetricQuery, since: datetime) -> bool:
        """Whether a sample taken after that was within the budget."""
        newest = self._good.get(query.expression)
        return newest is not None and newest > since


def unproven(commit: Commit, record: Record, policy: Policy, gauges: Gauges) -> Iterator[Wrong]:
    """Whatever the commit calls recovered, and nothing shows that it has."""
    before = record.heads.get(commit.stack_id)
    ended = {row.id for row in commit.rows if isinstance(row, AlertRow) and _ended(row)}
    ended |= {row.id for row in record.alerts.values() if _ended(row)}
    for incident in commit.stack.incidents if commit.stack else ():
        rollback = _newly_recovered(incident, before.incident(incident.id) if before else None)
        if rollback is None or rollback.trigger in ended:
            continue
        queries = policy.stack(incident.stack).rollback.metrics
        since = rollback.healthy_at
        if since is None or not (
            all(gauges.good_since(query, since) for query in queries)
            if queries
            else not rollback.trigger
        ):
            yield PROVEN, incident.id


def _ended(row: AlertRow) -> bool:
    return row.status is AlertStatus.RESOLVED


def _newly_recovered(incident: Incident, known: Incident | None) -> Rollback | None:
    rollback = incident.rollback
    if rollback is None or rollback.verdict is not Verdict.RECOVERED:
        return None
    return None if known is not None and known.rollback == rollback else rollback
