"""The shops of a history: their policy, and the vendors as they behave on such a day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Final

from shared.domain.blast_radius import BlastRadius
from shared.domain.escalation import EscalationStep
from shared.domain.hours import Span, WeeklyHours, on_the_wall
from shared.domain.lane import Matcher, MatchOp, Route
from shared.domain.ledger import LedgerRules
from shared.domain.policy import (
    AutomaticRules,
    HealthCheck,
    Lane,
    OnPartial,
    Person,
    Policy,
    Remediation,
    RollbackPolicy,
    Service,
    StackPolicy,
    Team,
    Timing,
)
from shared.domain.quiet import Maintenance, QuietHours
from shared.domain.rollback import ServiceState, Split
from shared.domain.schedule import Layer, Override, Schedule
from shared.domain.severity import Severity
from shared.domain.snapshots import DataRules
from shared.ports import Clock
from tests.builders import MINUTE, NOON
from tests.fakes.snapshots import FakeSnapshots
from tests.fakes.traffic import FakeTraffic, TrafficFault, _Service
from tests.simulation.chance import Chance
from tests.simulation.gauges import errors

STACKS: Final = ("books", "music", "tools")
MEASURED: Final = ("books", "tools")
"""Stacks whose recovery shows in a metric too."""
PARTS: Final = ("back", "front")
_AUTOMATIC: Final = AutomaticRules(
    suspect_within=timedelta(minutes=12), cooldown=timedelta(minutes=6), per_hour=2
)
LANES: Final = ("infra", "data", "auth", "triage", "mail")
DEPENDS: Final = {"auth": ("infra",), "mail": ("auth",)}
UPSTREAM: Final = {"auth": ("infra",), "mail": ("auth", "infra")}
"""The lanes that each depends on, directly and through others."""
PEOPLE: Final = ("ana", "ben", "eve", "kai", "wes")
APPROVERS: Final = ("ben", "eve", "kai")
STRANGER: Final = "U0NOBODY"
DEPLOYER: Final = "deployer@shops"


_ESCALATION: Final = (
    EscalationStep(timedelta(minutes=2), "runtime"),
    EscalationStep(timedelta(minutes=3), "eve"),
)
STAND_IN: Final = Override(person="wes", span=Span(NOON + 9 * MINUTE, NOON + 12 * MINUTE))
ROTA: Final = Schedule(
    id="rota",
    zone="UTC",
    layers=(
        Layer(
            zone="UTC",
            people=APPROVERS,
            start=on_the_wall(NOON, "UTC"),
            shift=timedelta(hours=1),
            hours=WeeklyHours(zone="UTC", start=time(12), end=time(12, 21)),
        ),
    ),
    overrides=(STAND_IN,),
)
"""Ben, for a while Wes, and later nobody: then the next in the escalation is paged."""
QUIET: Final = QuietHours(
    severities=(Severity.SEV3, Severity.SEV4),
    hours=WeeklyHours(zone="UTC", start=time(12, 6), end=time(12, 17)),
)
WORK: Final = Maintenance(
    name="new tables",
    zone="UTC",
    stack="music",
    lanes=("data", "auth"),
    span=Span(NOON + 14 * MINUTE, NOON + 24 * MINUTE),
)


def slack(person: str) -> str:
    """The person's Slack id."""
    return f"U0{person.upper()}"


def may_approve_data(person: str, at: datetime) -> bool:
    """Whether this person may approve that data is replaced: some always, one while standing in."""
    return person in APPROVERS or (person == STAND_IN.person and STAND_IN.span.covers(at))


def policy(stacks: int) -> Policy:
    """The shops' policy, impatient enough that much happens in half an hour."""
    rolls = (Remediation.ROLLBACK, Remediation.ROLLBACK, *(Remediation.NONE,) * 3)
    owners = ("infra", "infra", "web", "runtime", "runtime")
    lanes = [
        Lane(
            id=lane,
            name=lane,
            owner=owner,
            remediation=remedy,
            depends_on=DEPENDS.get(lane, ()),
        )
        for lane, owner, remedy in zip(LANES, owners, rolls, strict=True)
    ]
    teams = [
        Team(id="runtime", name="runtime", channel="#runtime", on_call="ana", members=("ana",)),
        Team(
            id="infra",
            name="infra",
            channel="#infra",
            on_call=ROTA.id,
            members=APPROVERS,
            escalation=_ESCALATION,
        ),
        Team(id="web", name="web", channel="#web", on_call="wes", members=("wes",)),
    ]
    return Policy(
        stacks={name: _stack(name) for name in STACKS[:stacks]},
        lanes={lane.id: lane for lane in lanes},
        teams={team.id: team for team in teams},
        people={name: Person(id=name, name=name, slack=slack(name)) for name in PEOPLE},
        routes=tuple(_route(stack, lane) for stack in STACKS[:stacks] for lane in LANES),
        schedules={ROTA.id: ROTA},
        quiet_hours=(QUIET,),
        maintenance=(WORK,),
        notify=("web",),
        blast_radius=BlastRadius(suspect_within=timedelta(minutes=3)),
        timing=Timing(
            settle=timedelta(seconds=90),
            reopen_window=timedelta(minutes=8),
            repage_after=timedelta(minutes=4),
        ),
    )


def snapshots(rules: Policy, clock: Clock) -> FakeSnapshots:
    """Every stack's data, and a snapshot of it."""
    source = FakeSnapshots(clock, takes=timedelta(seconds=2))
    for stack in rules.stacks:
        source.live[stack] = f"the {stack} as they are".encode()
        source.put(stack, "good", f"the {stack} as they were".encode(), clock.now())
    return source


def _stack(name: str) -> StackPolicy:
    return StackPolicy(
        id=name,
        name=name,
        services=tuple(
            Service(
                name=f"{name}-{part}",
                project="shops",
                region="europe-west1",
                health=(HealthCheck(path="/version"),),
            )
            for part in PARTS
        ),
        rollback=RollbackPolicy(
            approvers=("infra",),
            approval_valid=timedelta(minutes=6),
            health_window=timedelta(seconds=3),
            verify_window=timedelta(minutes=4),
            metrics=(errors(name),) if name in MEASURED else (),
            ledger=LedgerRules(soak=timedelta(seconds=100), deployers=(DEPLOYER,)),
            automatic=_AUTOMATIC if name == "books" else None,
            approvals=2 if name == "music" else 1,
            on_partial=OnPartial.HOLD if name == "tools" else OnPartial.RESTORE,
            further_candidate=name != "music",
        ),
        data=DataRules(source="folder"),
    )


def _route(stack: str, lane: str) -> Route:
    matchers = tuple(
        Matcher(name=name, op=MatchOp.EQUAL, value=value)
        for name, value in (("stack", stack), ("lane", lane))
    )
    return Route(id=f"{stack}-{lane}", lane=lane, stack=stack, matchers=matchers)


class CloudRun(FakeTraffic):
    """Cloud Run on such a day. `changed` is told of every change that took effect, and whose."""

    def __init__(
        self,
        clock: Clock,
        chance: Chance,
        changed: Callable[[ServiceState, ServiceState], None],
    ) -> None:
        super().__init__(clock, takes=timedelta(seconds=0.5))
        self._chance = chance
        self._changed = changed

    def send(self, resource: str, traffic: Split, etag: str, *, dry_run: bool = False) -> None:
        """As the fake does, with the trouble that is drawn."""
        if not dry_run and self._chance.strikes(self._chance.rates.vendor):
            fault = self._chance.one_of(tuple(TrafficFault))
            slow = fault is TrafficFault.SLOW_OPERATION
            self.order(resource, fault, self._chance.seconds(1, 150 if slow else 85))
        super().send(resource, traffic, etag, dry_run=dry_run)

    def _apply(
        self, service: _Service, traffic: Split, takes: timedelta, who: str = "switchman@test"
    ) -> None:
        before = service.state
        super()._apply(service, traffic, takes, who)
        if service.state.generation != before.generation:
            self._changed(before, service.state)


class SteppingClock:
    """A process's clock: now and then it is put forward or back."""

    def __init__(self, true: Clock) -> None:
        self._true = true
        self.error = timedelta()

    def now(self) -> datetime:
        """What the process takes for the present."""
        return self._true.now() + self.error

    def sleep(self, duration: timedelta) -> None:
        """Wait; a clock that is put forward wakes nobody."""
        self._true.sleep(duration)
