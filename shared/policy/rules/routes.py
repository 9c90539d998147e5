"""Routes that no alert can ever take."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from shared.domain.alert import Alert, AlertStatus
from shared.domain.lane import Matcher
from shared.domain.policy import Remediation
from shared.policy.matchers import parse_matchers
from shared.policy.rules.implied import contradiction, implies
from shared.policy.rules.rule import Found, Rule
from shared.policy.schema import PolicyFile, RouteEntry
from shared.policy.wording import nearest

_SOME_TIME: Final = datetime(2026, 1, 1, tzinfo=UTC)


def _catch_all(file: PolicyFile) -> Iterator[Found]:
    for number, route in enumerate(file.routes[:-1]):
        if not _conditions(route):
            yield (
                ("routes", number),
                f"the route {route.id} takes every alert, so that no route after it is ever tried: "
                "move it to the end, or say what it takes",
            )
            return


def _unreachable(file: PolicyFile) -> Iterator[Found]:
    earlier: list[tuple[str, frozenset[Matcher]]] = []
    for number, route in enumerate(file.routes):
        conditions = _conditions(route)
        taken_by = next((key for key, each in earlier if implies(conditions, each)), "")
        if taken_by:
            yield (
                ("routes", number),
                f"the route {route.id} is never taken: whatever fits it fits {taken_by} before it; "
                "move it before that one, or take it out",
            )
        if not conditions:
            return  # what comes after it is the other rule's
        earlier.append((route.id, conditions))


def _impossible(file: PolicyFile) -> Iterator[Found]:
    for number, route in enumerate(file.routes):
        if pair := contradiction(_matchers(route)):
            yield (
                ("routes", number, "match"),
                f"the route {route.id} is never taken: {pair[0]} and {pair[1]} never hold together; "
                "all of its matchers have to hold at once, so take one out",
            )


def _unknown_fact(file: PolicyFile) -> Iterator[Found]:
    facts = _alert_facts()
    for number, route in enumerate(file.routes):
        for name in dict.fromkeys(matcher.name for matcher in _matchers(route)):
            if name.startswith("alert:") and name not in facts:
                yield (
                    ("routes", number, "match"),
                    f"the route {route.id} asks for {name}, which no alert has{nearest(name, facts)}",
                )


def _needless(file: PolicyFile) -> Iterator[Found]:
    for number, route in enumerate(file.routes):
        if route.no_rollback and file.lanes[route.lane].remediation is not Remediation.ROLLBACK:
            yield (
                ("routes", number, "no_rollback"),
                f"the route {route.id} says why a rollback would not help, and the lane "
                f"{route.lane} proposes none: take no_rollback out",
            )


def _alert_facts() -> tuple[str, ...]:
    """The names under which every alert can be asked for what it is."""
    some = Alert(source="", fingerprint="", status=AlertStatus.FIRING, starts_at=_SOME_TIME)
    return tuple(name for name in some.facts() if name.startswith("alert:"))


def _conditions(route: RouteEntry) -> frozenset[Matcher]:
    """What has to hold, whether it stands in one text or in several."""
    return frozenset(_matchers(route))


def _matchers(route: RouteEntry) -> tuple[Matcher, ...]:
    return tuple(each for text in route.match for each in parse_matchers(text))


RULES: Final = (
    Rule(
        name="catch-all-route",
        says="a route that takes every alert is the last one",
        reads=("routes",),
        check=_catch_all,
    ),
    Rule(
        name="unreachable-route",
        says="no route before it takes everything that a route would take",
        reads=("routes",),
        check=_unreachable,
    ),
    Rule(
        name="impossible-route",
        says="the matchers of a route can hold together",
        reads=("routes",),
        check=_impossible,
    ),
    Rule(
        name="unknown-fact",
        says="what a route asks for under `alert:` is something that alerts have",
        reads=("routes",),
        check=_unknown_fact,
    ),
    Rule(
        name="needless-no-rollback",
        says="`no_rollback` is given where the lane's remediation is `rollback`",
        reads=("lanes", "routes"),
        check=_needless,
    ),
)
