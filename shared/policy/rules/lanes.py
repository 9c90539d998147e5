"""Lanes that wait for each other, and lanes that nothing leads to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shared.domain.policy import TRIAGE
from shared.policy.rules.rule import Found, Rule
from shared.policy.schema import PolicyFile


def _cycle(file: PolicyFile) -> Iterator[Found]:
    told: set[str] = set()
    for lane in file.lanes:
        cycle = _way_back(file, lane)
        if cycle and told.isdisjoint(cycle):
            told.update(cycle)
            shown = " -> ".join((*cycle, lane))
            yield (
                ("lanes", lane, "depends_on"),
                f"{shown}: lanes must not depend on each other in a circle, "
                "or each is the other's symptom: take one of these out of depends_on",
            )


def _way_back(file: PolicyFile, start: str) -> tuple[str, ...]:
    """The shortest way from a lane by what it depends on to itself; empty if there is none."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    for way in ways:  # grows while it is walked
        for lane in file.lanes[way[-1]].depends_on:
            if lane == start:
                return way
            if lane not in seen:
                seen.add(lane)
                ways.append((*way, lane))
    return ()


def _without_route(file: PolicyFile) -> Iterator[Found]:
    led_to = {TRIAGE, *(route.lane for route in file.routes)}
    for lane in file.lanes:
        if lane not in led_to:
            yield (
                ("lanes", lane),
                f"no route leads to the lane {lane}, so that no alert ever comes to it: "
                f"add a route with lane: {lane}, or take the lane out",
            )


RULES: Final = (
    Rule(
        name="lane-cycle",
        says="lanes do not depend on each other in a circle",
        reads=("lanes",),
        check=_cycle,
        refuses=True,
    ),
    Rule(
        name="lane-without-route",
        says="a route leads to every lane but `triage`",
        reads=("lanes", "routes"),
        check=_without_route,
    ),
)
