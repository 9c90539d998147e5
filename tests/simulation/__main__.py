"""`python -m tests.simulation --seeds N [--start S] [--seed X]`: play histories, judge each."""

from __future__ import annotations

import argparse
import signal
import sys
from collections import Counter
from collections.abc import Iterable
from time import monotonic
from typing import Final

from tests.simulation.crossings import CROSSED
from tests.simulation.history import Told, scratch, tell

_ENOUGH: Final = 3 * len(CROSSED)
"""After so many seeds every instant was aimed at three times."""


class Tally:
    """What the seeds played so far come to."""

    def __init__(self) -> None:
        self.seeds = self.steps = self.faults = 0
        self.did: Counter[str] = Counter()
        self.died: set[tuple[str, str]] = set()
        self._began = monotonic()

    def add(self, told: Told) -> None:
        """One more."""
        self.seeds += 1
        self.steps += told.steps
        self.faults += told.faults
        self.died |= told.died
        self.did += told.did

    def never(self) -> list[str]:
        """Instants at which no worker ever died."""
        return [f"{side} {point}" for point, side in CROSSED if (point, side) not in self.died]

    def __str__(self) -> str:
        seconds = monotonic() - self._began
        seeds = max(1, self.seeds)
        return (
            f"{self.seeds} seeds in {seconds:.1f} s; for each seed {self.steps / seeds:.0f} steps "
            f"and {self.faults / seeds:.1f} faults; workers died at "
            f"{len(CROSSED) - len(self.never())} of {len(CROSSED)} instants\n"
            + ", ".join(f"{name}: {many}" for name, many in sorted(self.did.items()))
        )


def main(arguments: list[str]) -> int:
    """The exit code: 1 at the first broken invariant, or when some instant was never tried."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many")
    parser.add_argument("--start", type=int, default=0, help="the first")
    parser.add_argument("--seed", type=int, help="this one alone")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if given.seed is not None:
        return play(range(given.seed, given.seed + 1))
    return play(range(given.start, given.start + given.seeds))


def play(seeds: Iterable[int]) -> int:
    """Play them one after the other."""
    tally = Tally()
    try:
        with scratch() as folder:
            for seed in seeds:
                told = tell(seed, folder)
                tally.add(told)
                if told.broken is not None:
                    _show(told)
                    return 1
                if tally.seeds == _ENOUGH and tally.never():
                    break
    finally:
        print(tally, flush=True)
    if tally.seeds >= _ENOUGH and tally.never():
        print(f"No worker ever died {', '.join(tally.never())}.")
        return 1
    return 0


def _show(told: Told) -> None:
    assert told.broken is not None
    print("\n".join(told.trace))
    print(f"\nSeed {told.seed} breaks an invariant: {told.broken.invariant}")
    print(f"  {told.broken.detail}")
    print(f"Again: python -m tests.simulation --seed {told.seed}\n")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
