"""Everything that is drawn: how bad a day it is, and what befalls each call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Final, TypeVar

T = TypeVar("T")

BEFORE: Final = "before"
AFTER: Final = "after"


@dataclass(frozen=True, slots=True)
class Rates:
    """How often a call meets which trouble, between 0 and 1."""

    crash: float
    error: float
    stall: float
    freeze: float
    duplicate: float
    lost: float
    vendor: float


QUIET: Final = Rates(0, 0, 0, 0, 0, 0, 0)
"""After the faults have stopped."""

DAYS: Final = (
    Rates(0.004, 0.010, 0.010, 0.004, 0.10, 0.05, 0.10),
    Rates(0.012, 0.020, 0.010, 0.004, 0.10, 0.10, 0.15),
    Rates(0.002, 0.050, 0.010, 0.002, 0.05, 0.05, 0.10),
    Rates(0.002, 0.010, 0.060, 0.004, 0.30, 0.05, 0.10),
    Rates(0.003, 0.010, 0.030, 0.020, 0.05, 0.05, 0.40),
)
"""Days of different kinds: one where processes die, one where they stall, and so on."""


class Chance:
    """The seed's draws. Each seed also has one instant at which a worker surely dies.

    Mostly the first time that it comes; every third time around it may be a later one.
    """

    def __init__(self, seed: int, instants: Sequence[tuple[str, str]]) -> None:
        self.random = Random(seed)
        self.rates = self.random.choice(DAYS)
        self.faults = 0
        around, aim = divmod(seed, len(instants))
        self._instant = instants[aim]
        self._until_it = self.random.choice((0, 1, 2)) if around % 3 == 2 else 0

    def stop(self) -> None:
        """From now on everything goes well."""
        self.rates = QUIET

    def strikes(self, rate: float) -> bool:
        """Whether something that happens this often happens now; counted if it does."""
        if rate == 0 or self.random.random() >= rate:
            return False
        self.faults += 1
        return True

    def kills(self, point: str, side: str) -> bool:
        """Whether the worker dies here."""
        if self.rates is QUIET:
            return False
        if (point, side) == self._instant:
            self._until_it -= 1
            if self._until_it == -1:
                self.faults += 1
                return True
        return self.strikes(self.rates.crash)

    def latency(self) -> timedelta:
        """How long one way to a vendor takes: milliseconds, or sometimes far longer."""
        if self.strikes(self.rates.stall):
            return self.seconds(0.1, 45)
        return self.seconds(0.001, 0.03)

    def seconds(self, least: float, most: float) -> timedelta:
        """A duration between the two."""
        return timedelta(seconds=self.random.uniform(least, most))

    def one_of(self, things: Sequence[T]) -> T:
        """One of them."""
        return self.random.choice(things)
