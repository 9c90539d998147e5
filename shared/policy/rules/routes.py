"""Routes that no alert can ever take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shared.domain.lane import Matcher
from shared.policy.matchers import parse_matchers
from shared.policy.rules.rule import Found, Rule
from shared.policy.schema import PolicyFile, RouteEntry


def _catch_all(file: PolicyFile) -> Iterator[Found]:
    for number, route in enumerate(file.routes[:-1]):
        if not _conditions(route):
            yield (
                ("routes", number),
                f"the route {route.id} takes every alert, so that no route after it is ever tried: "
                "move it to the end, or say what it takes",
            )
            return


def _conditions(route: RouteEntry) -> frozenset[Matcher]:
    """What has to hold, whether it stands in one text or in several."""
    return frozenset(each for text in route.match for each in parse_matchers(text))


RULES: Final = (
    Rule(
        name="catch-all-route",
        says="a route that takes every alert is the last one",
        reads=("routes",),
        check=_catch_all,
    ),
)
