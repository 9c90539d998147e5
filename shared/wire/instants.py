"""Instants as senders write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

_RFC_3339: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,18}))?"
    r"(?:([Zz])|([+-])(\d\d):?(\d\d))",
    re.ASCII,
)
_MILLISECONDS: Final = 100_000_000_000  # as seconds, this would be the year 5138


@lru_cache(maxsize=128)
def from_rfc3339(text: str) -> datetime | None:
    """The instant in UTC, to the microsecond; None for year 1, which is Go's "not set".

    Any offset and any number of decimals are accepted; a leap second counts as the one before.
    Raises ValueError for anything else (https://www.rfc-editor.org/rfc/rfc3339#section-5.6).
    The last ones are remembered: an alert's start is checked first and then read.
    """
    found = _RFC_3339.fullmatch(text.strip())
    if found is None:
        raise ValueError("not an RFC 3339 time")
    year, month, day, hour, minute, second = map(int, found.group(1, 2, 3, 4, 5, 6))
    if year <= 1:
        return None
    micros = int((found[7] or "0").ljust(6, "0")[:6])
    try:
        zone = timezone(_offset(found)) if found[9] else UTC
        local = datetime(year, month, day, hour, minute, min(second, 59), micros, tzinfo=zone)
        return local.astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise ValueError("outside the calendar") from error


def from_epoch(number: float) -> datetime | None:
    """The instant of a Unix time in seconds (or, if it is that large, milliseconds); None for 0.

    Raises ValueError when it is outside the calendar.
    """
    if not number:
        return None
    seconds = number / 1000 if abs(number) >= _MILLISECONDS else number
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise ValueError("outside the calendar") from error


def from_any(value: str | int | float | None) -> datetime | None:
    """The instant of a Unix time (number or digits) or an RFC 3339 text; None if not set."""
    if value is None or value == "":
        return None
    if isinstance(value, int | float):
        return from_epoch(value)
    try:
        number = float(value)
    except ValueError:
        return from_rfc3339(value)
    return from_epoch(number)


def _offset(found: re.Match[str]) -> timedelta:
    sign = -1 if found[9] == "-" else 1
    return sign * timedelta(hours=int(found[10]), minutes=int(found[11]))
