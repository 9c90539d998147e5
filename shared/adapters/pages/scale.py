"""Where things stand in a picture: percentages of its width, so that text keeps its size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.adapters.pages.story import Phase

_LEAST: Final = 1.2
"""No bar is narrower than this, or it could not be seen."""
_TOO_LONG: Final = 0.8
"""A phase that is more of the whole than this hides the others' proportions, and is cut..."""
_CUT: Final = 55.0
"""...to this width."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One phase in the picture. Its label stands where there is more room."""

    phase: Phase
    x: float
    width: float
    cut: bool

    @property
    def label_from_left(self) -> bool:
        """Whether the label begins at the bar's start, or else ends at its end."""
        return 100 - self.x >= self.x + self.width

    @property
    def label_x(self) -> float:
        """Where the label begins or ends."""
        return self.x if self.label_from_left else self.x + self.width

    @property
    def middle(self) -> float:
        """Where a cut is drawn."""
        return self.x + self.width / 2


def bars(phases: Sequence[Phase]) -> tuple[Bar, ...]:
    """The phases side by side on one axis, to scale but for one that would dwarf all others."""
    widths, cut = _widths([phase.seconds for phase in phases])
    found: list[Bar] = []
    x = 0.0
    for number, (phase, width) in enumerate(zip(phases, widths, strict=True)):
        bar = Bar(phase=phase, x=round(x, 2), width=round(width, 2), cut=number == cut)
        found.append(bar)
        x += width
    return tuple(found)


def _widths(lengths: list[float]) -> tuple[list[float], int | None]:
    """Widths that add up to 100, and the number of the bar that is cut."""
    if not lengths:
        return [], None
    longest = max(range(len(lengths)), key=lengths.__getitem__)
    others = sum(lengths) - lengths[longest]
    if others <= 0 or lengths[longest] <= _TOO_LONG * sum(lengths):
        return _shared(lengths, 100.0), None
    rest = _shared(lengths[:longest] + lengths[longest + 1 :], 100.0 - _CUT)
    return [*rest[:longest], _CUT, *rest[longest:]], longest


def _shared(lengths: list[float], width: float) -> list[float]:
    """The width divided in proportion, where nothing gets less than the least."""
    small: set[int] = set()
    while True:
        free = width - _LEAST * len(small)
        total = sum(n for i, n in enumerate(lengths) if i not in small)
        given = [
            _LEAST if i in small else (free * n / total if total else free / len(lengths))
            for i, n in enumerate(lengths)
        ]
        narrow = {i for i, share in enumerate(given) if share < _LEAST}
        if not narrow - small:
            return given
        small |= narrow
