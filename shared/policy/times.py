"""Times of day, days and time zones as people write them in the policy file."""

from __future__ import annotations

from datetime import datetime, time
from typing import Final

from shared.domain.hours import time_zone
from shared.policy.wording import nearest

LOCAL_TIME = r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}$"
HOURS = r"^\d{2}:\d{2}-\d{2}:\d{2}$"

YEARS: Final = range(2000, 2200)
_MIDNIGHT = "24:00"


def parse_zone(text: str) -> str:
    """The name of the time zone; ValueError where there is none."""
    try:
        time_zone(text)
    except (OSError, ValueError, KeyError) as error:
        from zoneinfo import available_timezones

        near = nearest(text, available_timezones()) if text else ""
        shown = near if "did you mean" in near else "; Europe/Berlin or UTC would be one"
        raise ValueError(f"there is no time zone {text[:60]!r}{shown}") from error
    return text


def parse_local(text: str) -> datetime:
    """What a clock on a wall shows then; ValueError for a day that no year, or no plan, has."""
    try:
        local = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"there is no {text}: it must be a day and time that exist") from error
    if local.year not in YEARS:
        raise ValueError(f"{text} must be in the years {YEARS[0]} to {YEARS[-1]}")
    return local


def parse_hours(text: str) -> tuple[time, time]:
    """From when until when; ValueError for a time that no day has."""
    start, _, end = text.partition("-")
    try:
        return time.fromisoformat(start), time() if end == _MIDNIGHT else time.fromisoformat(end)
    except ValueError as error:
        raise ValueError(f"{text} must be times of a day, from 00:00 to 24:00") from error
