"""State tables: an illegal move is refused by name and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

S = TypeVar("S", bound=StrEnum)
T = TypeVar("T", bound=StrEnum)


class Refusal(StrEnum):
    """Why a move was not made; the value is what a person is told."""

    ALREADY_ACKNOWLEDGED = "it is already acknowledged"
    ALREADY_RESOLVED = "the incident is already resolved"
    ALREADY_RESOLVING = "it is already being checked for resolution"
    ALREADY_MITIGATED = "a rollback has already taken effect"
    CLOSED = "the incident is reviewed and closed"
    NOT_RESOLVED = "the incident is not resolved yet"
    NOT_RESOLVING = "nobody is checking whether it is resolved"
    NOTHING_FIRES = "nothing is firing any more"
    MERGED = "it was merged into another incident"
    ROLLBACK_RUNNING = "a rollback is running"
    NO_ROLLBACK_RUNNING = "no rollback is running"
    NO_PLAN_ASKED = "no rollback plan was asked for"
    NO_PROPOSAL = "there is no rollback to decide on"
    ALREADY_APPROVED = "the rollback is already approved"
    ALREADY_REJECTED = "the rollback was rejected"
    PLAN_EXPIRED = "the rollback plan has expired"
    ROLLBACK_OVER = "the rollback is over"
    PLANNING = "the rollback plan is still being prepared"


@dataclass(frozen=True, slots=True)
class Back(Generic[S]):
    """A move back to wherever the thing came from: one of these."""

    to: tuple[S, ...]


@dataclass(frozen=True, slots=True)
class Machine(Generic[S, T]):
    """A complete table: for each state and trigger the next state, or a named refusal."""

    name: str
    states: type[S]
    triggers: type[T]
    table: Mapping[S, Mapping[T, S | Back[S] | Refusal]]

    def next(self, state: S, trigger: T) -> S | Back[S] | Refusal:
        """What the table says. Every pair has an answer; `missing` proves it."""
        return self.table[state][trigger]

    def missing(self) -> tuple[tuple[S, T], ...]:
        """Pairs without an answer: empty in a finished table."""
        return tuple(
            (state, trigger)
            for state in self.states
            for trigger in self.triggers
            if trigger not in self.table.get(state, {})
        )

    def edges(self) -> Iterator[tuple[S, T, S]]:
        """Every possible move, for the diagram."""
        for state, row in self.table.items():
            for trigger, answer in row.items():
                if isinstance(answer, Back):
                    for target in answer.to:
                        yield state, trigger, target
                elif not isinstance(answer, Refusal):
                    yield state, trigger, answer
