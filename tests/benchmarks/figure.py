"""A measured figure beside what it is compared with and what is promised, and the table of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

_HEADINGS = ("", "figure", "floor", "ratio", "promised", "")


class NotMeasured(Exception):
    """This machine lacks what the figure needs; the text says what that is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One thing measured. `floor` is the least it could have been, measured in the same run.

    With a floor the promise is about the ratio of the two, without one about the value itself.
    `at_least` marks a promise that more is better; without a promise the figure is only reported.
    `details` are for the JSON: what a reader needs to judge how far the figure can be trusted.
    """

    name: str
    value: float
    unit: str
    promised: float | None = None
    floor: float | None = None
    at_least: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """The value in floors."""
        return None if self.floor is None else self.value / self.floor

    @property
    def short(self) -> bool:
        """Whether it falls short of the promise."""
        if self.promised is None:
            return False
        judged = self.value if self.ratio is None else self.ratio
        return judged < self.promised if self.at_least else judged > self.promised

    def as_json(self) -> dict[str, Any]:
        """Everything known, for machines."""
        ratio = None if self.ratio is None else round(self.ratio, 3)
        return {**asdict(self), "ratio": ratio, "short": self.short}


def table(figures: Iterable[Figure]) -> str:
    """The figures for people, one a line."""
    rows = [_HEADINGS, *map(_row, figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_line(row, widths) for row in rows)


def _row(figure: Figure) -> tuple[str, ...]:
    return (
        figure.name,
        _amount(figure.value, figure.unit),
        "" if figure.floor is None else _amount(figure.floor, figure.unit),
        "" if figure.ratio is None else f"{figure.ratio:.2f}",
        *_judged(figure),
    )


def _judged(figure: Figure) -> tuple[str, str]:
    if figure.promised is None:
        return "", ""
    bound = "at least" if figure.at_least else "at most"
    limit = f"{figure.promised:,g}" if figure.ratio is None else f"{figure.promised:g} floors"
    return f"{bound} {limit}", "SHORT" if figure.short else "ok"


def _amount(value: float, unit: str) -> str:
    """Small values with a decimal."""
    decimals = 1 if abs(value) < 100 and value != int(value) else 0
    return f"{value:,.{decimals}f} {unit}"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    """Names to the left, numbers to the right."""
    cells = [
        text.rjust(width) if 0 < column < 4 else text.ljust(width)
        for column, (text, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()
