"""Durations as people write them in the policy file."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

DURATION = r"^(\d+(ms|s|m|h|d))+$"

DURATION_TEXT: Final = re.compile(DURATION, re.ASCII)
LONGEST: Final = timedelta(days=366)
_PART = re.compile(r"(\d+)(ms|s|m|h|d)", re.ASCII)


def parse_duration(text: str) -> timedelta:
    """The duration that `90s`, `2m`, `24h` or `1h30m` stands for; the text fits `DURATION`.

    Raises ValueError for more than a year: no calendar has the time at which that is over.
    """
    total = timedelta()
    try:
        for number, unit in _PART.findall(text):
            total += int(number) * _unit(unit)
    except OverflowError:
        total = timedelta.max
    if total > LONGEST:
        raise ValueError(f"{text[:40]} is longer than anyone will wait: at most {LONGEST.days}d")
    return total


def _unit(unit: str) -> timedelta:
    match unit:
        case "ms":
            return timedelta(milliseconds=1)
        case "s":
            return timedelta(seconds=1)
        case "m":
            return timedelta(minutes=1)
        case "h":
            return timedelta(hours=1)
        case _:
            return timedelta(days=1)
